// hh-convert batch FOLDER...: many models, one after the other or several at a time.

import ArgumentParser
import Glibc
import HHFormat
import HHModel
import HHPipeline

struct Batch: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Convert every checkpoint in folders and lists, skipping what is done.",
    discussion: helpExamples(
      "batch models/ --output converted",
      "batch models.txt --output converted --jobs 2 --keep-going",
      discussion: """
        A folder stands for every checkpoint in it and in its folders, a .txt file for the paths in \
        its lines. Each model becomes OUTDIR/NAME\(artifactSuffix), converted by a \
        process of its own, so that no failure is another model's. An artifact of the same sources, \
        settings and version is kept; anything else in its place is refused, or replaced with \
        --force. Exit status 3 means that a model failed.
        """))

  @Argument(help: "Folders, lists (.txt) or checkpoints.", completion: .file())
  var paths: [String]

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The folder for the artifacts (default: the working folder).", valueName: "folder"),
    completion: .directory)
  var output: String?

  @Option(
    parsing: .unconditional, help: "Models to convert at a time, each with a share of the threads.")
  var jobs = 1

  @Flag(help: "Go on with the other models after one has failed.")
  var keepGoing = false

  @OptionGroup var arguments: ConversionArguments

  @Flag(help: "List what would be done, and stop.")
  var dryRun = false

  @Flag(help: "Replace outputs that are broken or out of date.")
  var force = false

  @Flag(name: .shortAndLong, help: "Print nothing but errors.")
  var quiet = false

  @Flag(help: "Print a JSON line for each model on standard output, and one for all at the end.")
  var json = false

  func validate() throws {
    try check(jobs, in: 1...1024, "--jobs")
    if paths.isEmpty { throw ValidationError("Missing expected argument '<paths> ...'") }
    try checkOutput(quiet: quiet, json: json)
  }

  func run() throws {
    try ReportedFailure.reporting(
      naming: SettingNames(given: arguments.givenNames, recipe: arguments.recipe)
    ) {
      // A recipe that cannot be followed is no model's failure.
      let options = try arguments.options(model: "x")
      if let run = options.run {
        throw PipelineError.invalidInput(
          name: "--recipe",
          problem: "expected none with a 'run' for several models, found '\(run)'")
      }
      let units = try WorkList.units(of: paths, outputFolder: output ?? ".")
      let states = units.map(completion)
      if dryRun { return try list(units, states) }
      Interrupts.listen()
      try makeOutputFolder()
      try convert(units, states)
    }
  }

  /// What stands where a unit's artifact goes. A model that cannot be read is one still to convert:
  /// the conversion will say what is wrong with it.
  private func completion(of unit: BatchUnit) -> Completion {
    do {
      var options = try arguments.options(model: unit.model)
      options.output = unit.output
      return try Completion(of: options)
    } catch {
      return .absent
    }
  }

  private func makeOutputFolder() throws {
    guard let output, unsafe mkdir(output, 0o777) != 0, errno != EEXIST else { return }
    throw FormatError(
      .cannotCreate, file: output, problem: "cannot be created: \(systemMessage(errno))")
  }

  private func list(_ units: [BatchUnit], _ states: [Completion]) throws {
    for (unit, state) in zip(units, states) {
      let (action, text) =
        switch state {
        case .done: ("skip", "skip     \(unit.model): \(unit.output) is up to date")
        case .other(let found) where !force: ("refuse", "refuse   \(refusal(unit, found))")
        case .absent, .other: ("convert", "convert  \(unit.model) -> \(unit.output)")
        }
      let event: JSONObject = [
        "event": .string("unit"), "model": .string(unit.model), "output": .string(unit.output),
        "action": .string(action),
      ]
      try Terminal.print((json ? JSONValue.object(event).line : inline(text)) + "\n")
    }
  }

  private func refusal(_ unit: BatchUnit, _ found: String) -> String {
    "\(unit.model): \(unit.output): expected nothing or this conversion's artifact, found \(found)"
  }

  private func convert(_ units: [BatchUnit], _ states: [Completion]) throws {
    var results = units.map { BatchResult(unit: $0, state: .open) }
    var left: [Int] = []
    let printer = BatchPrinter(manner, total: units.count)
    for (index, state) in states.enumerated() {
      switch state {
      case .done: results[index] = BatchResult(unit: units[index], state: .skipped)
      case .other(let found) where !force:
        results[index] = BatchResult(
          unit: units[index],
          state: .failed(
            "\(units[index].output): expected nothing or this conversion's artifact, found \(found)",
            status: ExitStatus.cannotCreate.rawValue))
      case .absent, .other:
        left.append(index)
        continue
      }
      printer.show(results[index])
    }
    let run = BatchRun(
      units: units, arguments: childArguments, jobs: jobs, keepsGoing: keepGoing,
      isDone: { completion(of: $0) == .done })
    let isRefused = results.contains { $0.word == "failed" }
    let signal = try run.run(
      isRefused && !keepGoing ? [] : left,
      report: { index, result in
        results[index] = result
        printer.show(result)
      }, tick: printer.tick)
    try printer.finish(BatchReport(results: results), signal: signal)
  }

  private var childArguments: [String] {
    var settings = ConversionOptions(threads: Producer.processorCount)
    arguments.threads?.apply(&settings)
    let threads = max(1, settings.threads / jobs)
    return arguments.words + ["--threads", "\(threads)"] + (force ? ["--force"] : [])
  }

  private var manner: EventPrinter.Manner {
    if json { return .json }
    if quiet { return .quiet }
    return Terminal.isLive ? .live : .plain
  }
}
