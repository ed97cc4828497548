// Inputs of a model, rows of tokens or images, whichever it takes.

internal import HHCompute

/// Rows to train on or to evaluate with.
package enum DataRows: Sendable, Equatable {
  case tokens(TokenRows)
  case images(ImageSet)
  /// Texts of different lengths, or pairs of them, with a class each.
  case texts(PaddedTexts, labels: [Int32])

  /// Number of rows.
  package var count: Int {
    switch self {
    case .tokens(let rows): rows.count
    case .images(let images): images.count
    case .texts(let texts, _): texts.count
    }
  }

  /// The class of each row, where it is known.
  package var labels: [Int32]? {
    switch self {
    case .tokens: nil
    case .images(let images): images.labels
    case .texts(_, let labels): labels
    }
  }

  /// The rows of the given indices, in that order.
  package func rows(_ indices: some Sequence<Int>) -> DataRows {
    switch self {
    case .tokens(let rows): .tokens(rows.rows(indices))
    case .images(let images): .images(images.images(indices))
    case .texts(let texts, let labels):
      .texts(texts.texts(indices), labels: indices.map { labels[$0] })
    }
  }

  /// The rows as a model takes them.
  package var input: ModelInput {
    switch self {
    case .tokens(let rows): .tokens(TokenBatch(ids: rows.ids, length: rows.length))
    case .images(let images):
      .images(Matrix(rows: images.count, columns: images.shape.valueCount, images.values))
    case .texts(let texts, _): .tokens(texts.batch(0..<texts.count))
    }
  }

  /// The most rows that are held out of data without a held-out file.
  package static let maximumHeldOutCount = 64

  /// The most rows of `length` positions that are held out: more than 8,192 positions cost more
  /// time than they add to what is known.
  package static func maximumHeldOutCount(length: Int) -> Int {
    max(1, min(maximumHeldOutCount, 8192 / length))
  }

  /// Splits off rows to evaluate with: the last twentieth, at least one row and at most
  /// `maximumHeldOutCount`. Nil where there are fewer than two rows.
  package var split: (training: DataRows, heldOut: DataRows)? {
    guard count >= 2 else { return nil }
    let heldOut = min(Self.maximumHeldOutCount, max(1, count / 20))
    return (rows(0..<count - heldOut), rows(count - heldOut..<count))
  }
}
