// A converted model opened from its artifact or an export: the rewritten graph with its trained maps.

package import HHCompute
package import HHFormat

/// A Hedgehog model as an artifact or an export of one holds it.
package struct ConvertedModel {
  /// The tensors: the source's, and the parameters of the maps under their roles.
  package let checkpoint: Checkpoint
  /// The source's tensors, sorted into roles.
  package let names: NameMap
  /// The graph with Hedgehog attention in every block.
  package let graph: Graph
  /// What was rewritten, block by block; it names the maps' tensors.
  package let plan: RewritePlan
  /// What attention was rewritten with.
  package let settings: LinearAttentionSettings
  /// What an artifact says of itself; nil for an export.
  package let manifest: ArtifactManifest?
  /// What the maps are; nil for an artifact that does not say so.
  package let linearAttention: LinearAttentionDescription?

  /// Opens an artifact or an export, a delta with the model that it was made from as `base`, and checks that its
  /// tensors are a model's and the maps that go with it; no weights are read.
  ///
  /// - Throws: `unsupported` for a model that is neither, and for maps that this program does
  ///   not compute; `badData` for a tensor that is missing, unexpected or of another shape.
  package init(opening path: String, base: String? = nil) throws(FormatError) {
    try self.init(Checkpoint(opening: path, base: base))
  }

  /// The model of an opened artifact or export; see `init(opening:)`.
  package init(_ checkpoint: Checkpoint) throws(FormatError) {
    manifest = checkpoint.artifact?.manifest
    let maps: Set<ByteKey>
    if let manifest {
      self.checkpoint = checkpoint
      linearAttention = manifest.description.linearAttention
      maps = Set(manifest.tensors.filter { $0.origin == .new }.map { ByteKey($0.name) })
    } else if let export = try ExportedModel(checkpoint) {
      self.checkpoint = export.checkpoint
      linearAttention = export.linearAttention
      maps = export.mapNames
    } else {
      throw FormatError(
        .unsupported, file: checkpoint.path,
        problem: "expected an artifact of hh-convert or an export of one, found"
          + " \(checkpoint.format)")
    }
    let checkpoint = self.checkpoint
    let names = try NameMap(
      tensors: checkpoint.tensors.filter { !maps.contains(ByteKey($0.name)) },
      configuration: checkpoint.configuration, configurationPath: checkpoint.configurationPath,
      checkpointPath: checkpoint.path)
    let source = try Graph(names)
    settings =
      try linearAttention.map { (map) throws(FormatError) in
        try LinearAttentionSettings(map, of: source, file: checkpoint.path)
      } ?? LinearAttentionSettings()
    (graph, plan) = source.rewritten(settings)
    self.names = names
    try checkMaps(maps)
  }

  /// A runner of the model; it reads the maps now and other weights when they are needed.
  ///
  /// - Throws: `badData` for damaged maps, `unsupported` for maps that are not stored as floats.
  package func runner() throws(FormatError) -> ModelRunner {
    let runner = ModelRunner(
      graph: graph,
      parameters: ParameterStore(checkpoint: checkpoint, names: names, halves: .stored))
    runner.maps = try maps()
    return runner
  }

  /// The maps by layer, read anew.
  ///
  /// - Throws: As `runner` does.
  package func maps() throws(FormatError) -> [Int: FeatureMaps] {
    var maps: [Int: FeatureMaps] = [:]
    for block in plan.blocks {
      let read = block.maps()
      for (tensor, buffer) in zip(block.tensors, read.parameters) {
        var values = buffer.mutableSpan
        try checkpoint.readFloats(of: tensor.name, into: &values)
      }
      maps[block.layer] = read
    }
    return maps
  }

  /// The artifact must hold the maps that the plan asks for, and no others.
  private func checkMaps(_ found: Set<ByteKey>) throws(FormatError) {
    func problem(_ name: String, _ text: String) -> FormatError {
      FormatError(
        .badData, file: checkpoint.path, place: "tensor \(quoted(name))", problem: text)
    }
    var expected: [ByteKey: [Int]] = [:]
    for tensor in plan.blocks.flatMap(\.tensors) { expected[ByteKey(tensor.name)] = tensor.shape }
    for tensor in checkpoint.tensors where found.contains(ByteKey(tensor.name)) {
      guard let shape = expected.removeValue(forKey: ByteKey(tensor.name)) else {
        throw problem(
          tensor.name, "unexpected: expected only feature maps of the model's blocks")
      }
      guard tensor.shape == shape else {
        throw problem(tensor.name, "wrong shape: expected \(shape), found \(tensor.shape)")
      }
    }
    if let missing = expected.keys.map(\.text).sorted().first {
      throw problem(missing, "missing: expected a feature map for every block, found none")
    }
  }
}

extension LinearAttentionSettings {
  /// The settings of an artifact, which must be of a kind that is computed here and fit the model.
  fileprivate init(
    _ description: LinearAttentionDescription, of graph: Graph, file: String
  ) throws(FormatError) {
    func problem(_ kind: FormatError.Kind, _ text: String) -> FormatError {
      FormatError(kind, file: file, place: "manifest, 'featureMap'", problem: text)
    }
    guard description.epsilonPlacement == .addedToDenominator else {
      throw problem(
        .unsupported,
        "expected ε added to the denominator, found \(description.epsilonPlacement.rawValue)")
    }
    guard description.orientation == LinearAttentionDescription.defaultOrientation else {
      throw problem(
        .unsupported,
        "expected the orientation \(quoted(LinearAttentionDescription.defaultOrientation)), found"
          + " \(quoted(description.orientation))")
    }
    guard let kind = FeatureMapKind(rawValue: description.kind) else {
      let known = FeatureMapKind.allCases.map(\.rawValue).joined(separator: ", ")
      throw problem(.unsupported, "'kind': expected \(known), found \(quoted(description.kind))")
    }
    self.init(kind, description)
    if let found = graph.problem(with: self) { throw problem(.badData, found.problem) }
    // What the map makes of the settings is what the file must say: a bias where the kind has none
    // shows another function.
    let expected = self.description(
      plan: graph.rewritten(self).plan, epsilon: description.epsilon)
    guard expected == description else {
      throw problem(
        .badData, "expected \(expected.summary), found \(description.summary)")
    }
  }
}
