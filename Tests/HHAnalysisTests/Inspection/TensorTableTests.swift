// How tensors of equal layers share a line.

import HHFormat
import HHTestSupport
import Testing

@testable import HHAnalysis

@Suite("Table of tensors")
struct TensorTableTests {
  private func tensor(_ name: String, _ shape: [Int] = [2], note: String = "kept")
    -> Inspection.Tensor
  {
    Inspection.Tensor(
      name: name, dtype: .f32, shape: shape, byteCount: 4 * shape.reduce(1, *), stored: "F32",
      note: note)
  }

  @Test("layers of one shape share a line, with their numbers; others and gaps are told apart")
  func collapses() {
    let tensors =
      [tensor("wte", [4, 2])]
      + [0, 1, 2, 5, 10].flatMap { layer in
        [
          tensor("h.\(layer).a.weight", note: "layer.\(layer).a.weight"),
          tensor("h.\(layer).b", [layer == 5 ? 3 : 2], note: "layer.\(layer).b"),
        ]
      }
    #expect(
      TensorTable(tensors, isCollapsed: true).lines == [
        "wte                  F32  [4, 2]  kept",
        "h.0-2,5,10.a.weight  F32  [2]     layer.{n}.a.weight",
        "h.0-2,10.b           F32  [2]     layer.{n}.b",
        "h.5.b                F32  [3]     layer.5.b",
      ])
    let all = TensorTable(tensors, isCollapsed: false).lines
    #expect(all.count == tensors.count)
    #expect(zip(all, tensors).allSatisfy { $0.hasPrefix($1.name) && $0.hasSuffix($1.note) })
  }

  @Test("numbers that are no layer's stay in the name")
  func otherNumbers() {
    let names = ["a.007.b", "a.008.b", "v2.c", "v3.c", "1234567890.d", "1234567891.d"]
    #expect(TensorTable(names.map { tensor($0) }, isCollapsed: true).lines.count == names.count)
  }

  @Test("a name that would disturb a terminal is shown harmless")
  func hostileName() {
    let lines = TensorTable(
      [tensor("h.0.\u{1B}[31m"), tensor("h.1.\u{1B}[31m")], isCollapsed: true
    )
    .lines
    #expect(lines.count == 1 && !lines[0].unicodeScalars.contains("\u{1B}"))
  }
}
