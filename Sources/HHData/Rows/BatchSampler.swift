// Which rows make up the next batch.

package import HHCompute

/// Draws row indices in epochs of shuffled rows: every row comes once before any comes again.
///
/// The order is a function of generator and position alone, so a run resumes by restoring
/// `position`.
package struct BatchSampler: Sendable {
  /// Number of rows to draw from.
  package let rowCount: Int
  /// Rows drawn so far.
  package private(set) var position: Int
  private let generator: SeededGenerator
  private var epoch = -1
  private var order: [Int] = []

  /// Creates a sampler of `rowCount` rows, at least one, that has already drawn `position` rows.
  package init(rowCount: Int, generator: SeededGenerator, position: Int = 0) {
    precondition(rowCount > 0 && position >= 0, "a sampler needs rows and a position from 0")
    self.rowCount = rowCount
    self.generator = generator
    self.position = position
  }

  /// Goes on as if `position` rows had been drawn.
  package mutating func seek(to position: Int) { self.position = position }

  /// The next `count` indices. A batch that passes the end of an epoch goes on in the next.
  package mutating func next(_ count: Int) -> [Int] {
    (0..<count).map { _ in
      if epoch != position / rowCount {
        epoch = position / rowCount
        var shuffler = generator.split("epoch \(epoch)")
        order = shuffler.shuffledIndices(rowCount)
      }
      defer { position += 1 }
      return order[position % rowCount]
    }
  }
}
