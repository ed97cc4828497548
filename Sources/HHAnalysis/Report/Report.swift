// What a report says of some models, as values: where a figure is missing, why.

package import HHFormat

/// Something that is known, or why it is not and how to get it, in sentences.
package enum Finding<Value: Sendable>: Sendable {
  case known(Value)
  case missing(SettingText)

  /// What is known.
  package var value: Value? { if case .known(let value) = self { value } else { nil } }
}

extension Finding: Equatable where Value: Equatable {}

/// A name and what goes with it.
package struct Fact: Sendable, Equatable {
  package let name: String
  package let value: String

  /// Creates a fact.
  package init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
}

/// All that is known of one model, from its artifact, its run and a look at it.
package struct ModelReport: Sendable {
  /// The artifact or the run, as the user named it.
  package let name: String
  /// The artifact; nil where there is none to look at.
  package var artifact: String?
  /// Whether the artifact needs the model that it was made from.
  package var isDelta = false
  /// What the model is, in a few facts.
  package var facts: [Fact] = []
  package var verdict: Finding<Judgement>
  package var evaluations: Finding<[Measured]>
  package var divergences: Finding<[LayerDivergence]>
  package var stages: Finding<[StageLosses]>
  package var curves: Finding<[LossCurve]>
  package var costs: Finding<[StageCost]>
  package var settings: Finding<[Fact]>
  package var provenance: Finding<[Fact]>
  package var examination: Finding<Examination>

  /// A report that knows nothing yet, for this reason.
  package init(name: String, missing reason: SettingText) {
    self.name = name
    verdict = .missing(reason)
    evaluations = .missing(reason)
    divergences = .missing(reason)
    stages = .missing(reason)
    curves = .missing(reason)
    costs = .missing(reason)
    settings = .missing(reason)
    provenance = .missing(reason)
    examination = .missing(reason)
  }
}

/// How good a converted model is, in words.
package struct Judgement: Sendable, Equatable {
  /// One of `kept`, `close`, `worse`, `broken` and `unknown`.
  package let grade: String
  /// The grade in words.
  package let text: String
  /// The figure that decides.
  package let reason: String
  /// What it was measured on.
  package let data: String
  /// What may make it better; empty for nothing.
  package let advice: [String]

  /// Takes every member as it is.
  package init(grade: String, text: String, reason: String, data: String, advice: [String]) {
    (self.grade, self.text, self.reason) = (grade, text, reason)
    (self.data, self.advice) = (data, advice)
  }
}

/// What a model was worth on a task.
package struct Measured: Sendable, Equatable {
  package let task: String
  /// The stage before; empty where that is not known.
  package let after: String
  package let data: String
  package let figures: [EvaluationFigure]

  /// Takes every member as it is.
  package init(task: String, after: String, data: String, figures: [EvaluationFigure]) {
    (self.task, self.after, self.data, self.figures) = (task, after, data, figures)
  }
}

/// How far the attention weights of a layer are from softmax's.
package struct LayerDivergence: Sendable, Equatable {
  package let layer: Int
  /// Mean KL in nats before training; nil where that is not known.
  package let before: Double?
  /// After training.
  package let after: Double
  /// After training, by head; empty where that is not known.
  package let heads: [Double]

  /// Takes every member as it is.
  package init(layer: Int, before: Double?, after: Double, heads: [Double]) {
    (self.layer, self.before, self.after, self.heads) = (layer, before, after, heads)
  }
}

/// What a stage of training reached on held-out rows.
package struct StageLosses: Sendable, Equatable {
  /// What distillation measures.
  package static let divergence = "mean KL, nats"

  package let name: String
  /// What is measured, in a few words.
  package let loss: String
  package let before: Double
  package let after: Double
  /// The softmax model's loss on the same rows; nil where there is none.
  package let softmax: Double?

  /// Takes every member as it is.
  package init(name: String, loss: String, before: Double, after: Double, softmax: Double?) {
    (self.name, self.loss) = (name, loss)
    (self.before, self.after, self.softmax) = (before, after, softmax)
  }
}

/// A loss while a stage goes on.
package struct LossCurve: Sendable, Equatable {
  package let stage: String
  /// The layer; nil where the whole model is trained.
  package let layer: Int?
  /// Whether rows were measured that nothing is trained on.
  package let isHeldOut: Bool
  package var steps: [Int] = []
  package var losses: [Double] = []

  /// An empty curve.
  package init(stage: String, layer: Int?, isHeldOut: Bool) {
    (self.stage, self.layer, self.isHeldOut) = (stage, layer, isHeldOut)
  }
}

/// What a stage took.
package struct StageCost: Sendable, Equatable {
  package let name: String
  package var seconds: Double
  /// Highest resident memory of the process until the stage's end, in bytes.
  package var memory: Int

  /// Takes every member as it is.
  package init(name: String, seconds: Double, memory: Int) {
    (self.name, self.seconds, self.memory) = (name, seconds, memory)
  }
}
