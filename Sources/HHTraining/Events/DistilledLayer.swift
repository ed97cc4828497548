// What distillation gives of one layer.

/// What distillation reached in one layer.
package struct DistilledLayer: Sendable, Equatable {
  package let layer: Int
  /// Mean KL(teacher ‖ student) over held-out rows, heads and queries, in nats.
  package let klBefore: Double
  /// The same after training.
  package let klAfter: Double
  /// The same after training, per query head.
  package let klPerHead: [Double]

  /// Takes every member as it is.
  package init(layer: Int, klBefore: Double, klAfter: Double, klPerHead: [Double]) {
    self.layer = layer
    self.klBefore = klBefore
    self.klAfter = klAfter
    self.klPerHead = klPerHead
  }
}
