// The models of a batch, and what is there of their artifacts.

import ArgumentParser
import HHFormat
import HHModel
import HHPipeline

/// The models of a batch, and where their artifacts go.
struct BatchArguments: ParsableArguments {
  @Argument(help: "Folders, lists (.txt, .yaml, .json) or checkpoints.", completion: .file())
  var paths: [String]

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The folder for the artifacts (default: the working folder).", valueName: "folder"),
    completion: .directory)
  var output: String?

  /// The folder for the artifacts.
  var folder: String { output ?? "." }

  func validate() throws {
    if paths.isEmpty { throw ValidationError("Missing expected argument '<paths> ...'") }
  }
}

/// The units of a batch, each with what stands where its artifact goes.
struct BatchWork {
  /// The options of each unit.
  private let arguments: [ConversionArguments]
  let units: [BatchUnit]
  let states: [Completion]
  /// Threads of the whole batch.
  let threads: Int

  /// Finds the models, or those of one shard, and looks at their artifacts.
  ///
  /// - Throws: what is wrong with the paths, and with a recipe that is no single model's fault.
  init(
    _ models: BatchArguments, _ arguments: ConversionArguments, shard: Shard? = nil
  ) throws {
    let options = try arguments.options(model: "x")
    if let run = options.run {
      throw PipelineError.invalidInput(
        name: "--recipe", problem: "expected none with a 'run' for several models, found '\(run)'")
    }
    threads = options.threads
    let all = try WorkList.units(of: models.paths, outputFolder: models.folder)
    // Of all units, so that what is wrong with a list is told before any work, in every shard.
    let allArguments = try all.map { try arguments.over($0.settings) }
    units = shard?.part(of: all) ?? all
    self.arguments = shard?.part(of: allArguments) ?? allArguments
    states = zip(units, self.arguments).map { Self.completion(of: $0, $1) }
  }

  /// What stands where the artifact of the unit with an index goes now.
  func completion(ofUnit index: Int) -> Completion {
    Self.completion(of: units[index], arguments[index])
  }

  /// The options of the unit with an index, as words of a command line.
  func words(ofUnit index: Int) -> [String] { arguments[index].words }

  /// The settings of the unit with an index.
  func options(ofUnit index: Int) throws -> ConversionOptions {
    try arguments[index].options(model: units[index].model)
  }

  /// A model that cannot be read is one still to convert: the conversion will say what is wrong with
  /// it.
  private static func completion(of unit: BatchUnit, _ arguments: ConversionArguments) -> Completion
  {
    do {
      var options = try arguments.options(model: unit.model)
      options.output = unit.output
      return try Completion(of: options)
    } catch {
      return .absent
    }
  }
}
