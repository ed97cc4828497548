// Graphs of ONNX operators, node by node.

import HHFormat
import Testing

@testable import HHExport

@Suite("ONNXBuilder")
struct ONNXBuilderTests {
  /// Finds a tensor of one type under every role.
  private func builder(_ type: ONNXElement = .float) -> ONNXBuilder {
    ONNXBuilder { ONNXWeight(name: $0, element: type, shape: [2, 3]) }
  }

  @Test("constants and weights are there once, whatever asks for them")
  func once() {
    let builder = builder()
    #expect(builder.integers([1, 2]) == builder.integers([1, 2]))
    #expect(builder.integers([1]) != builder.integer(1))
    #expect(builder.weight("w") == builder.weight("w"))
    #expect(builder.weight("w") != builder.weight("v"))
    let graph = builder.finished
    #expect(graph.constants.map(\.shape) == [[2], [1], []])
    #expect(graph.weights.map(\.name) == ["w", "v"])
    #expect(graph.weights.map(\.byteCount) == [24, 24])
    #expect(graph.nodes.isEmpty)
  }

  @Test("what layers share is computed once, under a name of its own")
  func shared() {
    let builder = builder()
    builder.scope = "layers.0"
    let first = builder.shared("mask") { builder.integer(1) }
    let sum = builder.shared("sum") { builder.add(first, first) }
    builder.scope = "layers.1"
    #expect(builder.shared("sum") { builder.add(sum, sum) } == sum)
    _ = builder.relu(sum)
    #expect(builder.finished.nodes.map(\.name) == ["/shared/Add_1", "/layers.1/Relu_2"])
  }

  @Test(
    "a 16-bit weight becomes float32 where it is used", arguments: [ONNXElement.float16, .bfloat16])
  func cast(_ type: ONNXElement) throws {
    let builder = builder(type)
    let value = builder.weight("w")
    let graph = builder.finished
    let node = try #require(graph.nodes.first)
    #expect(node.operation == "Cast" && node.inputs == [ONNXValue(name: "w")])
    #expect(node.outputs == [value] && graph.weights[0].byteCount == 12)
  }

  @Test("outputs have their names everywhere, and states come last")
  func outputs() {
    let builder = builder()
    let x = builder.input("x", .float, [.batch, .fixed(3)])
    let state = builder.add(x, x)
    builder.output(state, "present", [.batch, .fixed(3)], isState: true)
    let y = builder.relu(state)
    builder.output(y, "y", [.batch, .fixed(3)])
    let graph = builder.finished
    #expect(graph.outputs.map(\.value.name) == ["y", "present"])
    #expect(graph.nodes.map { $0.outputs.map(\.name) } == [["present"], ["y"]])
    #expect(graph.nodes[1].inputs.map(\.name) == ["present"])
  }

  @Test("a node's message has its fields in the order of onnx.proto")
  func message() {
    let node = ONNXNode(
      name: "n", domain: "d", operation: "O", inputs: [ONNXValue(name: "a"), .absent],
      outputs: [ONNXValue(name: "b")], attributes: [("axis", .integer(1))])
    #expect(
      node.message.bytes
        == [0x0A, 1] + Array("a".utf8) + [0x0A, 0, 0x12, 1] + Array("b".utf8)
        + [0x1A, 1] + Array("n".utf8) + [0x22, 1] + Array("O".utf8)
        + [0x2A, 11, 0x0A, 4] + Array("axis".utf8) + [0x18, 1, 0xA0, 0x01, 2]
        + [0x3A, 1] + Array("d".utf8))
  }
}
