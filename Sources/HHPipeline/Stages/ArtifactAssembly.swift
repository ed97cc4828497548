// Putting a finished conversion together as an artifact.

internal import HHCompute
internal import HHFormat

/// The source's tensors, the trained maps and the manifest of one conversion.
struct ArtifactAssembly {
  let plan: ConversionPlan
  let options: ConversionOptions
  let checkpoint: Checkpoint
  let names: NameMap
  let companions: Companions
  let rows: TrainingRows
  let result: DistillationResult

  /// Writes the artifact. What `report` throws stops the writing and is thrown on.
  func write(report: ProgressReport) throws -> ArtifactSummary {
    let description = try description()
    return try withoutActuallyEscaping(report) { report in
      // Safe: the writer calls its progress on the thread that called it, and not after it returns.
      nonisolated(unsafe) let report = report
      nonisolated(unsafe) var stop: (any Error)?
      let options = ArtifactOptions(
        replacing: options.force, threads: options.threads, delta: options.delta
      ) {
        do {
          try unsafe report(.written(bytes: $0, of: $1))
          return true
        } catch {
          unsafe stop = error
          return false
        }
      }
      do {
        return try ArtifactWriter.write(
          to: plan.output, description: description, tensors: kept + maps,
          files: companions.files, options: options)
      } catch {
        throw unsafe stop ?? error
      }
    }
  }

  /// The source's tensors, lent from the mapped files.
  private var kept: [ArtifactTensor] {
    names.entries.map { entry in
      let (tensor, checkpoint) = (entry.tensor, checkpoint)
      return ArtifactTensor(
        name: tensor.name, dtype: tensor.dtype, shape: tensor.shape, origin: .kept
      ) { (body) throws(FormatError) in try checkpoint.withBytes(of: tensor.name, body) }
    }
  }

  private var maps: [ArtifactTensor] {
    plan.rewrite.blocks.flatMap { block -> [ArtifactTensor] in
      guard let maps = result.maps[block.layer] else { return [] }
      return zip(block.tensors, maps.parameters).map { tensor, values in
        ArtifactTensor(
          name: tensor.name, shape: tensor.shape, origin: .new, floats: values.values)
      }
    }
  }

  private func description() throws(FormatError) -> ArtifactDescription {
    let sources = try ConversionKey.sources(of: checkpoint)
    var recipe = recipe
    recipe[ConversionKey.member] = .string(
      try ConversionKey(sources: sources, options: options).text)
    let size = plan.rewrite.blocks.first?.map.featureSize ?? 0
    return ArtifactDescription(
      producer: .init(name: Producer.name, version: Producer.version),
      architecture: .init(name: plan.architecture, config: checkpoint.configuration ?? [:]),
      featureMap: FeatureMapDescription(
        kind: .splitSoftmax, featureDimension: size, bias: true, sharing: .keyValueHead,
        epsilon: Double(HedgehogMaps.defaultEpsilon), epsilonPlacement: .addedToDenominator),
      provenance: Provenance(
        sources: sources, recipe: recipe, seed: options.distillation.seed,
        data: .init(kind: rows.kind, sha256: rows.digest, tokens: result.tokens)),
      stages: [stage])
  }

  private var recipe: JSONObject {
    [
      "steps": .integer(Int64(result.steps)),
      "batch": .integer(Int64(options.distillation.batchSize)),
      "length": .integer(Int64(rows.length)),
      "learning_rate": .number(
        options.distillation.peakRate(headSize: plan.rewrite.blocks.first?.headSize ?? 1)),
    ]
  }

  private var stage: ArtifactDescription.Stage {
    .init(
      name: "distil",
      losses: ["kl_before": .number(result.klBefore), "kl_after": .number(result.klAfter)],
      qualities: [
        "kl_per_layer": .array(result.layers.map { .number($0.klAfter) }),
        "kl_per_head": .array(
          result.layers.map { .array($0.klPerHead.map { .number($0) }) }),
      ])
  }
}
