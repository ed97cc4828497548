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
        its lines, a .yaml or .json file for its models, each with settings of its own. Each model becomes OUTDIR/NAME\(artifactSuffix), converted by a \
        process of its own, so that no failure is another model's. An artifact of the same sources, \
        settings and version is kept; anything else in its place is refused, or replaced with \
        --force. Exit status 3 means that a model failed. Several processes may work on the same \
        models: the first artifact stays.
        """))

  @OptionGroup var models: BatchArguments

  @Option(
    parsing: .unconditional, help: "Models to convert at a time, each with a share of the threads.")
  var jobs = 1

  @Flag(help: "Go on with the other models after one has failed.")
  var keepGoing = false

  @Option(
    help: ArgumentHelp(
      """
      Convert only every N-th model, from the I-th on, so that N processes share the work: I/N, or \
      auto, which takes both from Slurm (arrays), Open MPI or PMI, or auto/N for Kubernetes (indexed \
      jobs).
      """, valueName: "part"), transform: { try Shard($0) })
  var shard: Shard?

  @Flag(
    help: """
      Keep a run folder, OUTPUT.run, beside each artifact until it is there, so that a batch that was \
      stopped goes on inside a model too. A signal then ends it with exit status 75.
      """)
  var resumable = false

  @OptionGroup var arguments: ConversionArguments

  @Flag(help: "Tell which models are converted, by their artifacts; exit status 3 if not all are.")
  var status = false

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
    try checkOutput(quiet: quiet, json: json)
    if status, dryRun || force || quiet {
      throw ValidationError(
        "--status: expected no --dry-run, --force or --quiet beside it, found one")
    }
  }

  func run() throws {
    try ReportedFailure.reporting(
      naming: SettingNames(given: arguments.givenNames, recipe: arguments.recipe)
    ) {
      // One question may be asked by many at a time, and a shard is no copy of another.
      if !status, shard == nil { try Launcher.refuseCopies() }
      let work = try BatchWork(models, arguments, shard: shard)
      if status { return try BatchStatus(units: work.units, states: work.states).show(json: json) }
      if dryRun { return try list(work.units, work.states) }
      Interrupts.listen(keepingRun: resumable)
      try makeOutputFolder()
      try convert(work)
    }
  }

  private func makeOutputFolder() throws {
    guard let output = models.output, unsafe mkdir(output, 0o777) != 0, errno != EEXIST else {
      return
    }
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

  private func convert(_ work: BatchWork) throws {
    let (units, states) = (work.units, work.states)
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
      units: units, arguments: { work.words(ofUnit: $0) + childArguments(work.threads) },
      jobs: jobs, keepsGoing: keepGoing, keepsRuns: resumable,
      isDone: { work.completion(ofUnit: $0) == .done })
    let isRefused = results.contains { $0.word == "failed" }
    let signal = try run.run(
      isRefused && !keepGoing ? [] : left,
      report: { index, result in
        results[index] = result
        printer.show(result)
      }, tick: printer.tick)
    try printer.finish(BatchReport(results: results), signal: signal)
  }

  private func childArguments(_ threads: Int) -> [String] {
    ["--threads", "\(max(1, threads / jobs))"] + (force ? ["--force"] : [])
  }

  private var manner: EventPrinter.Manner {
    if json { return .json }
    if quiet { return .quiet }
    return Terminal.isLive ? .live : .plain
  }
}
