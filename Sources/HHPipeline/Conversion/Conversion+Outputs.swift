// What a conversion may write, and what it must not write over.

internal import HHData
internal import HHFormat
internal import HHModel
internal import HHTraining

extension Conversion {
  /// Refuses an output that cannot be written, that is one of the inputs or holds one, or that is
  /// another output.
  static func checkOutput(
    of options: ConversionOptions, _ checkpoint: Checkpoint, isResumed: Bool
  ) throws {
    let (output, run) = (options.outputPath, options.run)
    try protect(
      [options.adapter, run].compactMap(\.self), from: output, of: "adapter's and the run's")
    if let adapter = options.adapter {
      try protect([output, run].compactMap(\.self), from: adapter, of: "output's and the run's")
      guard options.finetuning.isEnabled, options.finetuning.lora != nil else {
        throw PipelineError.missingSetting(
          options.finetuning.key(\.lora), beside: options.key(\.adapter))
      }
      // What is there may be the run's own, if it was stopped just before the output had its name.
      _ = try StagingFolder(for: adapter, replacing: options.force || isResumed)
    }
    // Created and dropped at once: a bad output must not cost an hour of training.
    if options.rewrites {
      _ = try AtomicFile(at: output, replacing: options.force)
    } else {
      _ = try StagingFolder(for: output, replacing: options.force)
    }
    let inputs = try Self.inputFiles(of: options, checkpoint)
    for path in [output, options.adapter].compactMap(\.self) { try protect(inputs, from: path) }
    if let report = options.report {
      try checkReport(
        at: report, replacing: options.force,
        besides: [output, options.adapter, run].compactMap(\.self) + inputs)
    }
    if let folder = options.tensorBoard { try TensorBoardLog.check(folder) }
  }

  /// Every file that the settings name and that is read.
  private static func inputFiles(
    of options: ConversionOptions, _ checkpoint: Checkpoint
  ) throws(FormatError) -> [String] {
    let data = [options.data, options.heldOut] + options.evaluations.map(\.settings.data)
    var inputs = try checkpoint.inputFiles() + data.compactMap(\.self)
    // With a new classifier the checkpoint is a copy, in the folder of the run.
    if case .checkpoint(let path)? = options.initialWeights, options.finetuning.classes != nil,
      isPresent(path)
    {
      inputs.append(path)
      inputs += try Checkpoint(opening: path).inputFiles()
    }
    return inputs
  }
}
