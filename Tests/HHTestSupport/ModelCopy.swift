// A fixture's checkpoint with something changed in it.

package import HHFormat

/// The tensors and the configuration of a fixture, to be changed and written elsewhere.
package struct ModelCopy {
  /// One tensor, its bytes row-major and little-endian.
  package struct Tensor {
    package var name: String
    package var dtype: DType
    package var shape: [Int]
    package var bytes: [UInt8]
  }

  package var tensors: [Tensor]
  package var configuration: JSONObject

  /// Reads a trained model of `fixtures/models`.
  package init(_ model: String) throws { try self.init(fixture: "models/\(model)") }

  /// Reads a random model of `fixtures/golden/forward`.
  package init(golden name: String) throws { try self.init(fixture: "golden/forward/\(name)") }

  private init(fixture: String) throws { try self.init(at: Fixtures.path(fixture)) }

  /// Reads a model anywhere.
  package init(at path: String) throws {
    let checkpoint = try Checkpoint(opening: path)
    tensors = try checkpoint.tensors.map { tensor in
      Tensor(
        name: tensor.name, dtype: tensor.dtype, shape: tensor.shape,
        bytes: try checkpoint.bytes(of: tensor.name).copied())
    }
    configuration = checkpoint.configuration ?? [:]
  }

  /// Changes the tensor of a name.
  package mutating func change(_ name: String, _ body: (inout Tensor) -> Void) {
    for index in tensors.indices where tensors[index].name == name { body(&tensors[index]) }
  }

  /// Removes the tensor of a name.
  package mutating func remove(_ name: String) { tensors.removeAll { $0.name == name } }

  /// Adds a tensor of floats that are zero.
  package mutating func add(_ name: String, shape: [Int] = [1]) {
    let count = shape.reduce(4, *)
    tensors.append(
      Tensor(name: name, dtype: .f32, shape: shape, bytes: Array(repeating: 0, count: count)))
  }

  /// Writes the checkpoint and its configuration to a folder, and returns the folder's path.
  @discardableResult
  package func write(
    to name: String, in folder: TemporaryDirectory, configured: Bool = true
  ) throws -> String {
    if configured {
      try folder.write(JSONValue.object(configuration).text, to: "\(name)/config.json")
    } else {
      try folder.write("", to: "\(name)/.keep")
    }
    try SafetensorsWriter.write(
      to: folder.path("\(name)/model.safetensors"),
      tensors: tensors.map { ($0.name, $0.dtype, $0.shape, $0.bytes) }, metadata: [])
    return folder.path(name)
  }
}
