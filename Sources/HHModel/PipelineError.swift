// What can go wrong between reading a checkpoint and writing an artifact.

internal import HHFormat

/// A failure of the pipeline itself; files fail with `FormatError`.
package indirect enum PipelineError: Error, Equatable, CustomStringConvertible {
  /// Training gave a loss that is not a number.
  case diverged(layer: Int, step: Int)
  /// Not one layer of a model has queries and keys that are numbers, on the data given.
  case notFinite
  /// Finetuning gave a loss or gradient that is not a number, first in a layer; nil stands for the
  /// embeddings, the head or the gradient.
  case finetuningDiverged(layer: Int?, step: Int, goodStep: Int)
  /// An option that contradicts the model or another option.
  case invalidOption(name: String, problem: String)
  /// What was written does not read back as what was meant.
  case unfaithful(file: String, problem: String)
  /// The user or the system asked the run to stop.
  case interrupted(signal: Int32)
  /// A conversion with a run folder ended early; it can be resumed.
  case stopped(run: String, cause: PipelineError)

  /// The option of 'resume' that helps.
  private var remedy: String {
    if case .diverged = self { "--lr X" } else { "--finetune-lr X" }
  }

  package var description: String {
    switch self {
    case .diverged(let layer, let step):
      "distillation: layer \(layer), step \(step): expected a finite loss, found one that is not"
        + "\nhint: try a lower --lr"
    case .notFinite:
      "distillation: expected finite queries and keys in at least one layer, found none"
        + "\nhint: the weights or the data are out of float32's range"
    case .finetuningDiverged(let layer, let step, let goodStep):
      "finetuning: step \(step): expected a finite loss and gradient, found one that is not"
        + (layer.map { ", first behind layer \($0)" } ?? "")
        + "\nhint: try a lower --finetune-lr; the weights were good up to step \(goodStep)"
    case .invalidOption(let name, let problem): "\(inline(name)): \(problem)"
    case .unfaithful(let file, let problem):
      "\(inline(file)): read back after writing: \(problem)\nhint: nothing was published; check the disk"
    case .interrupted(let signal): "interrupted by signal \(signal): nothing was written"
    case .stopped(let run, .interrupted(let signal)):
      "interrupted by signal \(signal)\nhint: 'hh-convert resume \(inline(run))' goes on"
    case .stopped(let run, let cause):
      cause.description.prefix { $0 != "\n" }
        + "\nhint: 'hh-convert resume \(inline(run)) \(cause.remedy)'"
        + " goes on from the last good checkpoint with a lower rate"
    }
  }
}
