// hh-convert sbatch FOLDER...: a job array for Slurm.

import ArgumentParser
import HHData
import HHFormat
import HHModel
import HHPipeline

struct Sbatch: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print a Slurm job array that converts what is left of a batch.",
    discussion: helpExamples(
      "sbatch zoo/ --output converted > zoo.sh",
      "sbatch zoo/ --output converted | sbatch",
      discussion: """
        Each task of the array converts a part of the models with 'batch --shard', as many as there \
        are tasks to begin with. Memory and time are estimated for the largest model that is left, \
        with a margin. A task that is stopped before its end is queued again, five times at most, and \
        goes on. When the array has ended, 'batch --status' tells what is missing, and another array \
        does that.
        """))

  @OptionGroup var models: BatchArguments
  @OptionGroup var arguments: ConversionArguments

  func run() throws {
    try ReportedFailure.reporting(
      naming: SettingNames(given: arguments.givenNames, recipe: arguments.recipe)
    ) {
      let work = try BatchWork(models, arguments)
      let left = work.states.indices.filter { work.states[$0] != .done }
      guard !left.isEmpty else {
        return Terminal.writeError("all \(work.units.count) models are converted already\n")
      }
      let script = ArrayScript(
        folder: try resolvedPath("."), program: try resolvedPath("/proc/self/exe"),
        words: models.paths + ["--output", models.folder, "--keep-going", "--resumable"]
          + arguments.words,
        modelCount: work.units.count, left: left, threads: work.threads,
        needs: try needs(of: left, in: work))
      try Terminal.print(script.text)
    }
  }

  /// The most that any of some models needs. One that cannot be converted is left to its task, which
  /// will say what is wrong with it, unless all are.
  private func needs(of indices: [Int], in work: BatchWork) throws -> ArrayScript.Needs {
    var needs = ArrayScript.Needs()
    var failure: (any Error)?
    var isKnown = false
    for index in indices {
      let unit = work.units[index]
      do {
        var options = try work.options(ofUnit: index)
        // A plan needs a folder that is there, which the first task may be the one to make.
        options.output = isPresent(models.folder) ? unit.output : lastComponent(of: unit.output)
        options.force = true
        let plan = try Conversion(options).plan
        needs.memory = max(needs.memory, plan.memory)
        needs.seconds = max(needs.seconds, plan.seconds)
        isKnown = true
      } catch {
        failure = failure ?? error
      }
    }
    if let failure, !isKnown { throw failure }
    return needs
  }
}
