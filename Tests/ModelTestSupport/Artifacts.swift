// Artifacts of the models under fixtures/, with maps that were not trained.

internal import HHCompute
package import HHExport
package import HHFormat
package import HHModel
internal import HHTestSupport
internal import Testing

/// Writes artifacts of random models.
package enum Artifacts {
  /// The feature map that the program writes, for heads of `size`.
  package static func linearAttention(size: Int) -> LinearAttentionDescription {
    LinearAttentionDescription(
      kind: "hedgehog-softmax-split", featureDimension: size, bias: true, sharing: .keyValueHead,
      epsilon: Double(LinearAttentionShape.defaultEpsilon), epsilonPlacement: .addedToDenominator)
  }

  /// Moves the maps of a runner off the identity, so that every parameter matters.
  package static func disturb(_ runner: ModelRunner) {
    var forge = FileForge(seed: 11)
    for layer in 0..<runner.graph.layerCount {
      for buffer in runner.maps[layer]?.parameters ?? [] {
        var span = buffer.mutableSpan
        for index in 0..<span.count { span[index] += Float(forge.next(below: 2001) - 1000) / 2000 }
      }
    }
  }

  /// Writes the artifact of a model in a folder of the fixtures after a change to its tensors.
  ///
  /// The maps are those of `runner`, where one is given, else all 0.5.
  package static func write(
    _ name: String, in folder: String = "golden/forward", to path: String,
    plan: RewritePlan? = nil, maps runner: ModelRunner? = nil,
    linearAttention: LinearAttentionDescription? = nil, files: [SidecarFile] = [],
    change: (inout [ArtifactTensor]) -> Void = { _ in }
  ) throws {
    let source = try Checkpoint(opening: Fixtures.path("\(folder)/\(name)"))
    let names = try NameMap(source)
    let plan = try plan ?? Graph(names).rewritten().plan
    var tensors = try names.entries.map(\.tensor).map { tensor in
      ArtifactTensor(
        name: tensor.name, dtype: tensor.dtype, shape: tensor.shape, origin: .kept,
        bytes: try source.bytes(of: tensor.name).copied())
    }
    for block in plan.blocks {
      for (index, (name, shape)) in block.tensors.enumerated() {
        let values = runner?.maps[block.layer]?.parameters[index].values
        tensors.append(
          ArtifactTensor(
            name: name, shape: shape, origin: .new,
            floats: values ?? Array(repeating: 0.5, count: shape.reduce(1, *))))
      }
    }
    change(&tensors)
    _ = try ArtifactWriter.write(
      to: path,
      description: ArtifactDescription(
        producer: .init(name: "hh-convert", version: "0"),
        architecture: .init(
          name: names.schema.architecture, config: try #require(source.configuration)),
        linearAttention: linearAttention
          ?? Self.linearAttention(size: try #require(plan.blocks.first).headSize),
        provenance: Provenance(sources: [], recipe: [:], seed: 0, data: nil), stages: []),
      tensors: tensors, files: files, options: ArtifactOptions(replacing: true))
  }

  /// Writes the artifact of a random model with linear attention of the given settings.
  package static func write(
    _ name: String, to path: String, settings: LinearAttentionSettings
  ) throws {
    let plan = try Graph(Models.names(name)).rewritten(settings).plan
    try write(name, to: path, plan: plan, linearAttention: settings.description(plan: plan))
  }

  /// Exports an artifact and returns the output's path.
  package static func export(
    _ artifact: String, _ target: ExportOptions.Target, to output: String
  ) throws -> String {
    var options = ExportOptions(source: artifact, target: target)
    options.output = output
    return try Export(options).run { _ in }.output
  }
}
