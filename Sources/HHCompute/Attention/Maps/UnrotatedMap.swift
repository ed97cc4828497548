// Features of queries and keys as they were before their rotary positions.

internal import HHKernels
internal import Synchronization

/// Another map's features of R⁻¹x, where R is the rotation by the row's position: far keys are weighed
/// by what they say and not by where they stand.
///
/// A map that sees rotated rows learns the angles of the positions it was trained at, and is wrong
/// beyond them.
package struct UnrotatedMap: FeatureFunction {
  private let base: any FeatureFunction
  private let tables: Tables

  /// Describes a map.
  ///
  /// - Parameters:
  ///   - base: What gives the features.
  ///   - inverseFrequencies: Angles per position of the rotation, headSize / 2.
  ///   - scale: The factor of the rotation's cosines and sines.
  package init(_ base: any FeatureFunction, inverseFrequencies: [Float], scale: Float = 1) {
    self.base = base
    tables = Tables(inverseFrequencies, scale: 1 / scale)
  }

  package var storesLogScales: Bool { base.storesLogScales }
  package func featureCount(headSize: Int) -> Int { base.featureCount(headSize: headSize) }
  package func parameters(headSize: Int) -> [FeatureParameter] {
    base.parameters(headSize: headSize)
  }
  package func initialValues(headSize: Int) -> [[Float]] { base.initialValues(headSize: headSize) }
  package func scratchCount(rows: Int, headSize: Int) -> Int {
    base.scratchCount(rows: rows, headSize: headSize) + 2 * rows * headSize
  }

  package func forward(_ input: FeatureInput, into phi: Matrix, scales: FloatBuffer) {
    base.forward(unrotated(input), into: phi, scales: scales)
  }

  package func backward(
    _ input: FeatureInput, phi: Matrix, dPhi: Matrix, dX: Matrix?, gradients: [Matrix?]
  ) {
    let plain = unrotated(input)
    guard let dX else {
      return base.backward(plain, phi: phi, dPhi: dPhi, dX: nil, gradients: gradients)
    }
    let own = part(1, of: input)
    empty(own)
    base.backward(plain, phi: phi, dPhi: dPhi, dX: own, gradients: gradients)
    tables.turn(own, position: input.position, step: input.step, backwards: false)
    forEachRow(own, dX) { _, gradient, sum in
      for j in 0..<sum.count { sum[j] += gradient[j] }
    }
  }

  package func projected(_ x: Matrix, length: Int) -> Matrix {
    let plain = Matrix(rows: x.rows, columns: x.columns)
    copy(x, to: plain)
    tables.table(positions: length).backward(plain, length: length)
    return plain
  }

  /// One of the two matrices that lie behind the base's scratch space.
  private func part(_ index: Int, of input: FeatureInput) -> Matrix {
    let x = input.x
    let first = base.scratchCount(rows: x.rows, headSize: x.columns)
    return Matrix(
      input.scratch, offset: first + index * x.rows * x.columns, rows: x.rows, columns: x.columns)
  }

  private func unrotated(_ input: FeatureInput) -> FeatureInput {
    let plain = part(0, of: input)
    forEachRow(input.x, plain) { _, x, plain in
      for j in 0..<plain.count { plain[j] = x[j] }
    }
    tables.turn(plain, position: input.position, step: input.step, backwards: true)
    return FeatureInput(
      x: plain, position: input.position, step: input.step, parameters: input.parameters,
      scratch: input.scratch)
  }
}

/// The rotation's table, made again for more positions when they come.
private final class Tables: Sendable {
  private let inverseFrequencies: [Float]
  private let scale: Float
  private let known = Mutex<RotaryTable?>(nil)

  init(_ inverseFrequencies: [Float], scale: Float) {
    (self.inverseFrequencies, self.scale) = (inverseFrequencies, scale)
  }

  func table(positions: Int) -> RotaryTable {
    known.withLock { known in
      if let known, known.positions >= positions { return known }
      let table = RotaryTable(
        headSize: 2 * inverseFrequencies.count, positions: max(1024, 2 * positions),
        inverseFrequencies: inverseFrequencies, scale: scale)
      known = table
      return table
    }
  }

  /// Turns one head's rows at `position`, `position + step` and so on, on the thread that calls.
  func turn(_ x: Matrix, position: Int, step: Int, backwards: Bool) {
    guard x.rows > 0 else { return }
    let table = table(positions: position + (x.rows - 1) * step + 1)
    if step == 1 {
      table.turnHere(x, length: x.rows, offset: position, backwards: backwards)
    } else {
      for row in 0..<x.rows {
        table.turnHere(
          x.rows(row..<row + 1), length: 1, offset: position + row * step, backwards: backwards)
      }
    }
  }
}
