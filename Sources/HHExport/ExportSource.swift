// The model that an export reads.

package import HHFormat
package import HHModel

/// An opened artifact or checkpoint, and which of its models is exported.
///
/// An artifact gives its Hedgehog model, or with `--softmax` the model it was converted from; an
/// export of one gives its Hedgehog model again. A checkpoint has only its softmax model, so that one
/// is exported whether or not it is asked for.
package struct ExportSource {
  /// The tensors.
  package let checkpoint: Checkpoint
  /// The tensors of the softmax model, sorted into roles.
  package let names: NameMap
  /// The model that is exported.
  package let graph: Graph
  /// The feature maps that go along, named as `checkpoint` names them; nil for the softmax model.
  package let plan: RewritePlan?
  /// What an artifact says of itself.
  package let manifest: ArtifactManifest?
  /// What the feature maps are; nil for the softmax model.
  package let linearAttention: LinearAttentionDescription?

  /// Whether the Hedgehog model is exported.
  package var isHedgehog: Bool { plan != nil }

  /// Opens the source.
  ///
  /// - Throws: `FormatError` for a source that cannot be read or is no model, and `unsupported` for
  ///   the softmax model of an artifact whose weights training changed.
  package init(_ options: ExportOptions) throws(FormatError) {
    let checkpoint = try Checkpoint(
      opening: options.source, configuration: options.configuration, base: options.base,
      tokenizer: options.tokenizer)
    guard checkpoint.isConverted else {
      self.checkpoint = checkpoint
      names = try NameMap(checkpoint)
      (plan, manifest, linearAttention) = (nil, nil, nil)
      // Builds what it describes: a setting that makes another model is refused here.
      graph = try Graph(names)
      return
    }
    let model = try ConvertedModel(checkpoint)
    self.checkpoint = model.checkpoint
    names = model.names
    graph = options.softmax ? try Graph(model.names) : model.graph
    manifest = model.manifest
    plan = options.softmax ? nil : model.plan
    linearAttention = options.softmax ? nil : model.linearAttention
    guard options.softmax else { return }
    guard let manifest else {
      throw FormatError(
        .unsupported, file: options.source,
        problemText:
          """
          expected an artifact for \(.softmax), found an export, which does not say whether training \
          changed the source's weights
          """,
        remedy: "export the artifact, or the model that was converted")
    }
    if let changed = manifest.tensors.first(where: { $0.origin == .changed }) {
      throw FormatError(
        .unsupported, file: options.source, place: "tensor \(quoted(changed.name))",
        problemText:
          "expected the source's values for \(.softmax), found values changed by training")
    }
  }

  /// The tensors to export: of an artifact the source's and, for the Hedgehog model, the maps; of a
  /// checkpoint and an export all, buffers without a role too where their names are the model's.
  package var tensors: [TensorDescriptor] {
    guard manifest != nil, plan == nil else {
      guard names.hasForeignNames else { return checkpoint.tensors }
      let dropped = Set(names.dropped.map { ByteKey($0.tensor.name) })
      return checkpoint.tensors.filter { !dropped.contains(ByteKey($0.name)) }
    }
    return names.entries.map(\.tensor)
  }

  /// The names of the feature maps' tensors.
  var mapNames: Set<ByteKey> {
    Set((plan?.blocks ?? []).flatMap(\.tensors).map { ByteKey($0.name) })
  }
}
