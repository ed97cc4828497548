// The options of 'train' in groups, and those of all jobs; each line names a setting, which says the
// rest.

import ArgumentParser
import HHAnalysis
import HHFormat
import HHModel
import HHPipeline
import HHTraining

/// What is learnt from.
struct DataArguments: SettingArguments {
  @Option(\.self, \.data) var data: Given?
  @Option(\.self, \.heldOut) var heldOut: Given?
  @Option(\.self, \.columns, reading: columns) var column: Given?
  @Option(\.self, \.length) var length: Given?
}

/// How a model is trained without a teacher.
struct TrainArguments: SettingArguments {
  @Option(\.finetuning, as: TrainingSettings(.train), \.steps) var steps: Given?
  @Option(\.finetuning, as: TrainingSettings(.train), \.batchSize) var batch: Given?
  @Option(\.finetuning, as: TrainingSettings(.train), \.learningRate) var learningRate: Given?
  @Option(\.finetuning, as: TrainingSettings(.train), \.precision) var precision: Given?
}

/// What the work may take of the machine, and its seed.
struct RunArguments: SettingArguments {
  @Option(\.self, \.maximumMemory, reading: byteCount) var maxMemory: Given?
  @Option(\.self, \.seed) var seed: Given?
  @Option(\.self, \.threads) var threads: Given?
}

/// What a job tells of itself beside its output.
struct ReportArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp("Write an HTML page about the conversion at its end.", valueName: "file"),
    completion: .file(extensions: ["html"]))
  var report: String?

  @Option(
    help: ArgumentHelp(
      "Write losses for TensorBoard to this folder as they come.", valueName: "folder"),
    completion: .directory)
  var tensorboard: String?

  /// Gives a conversion what was asked for.
  func apply(_ options: inout ConversionOptions) {
    (options.report, options.tensorBoard) = (report, tensorboard)
  }
}

/// How a job deals with what is there, and what it prints.
struct JobFlags: ParsableArguments {
  @Flag(help: "Replace an existing output.")
  var force = false

  @Flag(name: .shortAndLong, help: "Print nothing but errors.")
  var quiet = false

  @Flag(help: "Print events as JSON lines on standard output; the last one is the summary.")
  var json = false

  func validate() throws { try checkOutput(quiet: quiet, json: json) }

  /// Says that a run has nothing left to do, and writes the report that is asked for all the same.
  func showDone(_ run: RunFolder, _ options: ConversionOptions) throws {
    if !quiet, !json {
      Terminal.show(inline("\(run.path): done already: \(options.outputPath)") + "\n")
    }
    guard let path = options.report else { return }
    let file = ReportFile(path: path, isForced: force)
    try file.check(besides: [run.path, options.outputPath])
    try file.write([ModelReport(on: run.path, advice: \.text)])
  }

  /// How the job tells of its events.
  var manner: EventPrinter.Manner { .chosen(json: json, quiet: quiet) }
}

/// The setting for names of columns in a word of a command line.
@Sendable func columns(_ word: String) -> JSONValue {
  .array(columnNames(word).map { .string($0) })
}

/// The setting for layers that keep softmax in a word of a command line.
@Sendable func keptSoftmax(_ word: String) throws -> JSONValue {
  let parts = word.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
  let layers = parts.compactMap(\.self)
  if layers.count == parts.count, layers.allSatisfy({ $0 >= 0 }) { return layers.json }
  guard KeptSoftmax(json: .string(word)) != nil else {
    throw ValidationError("expected numbers such as 0,11, or auto:3, found '\(word)'")
  }
  return .string(word)
}

/// The setting for a size in a word of a command line.
@Sendable func byteCount(_ word: String) throws -> JSONValue {
  .integer(try ByteCount(word).bytes)
}

/// The names of columns in a word of a command line.
func columnNames(_ word: String) -> [String] {
  word.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
}
