// One tensor of two checkpoints, compared.

package import HHFormat

/// What the comparison of one tensor found.
package struct TensorComparison: Sendable, Equatable {
  /// What was found.
  package enum Outcome: Sendable, Equatable {
    /// The same element type and the same bytes.
    case identical
    /// Other bytes or another element type; nil for a type that there is no arithmetic for.
    case values(ValueDifference?)
    /// Another shape.
    case shape
    /// Only the first checkpoint has it.
    case onlyInFirst
    /// Only the second checkpoint has it.
    case onlyInSecond
    /// One of them has it, but no model needs it, for the reason given.
    case leftOut(String)
  }

  /// The tensor in the first checkpoint.
  package let first: TensorDescriptor?
  /// The tensor in the second checkpoint.
  package let second: TensorDescriptor?
  /// What was found.
  package let outcome: Outcome

  /// The first checkpoint's name for it, else the second's.
  package var name: String { first?.name ?? second?.name ?? "" }

  /// Whether it counts as equal: bit for bit, or with a tolerance by its values.
  ///
  /// Integers of 64 bits must be the same: as doubles, in which values are compared, two of them may
  /// look alike.
  package func isEqual(within tolerance: Tolerance?) -> Bool {
    switch outcome {
    case .identical, .leftOut: true
    case .values(let difference?):
      tolerance != nil && difference.beyondCount == 0
        && ![first, second].allSatisfy { $0.map { [.i64, .u64].contains($0.dtype) } ?? false }
    case .values(nil), .shape, .onlyInFirst, .onlyInSecond: false
    }
  }
}

/// Compares pairs of tensors, on one thread; it holds a piece of each at a time.
struct TensorComparator {
  /// Elements that are compared as doubles at a time.
  private static let blockCount = 1 << 16

  let first: Checkpoint
  let second: Checkpoint
  let tolerance: Tolerance
  private var firstValues = [Double](repeating: 0, count: blockCount)
  private var secondValues = [Double](repeating: 0, count: blockCount)

  init(_ first: Checkpoint, _ second: Checkpoint, tolerance: Tolerance?) {
    self.first = first
    self.second = second
    self.tolerance = tolerance ?? Tolerance()
  }

  /// Compares one pair.
  mutating func compare(_ pair: TensorPairing.Pair) throws(FormatError) -> TensorComparison {
    TensorComparison(first: pair.first, second: pair.second, outcome: try outcome(of: pair))
  }

  private mutating func outcome(
    of pair: TensorPairing.Pair
  ) throws(FormatError) -> TensorComparison.Outcome {
    guard let a = pair.first, let b = pair.second else {
      if let why = pair.leftOut { return .leftOut(why) }
      return pair.second == nil ? .onlyInFirst : .onlyInSecond
    }
    guard a.shape == b.shape else { return .shape }
    if a.dtype == b.dtype, try haveSameBytes(a, b) { return .identical }
    guard a.dtype.isNumeric, b.dtype.isNumeric else { return .values(nil) }
    return .values(try difference(of: a, and: b))
  }

  private func haveSameBytes(
    _ a: TensorDescriptor, _ b: TensorDescriptor
  ) throws(FormatError) -> Bool {
    let (one, two) = (try first.elements(of: a.name), try second.elements(of: b.name))
    for range in Self.pieces(of: a) {
      let isSame = try one.withBytes(in: range) { (one) throws(FormatError) in
        try two.withBytes(in: range) { (two) throws(FormatError) in one.isEqual(to: two) }
      }
      if !isSame { return false }
    }
    return true
  }

  private mutating func difference(
    of a: TensorDescriptor, and b: TensorDescriptor
  ) throws(FormatError) -> ValueDifference {
    let (one, two) = (try first.elements(of: a.name), try second.elements(of: b.name))
    var difference = ValueDifference()
    for range in Self.pieces(of: a) {
      try one.withBytes(in: range) { (one) throws(FormatError) in
        try two.withBytes(in: range) { (two) throws(FormatError) in
          for start in stride(from: 0, to: range.count, by: Self.blockCount) {
            let count = min(range.count - start, Self.blockCount)
            Self.read(one, a.dtype, start, count, into: &firstValues)
            Self.read(two, b.dtype, start, count, into: &secondValues)
            difference.add(
              firstValues.span.extracting(first: count),
              secondValues.span.extracting(first: count), start: range.lowerBound + start,
              tolerance: tolerance)
          }
        }
      }
    }
    return difference
  }

  private static func pieces(of tensor: TensorDescriptor) -> [Range<Int>] {
    stride(from: 0, to: tensor.elementCount, by: TensorElements.pieceCount).map {
      $0..<min(tensor.elementCount, $0 + TensorElements.pieceCount)
    }
  }

  private static func read(
    _ bytes: RawSpan, _ dtype: DType, _ start: Int, _ count: Int, into values: inout [Double]
  ) {
    let width = dtype.bitWidth / 8
    var all = values.mutableSpan
    var target = all._mutatingExtracting(0..<count)
    _ = dtype.doubles(bytes.extracting(start * width..<(start + count) * width), to: &target)
  }
}
