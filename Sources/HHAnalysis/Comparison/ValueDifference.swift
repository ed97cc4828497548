// By how much the values of two tensors differ, added up piece by piece.

internal import HHCompute

/// How far apart two values may be to count as equal.
package struct Tolerance: Sendable, Equatable {
  /// Most for |a − b|, whatever the values.
  package var absolute: Double
  /// Most for |a − b| as a share of |b|, beside `absolute`.
  package var relative: Double

  /// Creates a tolerance; both are at least 0.
  package init(absolute: Double = 0, relative: Double = 0) {
    self.absolute = absolute
    self.relative = relative
  }

  /// Whether values that are `distance` apart count as equal.
  func allows(_ distance: Double, of second: Double) -> Bool {
    distance.isFinite && distance <= absolute + relative * abs(second)
  }
}

/// The difference of two tensors' values a and b.
package struct ValueDifference: Sendable, Equatable {
  /// The element at which a measure is largest.
  package struct Worst: Sendable, Equatable {
    package fileprivate(set) var value = 0.0
    /// Position in row-major order.
    package fileprivate(set) var index = 0
    /// The values a and b there.
    package fileprivate(set) var first = 0.0
    package fileprivate(set) var second = 0.0

    fileprivate mutating func consider(
      _ value: Double, _ index: Int, _ first: Double, _ second: Double
    ) {
      if value > self.value {
        self = Worst(value: value, index: index, first: first, second: second)
      }
    }
  }

  /// Elements compared.
  package private(set) var elementCount = 0
  /// Elements with a ≠ b. NaN counts as equal to NaN, and −0 as equal to 0.
  package private(set) var differingCount = 0
  /// Elements further apart than the tolerance.
  package private(set) var beyondCount = 0
  /// |a − b|; infinite where one is NaN or they are different infinities.
  package private(set) var absolute = Worst()
  /// |a − b| / max(|a|, |b|), from 0 to 2; infinite where |a − b| is.
  package private(set) var relative = Worst()
  private var squaredDistance = 0.0
  private var squaredNorm = 0.0

  /// ‖a − b‖₂ / ‖a‖₂; infinite where a is zero or a distance is infinite.
  package var relativeNorm: Double {
    squaredDistance == 0 ? 0 : (squaredDistance / squaredNorm).squareRoot()
  }

  /// Adds elements, the first of which is element `start` of the tensors.
  mutating func add(
    _ first: Span<Double>, _ second: Span<Double>, start: Int, tolerance: Tolerance
  ) {
    elementCount += first.count
    for index in 0..<first.count {
      let (a, b) = (first[index], second[index])
      if a.isFinite { squaredNorm += a * a }
      if a == b || (a.isNaN && b.isNaN) { continue }
      let distance = (a - b).isNaN ? .infinity : abs(a - b)
      differingCount += 1
      if !tolerance.allows(distance, of: b) { beyondCount += 1 }
      squaredDistance += distance * distance
      absolute.consider(distance, start + index, a, b)
      let share = distance.isFinite ? distance / max(abs(a), abs(b)) : .infinity
      relative.consider(share, start + index, a, b)
    }
  }
}
