// A converted model opened from its artifact: the rewritten graph with its trained maps.

internal import HHCompute
package import HHFormat

/// A Hedgehog model as an artifact holds it.
package struct ConvertedModel {
  /// The artifact's tensors: the source's, and the parameters of the maps.
  package let checkpoint: Checkpoint
  /// The source's tensors, sorted into roles.
  package let names: NameMap
  /// The graph with Hedgehog attention in every block.
  package let graph: Graph
  /// What was rewritten, block by block; it names the maps' tensors.
  package let plan: RewritePlan
  /// What the artifact says of itself.
  package let manifest: ArtifactManifest

  /// Opens an artifact, a delta with the model that it was made from as `base`, and checks that its
  /// tensors are a model's and the maps that go with it; no weights are read.
  ///
  /// - Throws: `unsupported` for a model that is no artifact, and for maps that this program does
  ///   not compute; `badData` for a tensor that is missing, unexpected or of another shape.
  package init(opening path: String, base: String? = nil) throws(FormatError) {
    try self.init(Checkpoint(opening: path, base: base))
  }

  /// The model of an opened artifact; see `init(opening:)`.
  package init(_ checkpoint: Checkpoint) throws(FormatError) {
    guard let manifest = checkpoint.artifact?.manifest else {
      throw FormatError(
        .unsupported, file: checkpoint.path,
        problem: "expected an artifact of hh-convert, found \(checkpoint.format)")
    }
    let maps = Set(manifest.tensors.filter { $0.origin == .new }.map { ByteKey($0.name) })
    let names = try NameMap(
      tensors: checkpoint.tensors.filter { !maps.contains(ByteKey($0.name)) },
      configuration: checkpoint.configuration, configurationPath: checkpoint.configurationPath,
      checkpointPath: checkpoint.path)
    (graph, plan) = try Graph(names).rewritten()
    self.checkpoint = checkpoint
    self.names = names
    self.manifest = manifest
    try checkMaps(maps)
    try checkDescription()
  }

  /// A runner of the model; it reads the maps now and other weights when they are needed.
  ///
  /// - Throws: `badData` for damaged maps, `unsupported` for maps that are not stored as floats.
  package func runner() throws(FormatError) -> ModelRunner {
    let runner = ModelRunner(
      graph: graph, parameters: ParameterStore(checkpoint: checkpoint, names: names))
    for block in plan.blocks {
      let maps = HedgehogMaps(
        queryHeads: block.headCount, keyHeads: block.keyValueHeadCount, headSize: block.headSize,
        projectionSize: block.map.featureSize,
        epsilon: manifest.description.featureMap.map { Float($0.epsilon) }
          ?? HedgehogMaps.defaultEpsilon)
      for (tensor, buffer) in zip(block.tensors, maps.parameters) {
        var values = buffer.mutableSpan
        try checkpoint.readFloats(of: tensor.name, into: &values)
      }
      runner.maps[block.layer] = maps
    }
    return runner
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

  /// Several functions go by the name of Hedgehog; only the one that is computed here is accepted.
  private func checkDescription() throws(FormatError) {
    guard let map = manifest.description.featureMap, let block = plan.blocks.first else { return }
    let found = (map.kind, map.bias, map.sharing, map.epsilonPlacement)
    guard found == (.splitSoftmax, true, .keyValueHead, .addedToDenominator),
      map.featureDimension == block.map.featureSize
    else {
      throw FormatError(
        .unsupported, file: checkpoint.path, place: "manifest, 'featureMap'",
        problem: "expected hedgehog-softmax-split of \(block.map.featureSize) features with a "
          + "bias, one per key/value head, and ε added to the denominator, "
          + "found \(map.kind.rawValue) of \(map.featureDimension) "
          + (map.bias ? "with" : "without") + " a bias, \(map.sharing.rawValue), "
          + map.epsilonPlacement.rawValue)
    }
  }
}
