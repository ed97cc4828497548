// A verdict as a user reads it, with the options that may help.

import HHPipeline

extension Verdict {
  /// The grade in words, and what to try next.
  var text: String {
    let advice = remedies.prefix(2).map(\.text).joined(separator: ", or ")
    return "verdict: \(grade.text)" + (advice.isEmpty ? "" : "; try \(advice)")
  }
}

extension Verdict.Remedy {
  /// The options that may help.
  var text: String {
    switch self {
    case .window: "--window 64"
    case .finish: "--finetune-steps 60"
    case .finishOnLogits: "--finetune-steps 60 --finetune-loss teacher-logits"
    case .hybrid: "--recipe hybrid, which trains all weights"
    case .steps: "more --finetune-steps"
    case .softmaxLayers: "--keep-softmax for some layers"
    case .chosenLayers: "--keep-softmax auto:\(Verdict.advisedSoftmaxCount)"
    case .data: "--data with text of the model's use"
    }
  }
}
