// Writing what came back as an artifact, with what is known of its making.

internal import HHCompute
internal import HHFormat
internal import HHModel
internal import HHTraining

/// The tensors, compared, and the manifest of a packed artifact.
struct PackedArtifact {
  let packed: PackedTensors
  /// What became of each tensor.
  let changes: [PackedTensor.Change]
  let claims: TrainingClaims
  let options: PackingOptions

  private var trained: TrainedFolder { packed.trained }

  /// How many tensors each change happened to.
  var counts: JSONObject {
    JSONObject(
      PackedTensor.Change.allCases.map { change in
        (change.rawValue, .integer(changes.count { $0 == change }))
      })
  }

  /// Writes the artifact. What `report` throws stops the writing and is thrown on; `check` is called
  /// when all is written and the artifact has no name yet.
  func write(
    files: [SidecarFile], report: ProgressReport, check: () throws(FormatError) -> Void
  ) throws -> ArtifactSummary {
    let sources = try trained.sourceFiles.map { (path) throws(FormatError) in
      try MappedFile(at: path)
    }
    return try withoutActuallyEscaping(report) { report in
      // Safe: the writer calls its progress on one thread at a time, and not after it returns.
      nonisolated(unsafe) let report = report
      nonisolated(unsafe) var stop: (any Error)?
      let writing = ArtifactOptions(replacing: options.force, threads: options.threads) {
        do {
          try unsafe report(.written(bytes: $0, of: $1))
          return true
        } catch {
          unsafe stop = error
          return false
        }
      }
      do throws(FormatError) {
        return try ArtifactWriter.write(
          to: options.outputPath, sources: sources,
          tensors: zip(packed.tensors, changes).map(tensor),
          files: files, options: writing
        ) { (digests: [String]) throws(FormatError) -> ArtifactDescription in
          try check()
          return description(
            zip(sources, digests).map { file, digest in
              .init(name: lastComponent(of: file.path), bytes: file.count, sha256: digest)
            })
        }
      } catch {
        throw unsafe stop ?? error
      }
    }
  }

  private func tensor(_ packed: PackedTensor, _ change: PackedTensor.Change) -> ArtifactTensor {
    if change == .unchanged, let own = packed.own, let base = trained.base {
      return unchanged(packed, own, base)
    }
    let (tensor, checkpoint) = (packed.tensor, trained.checkpoint)
    if checkpoint.isAdapted, let own = packed.own, tensor.dtype == .f32, own.dtype != .f32 {
      return merged(packed, as: own)
    }
    let check: ArtifactTensor.Check = { (offset, bytes) throws(FormatError) in
      guard let index = tensor.dtype.firstNonFinite(in: bytes) else { return }
      throw WeightCheck.nonfinite(
        at: offset / (tensor.dtype.bitWidth / 8) + index, of: tensor.name, in: checkpoint)
    }
    return ArtifactTensor(
      name: packed.name, dtype: tensor.dtype, shape: tensor.shape,
      origin: packed.isMap ? .new : .changed, byteCount: tensor.byteCount,
      check: options.allowNonfinite ? nil : check
    ) { (range, body) throws(FormatError) in
      try checkpoint.withBytes(of: tensor.name, in: range, body)
    }
  }

  /// The base's own tensor, quantised ones in their blocks.
  private func unchanged(
    _ packed: PackedTensor, _ own: TensorDescriptor, _ base: ConvertedModel
  ) -> ArtifactTensor {
    let checkpoint = base.checkpoint
    let entry = checkpoint.artifact?.tensor(named: own.name)
    let origin = entry?.origin ?? .changed
    if let type = checkpoint.blockType(of: own.name),
      let size = type.byteCount(ofElements: own.elementCount)
    {
      return ArtifactTensor(
        name: packed.name, dtype: own.dtype, shape: own.shape, blockType: type, origin: origin,
        byteCount: size
      ) { (range, body) throws(FormatError) in
        try checkpoint.withBlocks(of: own.name, in: range, body)
      }
    }
    return ArtifactTensor(
      name: packed.name, dtype: own.dtype, shape: own.shape, origin: origin,
      byteCount: own.byteCount
    ) { (range, body) throws(FormatError) in
      try checkpoint.withBytes(of: own.name, in: range, body)
    }
  }

  /// A tensor that an adapter changed, in the type that the base has it in.
  private func merged(_ packed: PackedTensor, as own: TensorDescriptor) -> ArtifactTensor {
    let (tensor, checkpoint, file) = (packed.tensor, trained.checkpoint, options.folder)
    let target = TensorDescriptor(
      name: packed.name, dtype: own.dtype, shape: own.shape, byteRange: own.byteRange)
    return ArtifactTensor(
      target,
      tooLarge: { dtype, index in
        FormatError(
          .unsupported, file: file, place: "tensor \(quoted(tensor.name))",
          problem: "expected values with the adapter that \(dtype.rawValue) can hold,"
            + " found one that it cannot at index \(index)")
      }
    ) { (range, body) throws(FormatError) in
      let values = FloatBuffer(count: range.count)
      var span = values.mutableSpan
      try checkpoint.readFloats(of: tensor.name, from: range.lowerBound, into: &span)
      try body(values.span)
    }
  }

  private func description(_ sources: [Provenance.Source]) -> ArtifactDescription {
    let manifest = trained.base?.manifest
    let earlier = manifest?.description.provenance
    var recipe = earlier?.recipe ?? [:]
    // It is the key of the base, which is another model.
    recipe[ConversionKey.member] = nil
    var record: JSONObject = ["adapter": .bool(trained.checkpoint.isAdapted)]
    record["base"] = manifest.map { .string($0.digest) }
    record["exported_from"] = trained.checkpoint.exportedArtifact.map { .string($0) }
    record["said"] = .object(claims.files)
    recipe["pack"] = .object(record)
    return ArtifactDescription(
      producer: .init(name: Producer.name, version: Producer.version),
      architecture: .init(name: trained.names.schema.architecture, config: trained.settings),
      linearAttention: trained.linearAttention,
      provenance: Provenance(
        sources: sources, recipe: recipe, seed: earlier?.seed ?? 0, data: earlier?.data),
      stages: (manifest?.description.stages ?? []) + [stage])
  }

  /// What was packed: counts, and each tensor that is not the base's with the digest it had there.
  private var stage: ArtifactDescription.Stage {
    var qualities = counts
    guard let manifest = trained.base?.manifest else {
      return .init(name: "pack", qualities: ["tensors": .integer(changes.count)])
    }
    let digests = Dictionary(
      manifest.tensors.map { (ByteKey($0.name), $0.sha256) }, uniquingKeysWith: { a, _ in a })
    func before(_ name: String) -> JSONValue {
      digests[ByteKey(name)].map { .string($0) } ?? .null
    }
    var list: JSONObject = [:]
    for (packed, change) in zip(packed.tensors, changes) where change != .unchanged {
      list[packed.name] = [
        "change": .string(change.rawValue), "was": before(packed.own?.name ?? ""),
      ]
    }
    for tensor in packed.leftOut {
      list[tensor.name] = ["change": "left out", "was": before(tensor.name)]
    }
    qualities["changes"] = .object(list)
    return .init(name: "pack", qualities: qualities)
  }
}
