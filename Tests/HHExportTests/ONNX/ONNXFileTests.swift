// Where the weights of an ONNX model lie.

import HHFormat
import Testing

@testable import HHExport

@Suite("ONNXFile")
struct ONNXFileTests {
  private func file(_ sizes: [Int], besides: Bool, limit: Int? = nil) -> ONNXFile {
    var graph = ONNXGraph()
    graph.weights = sizes.enumerated().map { index, size in
      ONNXWeight(name: "w\(index)", element: .float, shape: [size])
    }
    return ONNXFile(graph, name: "g", fields: ProtobufMessage(), besides: besides, limit: limit)
  }

  @Test("inside, the graph's length covers the weights")
  func inside() throws {
    let file = file([1, 1000], besides: false)
    #expect(file.places.isEmpty)
    let frames = file.frames.reduce(0) { $0 + $1.bytes.count }
    #expect(file.byteCount == file.beginning.bytes.count + frames + 4004)
    let bytes = file.beginning.bytes + [UInt8](repeating: 0, count: frames + 4004)
    var reader = ProtobufReader(bytes, in: bytes.indices)
    let graph = try #require(try reader.next())
    guard case .bytes(let range) = graph.value, graph.number == 7 else {
      Issue.record("\(graph)")
      return
    }
    #expect(range.upperBound == file.byteCount)
  }

  @Test("beside the model, weights begin at pages and fill files up to a limit")
  func besides() {
    let file = file([10, 2000, 3000, 1, 1], besides: true, limit: 16384)
    #expect(file.places.map(\.offset) == [0, 4096, 0, 12288, 0])
    #expect(
      file.places.map(\.file) == [
        "model.onnx_data", "model.onnx_data", "model.onnx_data_1", "model.onnx_data_1",
        "model.onnx_data_2",
      ])
    let whole = self.file([10, 2000, 3000], besides: true)
    #expect(whole.places.map(\.offset) == [0, 4096, 12288])
    #expect(Set(whole.places.map(\.file)) == ["model.onnx_data"])
  }
}
