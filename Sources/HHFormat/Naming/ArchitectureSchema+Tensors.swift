// The tensors of a model that is yet to be made.

extension ArchitectureSchema {
  /// Every tensor that a model of given sizes has, float32, under the first spelling of its name, in
  /// the schema's order.
  ///
  /// - Parameters:
  ///   - sizes: The model's hyper-parameters.
  ///   - groups: The groups of optional tensors that it has, such as `classifier`.
  /// - Returns: The tensors with their roles.
  /// - Throws: `badData` for a shape that has no size in bytes.
  package func tensors(
    of sizes: Hyperparameters, groups: Set<String>
  ) throws(FormatError) -> [(role: String, tensor: TensorDescriptor)] {
    var result: [(role: String, tensor: TensorDescriptor)] = []
    var position = 0
    for spec in tensors where occurs(spec, sizes, groups) {
      for layer in 0..<(spec.isPerLayer ? sizes.integer("layerCount") : 1) {
        func filled(_ text: String) -> String {
          text.replacing("{prefix}", with: prefixes.first ?? "")
            .replacing("{layer}", with: "\(layer)")
        }
        let name = filled(spec.names.first ?? spec.role)
        let shape = spec.shape.map { sizes.extent($0) ?? 0 }
        guard let count = checkedElementCount(shape), count <= Int.max / 8 - position else {
          throw FormatError(
            .badData, file: sizes.file, place: "tensor \(quoted(name))",
            problem: "expected a shape that fits memory, found \(shape)")
        }
        result.append(
          (
            filled(spec.role),
            TensorDescriptor(
              name: name, dtype: .f32, shape: shape, byteRange: position..<position + 4 * count)
          ))
        position += 4 * count
      }
    }
    return result
  }

  private func occurs(_ spec: Tensor, _ sizes: Hyperparameters, _ groups: Set<String>) -> Bool {
    // A head that equals the embeddings is stored once.
    if spec.tiedTo != nil, sizes.bool("tiedHead") { return false }
    return switch spec.presence {
    case .required: true
    case .when(let condition): sizes.bool(condition)
    case .group(let name): groups.contains(name)
    }
  }
}
