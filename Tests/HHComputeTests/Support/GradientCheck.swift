// Gradients against differences of a double-precision loss.

import HHCompute
import Testing

/// The gradient of `loss` at `x` by central differences.
func differences(_ x: [Double], step: Double = 1e-5, _ loss: ([Double]) -> Double) -> [Double] {
  x.indices.map { index in
    var moved = x
    moved[index] += step
    let above = loss(moved)
    moved[index] -= 2 * step
    return (above - loss(moved)) / (2 * step)
  }
}

/// Σ weights · values: a loss whose gradient with respect to the values is `weights`.
func weighted(_ weights: [Double], _ values: [Double]) -> Double { dot(weights, values) }
