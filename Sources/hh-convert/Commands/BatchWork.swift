// The models of a batch, and what is there of their artifacts.

import ArgumentParser
import HHFormat
import HHModel
import HHPipeline

/// The models of a batch, and where their artifacts go.
struct BatchArguments: ParsableArguments {
  @Argument(help: "Folders, lists (.txt) or checkpoints.", completion: .file())
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
  let arguments: ConversionArguments
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
    self.arguments = arguments
    threads = options.threads
    let all = try WorkList.units(of: models.paths, outputFolder: models.folder)
    units = shard?.part(of: all) ?? all
    states = units.map { Self.completion(of: $0, arguments) }
  }

  /// What stands where a unit's artifact goes now.
  func completion(of unit: BatchUnit) -> Completion { Self.completion(of: unit, arguments) }

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
