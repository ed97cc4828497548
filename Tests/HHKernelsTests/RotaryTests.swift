// Rotary position embedding (RoPE) against the rotation of pairs.

import Glibc
import HHKernels
import HHTestSupport
import Testing

@Suite("Rotary kernel")
struct RotaryTests {
  /// Tables of `positions` positions.
  private func tables(_ headSize: Int, _ positions: Int) -> (cosine: [Float], sine: [Float]) {
    let angles = (0..<positions).flatMap { position in
      (0..<headSize / 2).map { Float(position) * Float(pow(0.1, Double($0) / 2)) }
    }
    return (angles.map { cos($0) }, angles.map { sin($0) })
  }

  @Test("every pair turns by its angle, and back", arguments: counts.dropFirst())
  func rotation(half: Int) {
    let (headSize, length, offset, firstRow) = (2 * half, 5, 3, 4)
    let (cosine, sine) = tables(headSize, length + offset)
    var samples = Samples(seed: UInt64(half))
    var x = Grid(rows: 7, columns: 3 * headSize, &samples)
    let before = x.rows
    func turn(backwards: Bool) {
      x.change {
        applyRotary(
          &$0, $1, headSize: headSize, cosine: cosine.span, sine: sine.span, firstRow: firstRow,
          length: length, offset: offset, backwards: backwards)
      }
    }
    turn(backwards: false)
    let expected = before.enumerated().flatMap { row, values in
      values.indices.map { column in
        let (head, lane) = column.quotientAndRemainder(dividingBy: headSize)
        let entry = ((firstRow + row) % length + offset) * half + lane % half
        let other = values[head * headSize + (lane + half) % headSize]
        return values[column] * Double(cosine[entry])
          + (lane < half ? -1 : 1) * other * Double(sine[entry])
      }
    }
    expectClose(x.values, expected, tolerance: 1e-6)
    turn(backwards: true)
    expectClose(x.values, before.flatMap(\.self), tolerance: 1e-6)
    #expect(x.isIntact)
  }

  @Test("an odd head, part of a head and too short a table stop the program")
  func preconditions() async {
    await #expect(processExitsWith: .failure) { turn(columns: 6, headSize: 3, table: 9) }
    await #expect(processExitsWith: .failure) { turn(columns: 6, headSize: 4, table: 9) }
    await #expect(processExitsWith: .failure) { turn(columns: 4, headSize: 4, table: 3) }
  }
}

/// Turns one row whose position is the second of a table of `table` entries.
private func turn(columns: Int, headSize: Int, table: Int) {
  var x = Grid(rows: 1, columns: columns)
  let entries = [Float](repeating: 1, count: table)
  x.change {
    applyRotary(
      &$0, $1, headSize: headSize, cosine: entries.span, sine: entries.span, firstRow: 0,
      length: 1, offset: 1, backwards: false)
  }
}
