// hh-convert train RECIPE: a new model, trained from scratch.

import ArgumentParser
import HHFormat
import HHModel
import HHPipeline
import HHTraining

struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train a model, new or from a checkpoint, with softmax or Hedgehog attention.",
    discussion: """
      The recipe's 'model' gives the sizes of a new model or names a checkpoint, its 'data' what is \
      learnt, its stage 'train' how; with 'classes' there a checkpoint gets a new classifier. With \
      a stage 'rewrite' before it the result is a Hedgehog artifact, without one a folder as \
      save_pretrained writes it. A run folder is always kept, so that 'resume' can go on.
      """)

  @Argument(help: "The recipe: a YAML or JSON file, or the name of a shipped one.")
  var recipe: String

  @Option(help: "The checkpoint to begin with, in place of the recipe's.")
  var model: String?

  @Option(
    name: .shortAndLong,
    help: "The artifact or the folder to write (default: the recipe's name).")
  var output: String?

  @Option(name: .customLong("run"), help: "The run's folder (default: OUTPUT.run).")
  var runFolder: String?

  @Option(help: "Rows to train on, in place of the recipe's.")
  var data: String?

  @Option(help: "Rows to measure on, in place of the recipe's.")
  var heldOut: String?

  @Option(parsing: .unconditional, help: "Optimiser steps, in place of the recipe's.")
  var steps: Int?

  @Option(
    name: .customLong("lr"), parsing: .unconditional,
    help: "Highest learning rate, in place of the recipe's.")
  var learningRate: Double?

  @Option(parsing: .unconditional, help: "Seed of everything random, in place of the recipe's.")
  var seed: UInt64?

  @Option(parsing: .unconditional, help: "Threads to use (default: one per processor).")
  var threads: Int?

  @Flag(help: "Replace an existing output.")
  var force = false

  @Flag(name: .shortAndLong, help: "Print nothing but errors.")
  var quiet = false

  @Flag(help: "Print events as JSON lines on standard output; the last one is the summary.")
  var json = false

  func validate() throws {
    try check(steps, in: 1...10_000_000, "--steps")
    try check(threads, in: 1...1024, "--threads")
    if let learningRate, !(learningRate > 0 && learningRate.isFinite) {
      throw ValidationError("--lr: expected a positive number, found \(learningRate)")
    }
    try checkOutput(quiet: quiet, json: json)
  }

  func run() throws {
    try ReportedFailure.reporting(knowing: ["--data", "--held-out", "--steps", "--lr", "--seed"]) {
      Interrupts.listen()
      let folder = try RunFolder(training: options())
      try EventPrinter(.chosen(json: json, quiet: quiet)).follow { report in
        do {
          var options = try folder.options()
          options.force = force
          return try Conversion(options, resuming: folder, report: report)
        } catch {
          folder.discard()
          throw error
        }
      }
    }
  }

  private func options() throws -> ConversionOptions {
    let recipe = try Recipe.named(recipe)
    guard recipe.trains else {
      throw PipelineError.invalidOption(
        name: self.recipe, problem: "expected the stage 'train', found none")
    }
    var options = try recipe.options(
      model: model, threads: threads ?? Producer.processorCount)
    if let data { options.data = data }
    guard options.data != nil else {
      throw PipelineError.invalidOption(
        name: "--data", problem: "expected data to learn from, here or in the recipe, found none")
    }
    if let heldOut { options.heldOut = heldOut }
    if let steps { try options.finetuning.take(steps: steps, option: "--steps") }
    if let learningRate { options.finetuning.learningRate = learningRate }
    if let seed { (options.distillation.seed, options.finetuning.seed) = (seed, seed) }
    if let threads { options.threads = threads }
    options.output = output ?? options.output ?? defaultOutput(options.rewrites)
    options.run = runFolder ?? options.run
    options.force = force
    try options.spare(recipe: self.recipe)
    try options.checkNewModel()
    return options
  }

  /// The recipe's name without its ending.
  private func defaultOutput(_ isArtifact: Bool) -> String {
    let name = recipe.split(separator: "/").last.map(String.init) ?? recipe
    let stem = name.split(separator: ".").first.map(String.init) ?? name
    return isArtifact ? stem + artifactSuffix : stem
  }
}
