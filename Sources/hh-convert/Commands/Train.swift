// hh-convert train RECIPE: a new model, trained from scratch.

import ArgumentParser
import HHData
import HHFormat
import HHModel
import HHPipeline
import HHTraining

struct Train: ParsableCommand, SettingArguments {
  static let configuration = CommandConfiguration(
    abstract: "Train a model, new or from a checkpoint, with softmax or Hedgehog attention.",
    discussion: helpExamples(
      "train new-model.yaml",
      "train new-model.yaml --data corpus.txt --steps 500 --output small",
      discussion: """
        The recipe's 'model' gives the sizes of a new model or names a checkpoint, its 'data' what is \
        learnt, its stage 'train' how; with 'classes' there a checkpoint gets a new classifier. With \
        a stage 'rewrite' before it the result is a Hedgehog artifact, without one a folder as \
        save_pretrained writes it. Options take the place of what the recipe says. A run folder is \
        always kept, so that 'resume' can go on.
        """))

  @Argument(
    help: "The recipe: a YAML or JSON file, or the name of a shipped one.",
    completion: .file(extensions: ["yaml", "yml", "json"]))
  var recipe: String

  @Option(help: "The checkpoint to begin with, in place of the recipe's.", completion: .file())
  var model: String?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The artifact or the folder to write (default: the recipe's name).", valueName: "path"),
    completion: .file())
  var output: String?

  @Option(\.self, \.tokenizer) var tokenizer: Given?

  @Option(
    name: .customLong("run"),
    help: ArgumentHelp(
      "The run's folder (default: OUTPUT.run).", valueName: "folder"), completion: .directory)
  var runFolder: String?

  @OptionGroup var rows: DataArguments
  @OptionGroup var training: TrainArguments
  @OptionGroup var machine: RunArguments
  @OptionGroup var reporting: ReportArguments
  @OptionGroup var flags: JobFlags

  func validate() throws { try checkRanges() }

  func run() throws {
    try ReportedFailure.reporting(
      naming: SettingNames(given: given.map(\.name), recipe: recipe, help: Self.helpMessage())
    ) {
      Interrupts.listen(keepingRun: true)
      let folder = try RunFolder(training: options())
      try EventPrinter(flags.manner).follow { report in
        do {
          var options = try folder.options()
          options.force = flags.force
          reporting.apply(&options)
          return try Conversion(options, resuming: folder, report: report)
        } catch {
          folder.discard()
          throw error
        }
      }
    }
  }

  private func options() throws -> ConversionOptions {
    let recipe = try Recipe.named(recipe)
    guard recipe.trains else {
      throw PipelineError.invalidInput(
        name: self.recipe, problem: "expected the stage 'train', found none")
    }
    var options = try recipe.options(model: model, threads: Producer.processorCount)
    for given in given { given.apply(&options) }
    guard options.data != nil else {
      throw PipelineError.invalidSetting(
        .data, problem: "expected data to learn from, here or in the recipe, found none")
    }
    guard options.finetuning.isEnabled else {
      throw PipelineError.invalidSetting(
        options.finetuning.key(\.steps), problem: "expected at least 1, found 0")
    }
    try options.finetuning.requireConsistency()
    options.output = output ?? options.output ?? defaultOutput(options.rewrites)
    options.run = runFolder ?? options.run
    options.force = flags.force
    try options.rejectOverwriting(recipe: self.recipe)
    try options.checkNewModel()
    return options
  }

  /// The recipe's name without its ending.
  private func defaultOutput(_ isArtifact: Bool) -> String {
    let name = recipe.split(separator: "/").last.map(String.init) ?? recipe
    let stem = name.split(separator: ".").first.map(String.init) ?? name
    return isArtifact ? stem + artifactSuffix : stem
  }
}
