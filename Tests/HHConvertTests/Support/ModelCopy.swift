// A fixture's checkpoint with something changed in it.

import Foundation
import HHFormat
import HHTestSupport

/// The tensors and the configuration of a fixture, to be changed and written elsewhere.
struct ModelCopy {
  /// One tensor, its bytes row-major and little-endian.
  struct Tensor {
    var name: String
    var dtype: DType
    var shape: [Int]
    var bytes: [UInt8]
  }

  var tensors: [Tensor]
  var configuration: JSONObject

  /// Reads a fixture.
  init(_ model: String) throws {
    let checkpoint = try Checkpoint(opening: Fixtures.path("models/\(model)"))
    tensors = try checkpoint.tensors.map { tensor in
      Tensor(
        name: tensor.name, dtype: tensor.dtype, shape: tensor.shape,
        bytes: try checkpoint.bytes(of: tensor.name).copied())
    }
    configuration = checkpoint.configuration ?? [:]
  }

  /// Changes the tensor of a name.
  mutating func change(_ name: String, _ body: (inout Tensor) -> Void) {
    for index in tensors.indices where tensors[index].name == name { body(&tensors[index]) }
  }

  /// Removes the tensor of a name.
  mutating func remove(_ name: String) { tensors.removeAll { $0.name == name } }

  /// Adds a tensor of one float.
  mutating func add(_ name: String) {
    tensors.append(Tensor(name: name, dtype: .f32, shape: [1], bytes: [0, 0, 0, 0]))
  }

  /// Writes the checkpoint and its configuration to a folder.
  func write(to name: String, in folder: TemporaryDirectory, configured: Bool = true) throws {
    if configured {
      try folder.write(JSONValue.object(configuration).text, to: "\(name)/config.json")
    } else {
      try folder.write("", to: "\(name)/.keep")
    }
    try SafetensorsWriter.write(
      to: folder.path("\(name)/model.safetensors"),
      tensors: tensors.map { ($0.name, $0.dtype, $0.shape, $0.bytes) }, metadata: [])
  }
}
