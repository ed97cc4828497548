// Putting a finished conversion together as an artifact.

internal import HHAnalysis
internal import HHCompute
internal import HHFormat
internal import HHModel
internal import HHTraining

/// The source's tensors, the trained maps and the manifest of one conversion.
struct ArtifactAssembly {
  let plan: ConversionPlan
  let options: ConversionOptions
  /// The key of the settings as they were given.
  let key: ConversionKey
  /// The files that the model was read from; nil where they are still to be digested, and their
  /// weights to be checked.
  let sources: [Provenance.Source]?
  /// Those files as they were when the model was opened.
  let opened: SourceFiles
  let checkpoint: Checkpoint
  let start: StartingPoint
  private var names: NameMap { start.names }
  let sidecars: SidecarFiles
  /// The rows and what distillation on them gave; nil where nothing was trained.
  let training:
    (
      rows: TrainingRows, result: DistillationResult, finetuned: FinetunedModel?,
      evaluations: [EvaluationResult], plan: TrainingPlan?
    )?

  /// Writes the artifact. What `report` throws stops the writing and is thrown on; `companions`
  /// publishes what belongs beside it, just before it gets its name.
  func write(
    report: ConversionReport, companions: () throws(FormatError) -> Void
  ) throws -> ArtifactSummary {
    let kept = kept(inBlocks: !options.delta)
    if checksWeights, kept.contains(where: { $0.blockType != nil }) {
      // Of blocks the writer sees parts only.
      try WeightCheck(checkpoint: checkpoint, names: names).checkFinite()
    }
    let files =
      try sources == nil ? checkpoint.digestedFiles.map(MappedFile.init(at:)) : []
    return try withoutActuallyEscaping(report) { report in
      // Safe: the writer calls its progress on one thread at a time, and not after it returns.
      nonisolated(unsafe) let report = report
      nonisolated(unsafe) var stop: (any Error)?
      let options = ArtifactOptions(
        replacing: options.force, threads: options.threads, delta: options.delta
      ) {
        do {
          try unsafe report(.progress(.written(bytes: $0, of: $1)))
          return true
        } catch {
          unsafe stop = error
          return false
        }
      }
      do throws(FormatError) {
        return try ArtifactWriter.write(
          to: plan.output, sources: files, tensors: kept + maps, files: sidecars.files,
          options: options, companions: companions
        ) { (digests: [String]) throws(FormatError) -> ArtifactDescription in
          // Every tensor is read when this is asked for the last time, and the artifact has no name.
          try opened.requireUnchanged()
          return description(
            sources
              ?? zip(files, digests).map { file, digest in
                .init(name: lastComponent(of: file.path), bytes: file.count, sha256: digest)
              })
        }
      } catch {
        // What half a write leaves is no defect of the model.
        if error.kind == .badData { try opened.requireUnchanged() }
        // Which of several defects a thread met first is chance; this finds the first of all.
        if checksWeights, error.kind == .badData {
          try WeightCheck(checkpoint: checkpoint, names: names).checkFinite()
        }
        throw unsafe stop ?? error
      }
    }
  }

  /// Whether it is left to the writer to check that weights are finite.
  private var checksWeights: Bool { sources == nil && !options.allowNonfinite }

  /// The source's tensors: those that finetuning changed, the others lent from the mapped files;
  /// quantised ones as they are where wanted, else as the floats that they stand for.
  private func kept(inBlocks: Bool) -> [ArtifactTensor] {
    names.entries.map { entry in
      if let changed = training?.finetuned?.tensor(
        entry, of: checkpoint, file: plan.output)
      {
        return changed
      }
      let (tensor, checkpoint) = (entry.tensor, checkpoint)
      if inBlocks, let type = checkpoint.blockType(of: tensor.name),
        let size = type.byteCount(ofElements: tensor.elementCount)
      {
        return ArtifactTensor(
          name: tensor.name, dtype: tensor.dtype, shape: tensor.shape, blockType: type,
          origin: .kept, byteCount: size
        ) { (range, body) throws(FormatError) in
          try checkpoint.withBlocks(of: tensor.name, in: range, body)
        }
      }
      let check: ArtifactTensor.Check = { (offset, bytes) throws(FormatError) in
        guard let index = tensor.dtype.firstNonFinite(in: bytes) else { return }
        throw WeightCheck.nonfinite(
          at: offset / (tensor.dtype.bitWidth / 8) + index, of: tensor.name, in: checkpoint)
      }
      return ArtifactTensor(
        name: tensor.name, dtype: tensor.dtype, shape: tensor.shape, origin: .kept,
        byteCount: tensor.byteCount, check: checksWeights ? check : nil
      ) { (range, body) throws(FormatError) in
        try checkpoint.withBytes(of: tensor.name, in: range, body)
      }
    }
  }

  /// Writes a trained model that keeps its softmax as a folder in Hugging Face's layout, and
  /// `companions` just before it gets its name.
  func writeFolder(
    report: ConversionReport, companions: () throws(FormatError) -> Void
  ) throws -> ArtifactSummary {
    let folder = try StagingFolder(for: plan.output, replacing: options.force)
    let tensors = kept(inBlocks: false)
    try SafetensorsWriter.write(
      to: folder.path("model.safetensors"),
      tensors: tensors.map { ($0.name, $0.dtype, $0.shape) }, metadata: [("format", "pt")]
    ) { index, sink throws(FormatError) in try tensors[index].forEachPart(sink) }
    func warn(_ name: String, _ places: [String]) throws {
      guard !places.isEmpty else { return }
      try report(.progress(.warning(SettingText(ForeignCode.warning(name, places)))))
    }
    let (settings, places) = ForeignCode.removed(from: checkpoint.configuration ?? [:])
    try warn("config.json", places)
    try folder.write(Array(JSONValue.object(settings).readableText.utf8), to: "config.json")
    for file in sidecars.files {
      let (kept, places) = try ForeignCode.removed(from: file, of: checkpoint.path)
      try warn(file.name, places)
      try folder.write(kept.content, to: kept.name)
    }
    try opened.requireUnchanged()
    try companions()
    try folder.publish()
    let bytes = tensors.reduce(0) { $0 + $1.byteCount }
    return ArtifactSummary(bytes: bytes, rawBytes: bytes)
  }

  private var maps: [ArtifactTensor] {
    plan.rewrite.blocks.flatMap { block -> [ArtifactTensor] in
      let maps = training?.result.maps[block.layer] ?? start.maps(of: block)
      return zip(block.tensors, maps.parameters).map { tensor, values in
        ArtifactTensor(
          name: tensor.name, dtype: .f32, shape: tensor.shape, origin: .new,
          byteCount: 4 * values.count
        ) { (range, body) throws(FormatError) in
          // Safe: floats have no padding.
          try body(unsafe values.span.bytes.extracting(range))
        }
      }
    }
  }

  private func description(_ sources: [Provenance.Source]) -> ArtifactDescription {
    var settings = training.map { recipe($0.rows, $0.result) } ?? [:]
    settings[ConversionKey.member] = .string(key.text(for: sources))
    return ArtifactDescription(
      producer: .init(name: Producer.name, version: Producer.version),
      architecture: .init(name: plan.architecture, config: checkpoint.configuration ?? [:]),
      linearAttention: options.attention.description(plan: plan.rewrite),
      provenance: Provenance(
        sources: sources, recipe: settings, seed: options.seed,
        data: training.map { training in
          .init(
            kind: training.rows.kind, sha256: training.rows.digest,
            tokens: training.result.tokens + (training.finetuned?.summary.tokens ?? 0))
        }),
      stages: stages)
  }

  /// What was done and measured, in order.
  private var stages: [ArtifactDescription.Stage] {
    guard let training else { return [.init(name: ConversionStage.rewrite.rawValue)] }
    func evaluations(after stage: String) -> [ArtifactDescription.Stage] {
      training.evaluations.filter { $0.after == stage }.map(\.stage)
    }
    return start.stages + evaluations(after: "rewrite")
      + (training.result.layers.isEmpty ? [] : [stage(training.result)])
      + evaluations(after: "distil")
      + [training.finetuned.map { stage($0.summary) }]
      .compactMap(\.self) + evaluations(after: "finetune") + evaluations(after: "train")
  }

  private func recipe(_ rows: TrainingRows, _ result: DistillationResult) -> JSONObject {
    var recipe: JSONObject = [
      "steps": .integer(result.steps),
      "batch": .integer(options.distillation.batchSize),
      "length": .integer(rows.length),
      "learning_rate": .number(
        options.distillation.peakRate(headSize: plan.rewrite.blocks.first?.headSize ?? 1)),
    ]
    if let finetuning = training?.plan { recipe["finetune"] = .object(finetuning.record) }
    recipe["earlier_learning_rates"] = options.earlierRates.json
    return recipe
  }

  private func stage(_ summary: FinetuneSummary) -> ArtifactDescription.Stage {
    var losses: JSONObject = [
      "loss_before": .number(summary.lossBefore), "loss_after": .number(summary.lossAfter),
    ]
    if let teacher = summary.teacherLoss { losses["teacher_loss"] = .number(teacher) }
    return .init(
      name: options.initialWeights == nil ? "finetune" : "train", losses: losses,
      qualities: [
        "objective": .string(summary.objective), "steps": .integer(summary.steps),
        "trained_parameters": .integer(summary.parameterCount),
      ])
  }

  private func stage(_ result: DistillationResult) -> ArtifactDescription.Stage {
    .init(
      name: ConversionStage.distil.rawValue,
      losses: ["kl_before": .number(result.klBefore), "kl_after": .number(result.klAfter)],
      qualities: [
        "kl_per_layer": .array(result.layers.map { .number($0.klAfter) }),
        "kl_per_head": .array(
          result.layers.map { .array($0.klPerHead.map { .number($0) }) }),
      ])
  }
}
