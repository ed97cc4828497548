// hh-convert MODEL: the main job.

import ArgumentParser
import HHPipeline

struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Convert a checkpoint to a Hedgehog artifact (the default subcommand).")

  @Argument(help: "A .safetensors file, a .safetensors.index.json, or a folder with either.")
  var model: String

  @Option(
    name: .shortAndLong,
    help: "The artifact to write (default: MODEL\(ConversionOptions.artifactSuffix)).")
  var output: String?

  @Option(help: "A configuration to use instead of the config.json beside the checkpoint.")
  var config: String?

  @Option(
    help: """
      Rows to distil on: text, token ids (.npy, .bin) or images (IDX, .npy). Without it a decoder \
      writes its own, an encoder gets random tokens and a ViT synthetic images.
      """)
  var data: String?

  @Option(help: "Rows to measure on, of the same kind (default: some rows of the data).")
  var heldOut: String?

  @Option(parsing: .unconditional, help: "Tokens per row (default: 256, or the model's positions).")
  var length: Int?

  @Option(parsing: .unconditional, help: "Optimiser steps per layer.")
  var steps = DistillationRecipe().steps

  @Option(parsing: .unconditional, help: "Rows per step.")
  var batch = DistillationRecipe().batchSize

  @Option(
    parsing: .unconditional,
    help: "Most distinct rows to train on (default: 65,536 positions of them).")
  var rows: Int?

  @Option(
    name: .customLong("lr"), parsing: .unconditional,
    help: "Highest learning rate (default: by the heads' size).")
  var learningRate: Double?

  @Option(
    help: "Longest time for distillation, such as 90s, 10m or 1h30m: fewer steps if need be.",
    transform: TimeBudget.init)
  var budget: TimeBudget?

  @Option(parsing: .unconditional, help: "Seed of everything random.")
  var seed: UInt64 = 0

  @Option(parsing: .unconditional, help: "Threads to use (default: one per processor).")
  var threads: Int?

  @Flag(help: "Print the plan and stop.")
  var dryRun = false

  @Flag(help: "Replace an existing output.")
  var force = false

  @Flag(help: "Convert weights even if some are not finite.")
  var allowNonfinite = false

  @Flag(name: .shortAndLong, help: "Print nothing but errors.")
  var quiet = false

  @Flag(help: "Print events as JSON lines on standard output; the last one is the summary.")
  var json = false

  func validate() throws {
    // The upper bounds keep every product of these within 64 bits.
    try check(steps, in: 0...10_000_000, "--steps")
    try check(batch, in: 1...65_536, "--batch")
    try check(length, in: 2...1_048_576, "--length")
    try check(rows, in: 1...1_000_000_000, "--rows")
    try check(threads, in: 1...1024, "--threads")
    if let learningRate, !(learningRate > 0 && learningRate.isFinite) {
      throw ValidationError("--lr: expected a positive number, found \(learningRate)")
    }
    if quiet && json { throw ValidationError("--quiet and --json exclude each other") }
  }

  func run() throws {
    try ReportedFailure.reporting {
      Interrupts.listen()
      let conversion = try Conversion(options)
      try Interrupts.check()
      if dryRun {
        let plan = conversion.plan
        try Terminal.print(json ? ConversionEvent.planned(plan).jsonLine : plan.text + "\n")
        return
      }
      let printer = EventPrinter(manner)
      defer { printer.clear() }
      _ = try conversion.run { event in
        try Interrupts.check()
        printer.print(event)
      }
    }
  }

  private func check(_ value: Int?, in range: ClosedRange<Int>, _ name: String) throws {
    guard let value, !range.contains(value) else { return }
    throw ValidationError(
      "\(name): expected \(range.lowerBound) to \(range.upperBound), found \(value)")
  }

  private var manner: EventPrinter.Manner {
    if json { return .json }
    if quiet { return .quiet }
    return Terminal.isLive ? .live : .plain
  }

  private var options: ConversionOptions {
    var options = ConversionOptions(model: model, threads: threads ?? Producer.processorCount)
    options.output = output
    options.configuration = config
    options.data = data
    options.heldOut = heldOut
    options.length = length
    options.distillation.steps = steps
    options.distillation.batchSize = batch
    options.distillation.learningRate = learningRate
    options.distillation.rowLimit = rows
    options.distillation.seed = seed
    options.distillation.budget = budget?.seconds
    options.force = force
    options.allowNonfinite = allowNonfinite
    return options
  }
}
