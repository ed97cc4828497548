// What can go wrong between reading a checkpoint and writing an artifact.

package import HHFormat

/// A failure of the pipeline itself; files fail with `FormatError`.
package indirect enum PipelineError: Error, Equatable, CustomStringConvertible {
  /// Training gave a loss that is not a number; the setting is that of the learning rate.
  case diverged(layer: Int, step: Int, rate: SettingKey)
  /// Not one layer of a model has queries and keys that are numbers, on the data given.
  case notFinite
  /// Finetuning gave a loss or gradient that is not a number, first in a layer; nil stands for the
  /// embeddings, the head or the gradient.
  case finetuningDiverged(layer: Int?, step: Int, goodStep: Int, rate: SettingKey)
  /// A setting that contradicts the model or another setting.
  case invalidSetting(SettingKey, problem: String)
  /// A setting that another one needs.
  case missingSetting(SettingKey, beside: SettingKey)
  /// Settings that ask for more bytes of memory than the machine has.
  case tooLarge(memory: Double, of: [SettingKey])
  /// Something else that a command was given, such as `MODEL` or `prompt 2`.
  case invalidInput(name: String, problem: String)
  /// What was written does not read back as what was meant.
  case unfaithful(file: String, problem: String)
  /// The user or the system asked the run to stop.
  case interrupted(signal: Int32)
  /// A conversion with a run folder ended early; it can be resumed.
  case stopped(run: String, cause: PipelineError)

  /// How settings are called in a sentence.
  package struct Spelling {
    /// A setting where the user wrote it.
    package let place: (SettingKey) -> String
    /// A setting as a command takes it.
    package let option: (SettingKey) -> String

    /// Calls settings as told.
    package init(place: @escaping (SettingKey) -> String, option: @escaping (SettingKey) -> String)
    {
      (self.place, self.option) = (place, option)
    }
  }

  /// The failure in one sentence, with a hint on a line of its own where there is a remedy.
  package func sentence(_ spelling: Spelling) -> String {
    switch self {
    case .diverged(let layer, let step, let rate):
      return "distillation: layer \(layer), step \(step): expected a finite loss, found one that is"
        + " not\nhint: try a lower \(spelling.option(rate))"
    case .notFinite:
      return "distillation: expected finite queries and keys in at least one layer, found none"
        + "\nhint: the weights or the data are out of float32's range"
    case .finetuningDiverged(let layer, let step, let goodStep, let rate):
      return "finetuning: step \(step): expected a finite loss and gradient, found one that is not"
        + (layer.map { ", first behind layer \($0)" } ?? "")
        + "\nhint: try a lower \(spelling.option(rate)); the weights were good up to step"
        + " \(goodStep)"
    case .invalidSetting(let setting, let problem): return "\(spelling.place(setting)): \(problem)"
    case .missingSetting(let setting, let other):
      return "\(spelling.place(other)): expected \(spelling.option(setting)) beside it, found none"
    case .tooLarge(let memory, let settings):
      return Format.alternatives(settings.map(spelling.place))
        + ": expected work that fits the machine's \(Format.fixed(machineMemory / 1e9, 1)) GB of memory,"
        + " found about \(Format.fixed(memory / 1e9, 1)) GB"
    case .invalidInput(let name, let problem): return "\(inline(name)): \(problem)"
    case .unfaithful(let file, let problem):
      return
        "\(inline(file)): read back after writing: \(problem)\nhint: nothing was published; check the"
        + " disk"
    case .interrupted(let signal): return "interrupted by signal \(signal): nothing was written"
    case .stopped(let run, .interrupted(let signal)):
      return "interrupted by signal \(signal)\nhint: 'hh-convert resume \(inline(run))' goes on"
    case .stopped(let run, let cause):
      let remedy = cause.rate.map { " \(spelling.option($0)) X" } ?? ""
      return cause.sentence(spelling).prefix { $0 != "\n" }
        + "\nhint: 'hh-convert resume \(inline(run))\(remedy)' goes on from the last good checkpoint with a"
        + " lower rate"
    }
  }

  /// The setting of the learning rate that was too high.
  private var rate: SettingKey? {
    switch self {
    case .diverged(_, _, let rate), .finetuningDiverged(_, _, _, let rate): rate
    default: nil
    }
  }

  /// The sentence with settings by their names in recipes.
  package var description: String {
    sentence(Spelling(place: { $0.description }, option: { $0.description }))
  }
}
