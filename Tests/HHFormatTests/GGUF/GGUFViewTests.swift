import Testing

@testable import HHFormat

@Suite("GGUFView")
struct GGUFViewTests {
  /// A view of float32 rows, of which those in `rows` belong to it.
  private func view(
    _ shape: [Int], wanted: [Int]? = nil, rows: Range<Int>? = nil, order: GGUFView.Order,
    type: GGMLType = .f32
  ) -> GGUFView {
    let bytes = type.byteCount(ofElements: shape.reduce(1, *)) ?? 0
    return GGUFView(
      GGUFTensor(name: "x", type: type, shape: shape, byteRange: 0..<bytes), file: 0, name: "y",
      shape: wanted ?? shape, rows: rows, order: order)
  }

  /// The numbers of the stored elements in the order of the view, got range by range.
  private func arranged(_ view: GGUFView, _ range: Range<Int>) -> [Int32] {
    var elements = [Int32](repeating: -1, count: range.count)
    var output = elements.mutableSpan
    view.arrange(range, into: &output) { range, output in
      for index in range { output[index - range.lowerBound] = Int32(index) }
    }
    return elements
  }

  @Test("stored rows come as they are, interleaved ones by halves, transposed ones by columns")
  func orders() {
    #expect(arranged(view([4, 2], order: .asStored), 0..<8) == Array(0..<8))
    // Rows 0 1 2 3 of each head hold pairs; the halves are rows 0 2 and 1 3.
    #expect(
      arranged(view([8, 1], order: .interleaved(heads: 2)), 0..<8) == [0, 2, 1, 3, 4, 6, 5, 7])
    let turned = view([2, 3], wanted: [3, 2], order: .transposed)
    #expect(arranged(turned, 0..<6) == [0, 3, 1, 4, 2, 5])
  }

  @Test("whole rows of any range are those of the whole view", arguments: [1, 3, 64, 100])
  func ranges(rows: Int) {
    for view in [
      view([130, 6], wanted: [6, 130], order: .transposed),
      view([6, 130], wanted: [130, 6], order: .transposed),
      view([128, 3], order: .interleaved(heads: 4)), view([70, 5], order: .asStored),
    ] {
      let (count, columns) = (view.descriptor.elementCount, view.descriptor.shape[1])
      let whole = arranged(view, 0..<count)
      #expect(Set(whole) == Set(0..<Int32(count)))
      for start in stride(from: 0, to: count, by: rows * columns) {
        let range = start..<min(count, start + rows * columns)
        #expect(arranged(view, range) == Array(whole[range]))
      }
    }
  }

  @Test("a range is widened to whole rows where rows are moved")
  func wholeRows() {
    let moved = view([4, 6], order: .interleaved(heads: 1))
    #expect(moved.wholeRows(7..<13) == 6..<18 && moved.wholeRows(6..<12) == 6..<12)
    #expect(moved.wholeRows(7..<7) == 7..<7)
    #expect(view([4, 6], order: .asStored).wholeRows(7..<13) == 7..<13)
  }

  @Test("the stored bytes of a part are those of its rows, in whole blocks")
  func storedRanges() {
    let part = view([6, 4], wanted: [2, 4], rows: 2..<4, order: .asStored)
    #expect(part.storedRange == 32..<64)
    #expect(part.storedRange(of: 4..<12) == 36..<44)
    // Of Q8_0 a block of 34 bytes shows as 32 floats of four bytes.
    let blocks = view([2, 64], order: .asStored, type: .q8_0)
    #expect(blocks.storedRange == 0..<136)
    #expect(blocks.storedRange(of: 100..<300) == 0..<102)
    let turned = view([4, 6], wanted: [6, 4], order: .transposed)
    #expect(turned.storedRange(of: 0..<4) == turned.storedRange)
    #expect(view([0, 4], order: .asStored).storedRange == 0..<0)
  }
}
