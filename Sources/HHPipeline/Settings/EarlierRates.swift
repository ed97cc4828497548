// Learning rates that a run had before it was given others.

internal import HHFormat
internal import HHTraining

/// The highest learning rates, in order, that work was done at before the present ones, where the
/// run keeps that work.
package struct EarlierRates: Sendable, Equatable {
  /// Of layers that are distilled; nil stands for the rate that the size of the heads gives.
  var distillation: [Double?] = []
  /// Of steps of finetuning.
  var finetuning: [Double?] = []

  /// No other rates than the present ones.
  init() {}

  /// The rates of a checkpoint that are not those of `options`, with which the run goes on from it.
  ///
  /// A layer that was begun is begun again with another rate, so only layers that are done count.
  init(in numbers: JSONObject, before options: ConversionOptions) {
    let rates = numbers["rates"]
    if numbers["layers"]?.array?.isEmpty == false {
      distillation = (rates?["distil"]?.array ?? []).map(\.double)
      if let last = distillation.last, last == options.distillation.learningRate {
        distillation.removeLast()
      }
    }
    if let step = numbers["finetune"]?["step"]?.integer, step > 0 {
      finetuning = (rates?["finetune"]?.array ?? []).map(\.double)
      if let last = finetuning.last, last == options.finetuning.learningRate {
        finetuning.removeLast()
      }
    }
  }

  /// What a checkpoint keeps of them: these, then the rates of `options`, which are in force.
  func record(with options: ConversionOptions) -> JSONValue {
    .object([
      "distil": Self.list(distillation + [options.distillation.learningRate]),
      "finetune": Self.list(finetuning + [options.finetuning.learningRate]),
    ])
  }

  /// The settings that shape a result, for keys of conversions; nil where there is none.
  var json: JSONValue? {
    guard self != EarlierRates() else { return nil }
    return .object(["distil": Self.list(distillation), "finetune": Self.list(finetuning)])
  }

  /// Rates as JSON, null for one that was not chosen.
  private static func list(_ rates: [Double?]) -> JSONValue {
    .array(rates.map { $0.map { .number($0) } ?? .null })
  }
}
