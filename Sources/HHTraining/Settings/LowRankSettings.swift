// The settings of low-rank adapters (LoRA, arXiv 2106.09685).

internal import HHFormat
package import HHModel

/// Low-rank adapters: y = W x + α / rank · B A x.
package struct LowRankSettings: NestedSettings {
  /// Rows of A and columns of B.
  package var rank = 8
  /// Numerator of the factor α / rank.
  package var alpha = 16.0
  /// Share of the adapter's inputs that a training step leaves out.
  package var dropout = 0.0
  /// The linear maps that get one: last parts of roles (`query`) or of tensor names (`q_proj`). One
  /// matrix that gives queries, keys and values answers to each of them.
  package var targets = ["query", "key", "value", "output"]

  /// Creates the settings that the Hedgehog paper uses for Llama: rank 8 and α 16 on attention.
  package init() {}

  package var settings: [Setting<Self>] {
    [
      Setting("rank", \.rank, limits: .range(1...65_536), help: "Rank of an adapter"),
      Setting(
        "alpha", \.alpha, limits: ["exclusiveMinimum": 0],
        help: "The adapter's output times alpha / rank is added"),
      Setting(
        "dropout", \.dropout, limits: ["minimum": 0, "exclusiveMaximum": 1],
        help: "Share of the adapter's inputs left out"),
      Setting(
        "targets", \.targets,
        limits: [
          "minItems": 1, "enum": ["query", "key", "value", "output", "gate", "up", "down"],
        ], help: "The matrices that get an adapter"),
    ]
  }
}
