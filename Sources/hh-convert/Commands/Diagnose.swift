// hh-convert diagnose: how far attention is from softmax, and what feature maps can express.

import ArgumentParser
import HHAnalysis
import HHCompute
import HHFormat
import HHModel
import HHTraining

struct Diagnose: UnpackingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare attention weights with softmax's: of a model's layers, or of feature maps.",
    usage: """
      hh-convert diagnose MODEL [<options>]
      hh-convert diagnose MODEL --feature-map all [<options>]
      hh-convert diagnose --task associative-recall [<options>]
      """,
    discussion: helpExamples(
      "diagnose gpt2.hedgehog.safetensors.zst --data held-out.txt",
      "diagnose gpt2/ --feature-map all",
      discussion: """
        Entropy (in nats) tells how spiky weights are, monotonicity (Spearman's correlation of weights \
        and dot products) whether larger products get larger weights; KL and the error of the heads' \
        outputs how far both are apart. A checkpoint is shown as a rewrite alone would leave it.

        With --feature-map each map is distilled against the softmax model, and all are shown in one \
        table. With --task associative-recall, which needs no model, each attention trains a small \
        Transformer from scratch as well, and the maps are distilled against the softmax one.
        """))

  @Argument(help: modelHelp, completion: .file())
  var model: String?

  @Option(
    help: "associative-recall: make the data and train a model per attention.",
    completion: .list(DiagnosisTask.allCases.map(\.rawValue)), transform: Self.task)
  var task: DiagnosisTask?

  @Option(
    help: ArgumentHelp(
      """
      Feature maps to compare, as 'convert' names them, separated by commas, or 'all' (default with \
      --task: all).
      """, valueName: "maps"),
    completion: .list(FeatureMapKind.allCases.map(\.rawValue) + ["all"]), transform: Self.maps)
  var featureMap: [FeatureMapKind]?

  @OptionGroup var opening: OpeningArguments

  @Option(
    help: ArgumentHelp(
      "Rows to look at (default: the model's own samples, or made-up ones).", valueName: "file"),
    completion: .file())
  var data: String?

  @Option(
    parsing: .unconditional,
    help: """
      Tokens per row (default: 256, or the model's positions; of associative recall \
      \(AssociativeRecall().length)).
      """)
  var length: Int?

  @Option(parsing: .unconditional, help: "Most rows, up to 64 (default: 8).")
  var rows: Int?

  @Option(
    parsing: .unconditional,
    help: """
      Optimiser steps: per layer of each map's distillation (default: \
      \(TrainingSettings(.distil).steps ?? 0)), or at most of each training on associative recall (default: \
      \(RecallRecipe().steps)).
      """)
  var steps: Int?

  @Option(
    parsing: .unconditional,
    help: "Keys and values of associative recall (default: \(AssociativeRecall().vocabulary)).")
  var vocabulary: Int?

  @Option(parsing: .unconditional, help: "Seed of everything random.")
  var seed: UInt64 = 0

  @Flag(help: "Show every head.")
  var heads = false

  @Option(
    help: ArgumentHelp(
      "Draw KL by layer and head, entropy and monotonicity of a model, too.", valueName: "file"),
    completion: .file(extensions: ["svg"]))
  var svg: String?

  @Flag(help: "Replace an existing drawing.")
  var force = false

  @Flag(help: "Print one JSON object.")
  var json = false

  var unpacking: UnpackingArguments { opening.unpacking }

  func validate() throws {
    try check(length, in: 2...1_048_576, "--length")
    try check(rows, in: 1...64, "--rows")
    try check(steps, in: 1...10_000_000, "--steps")
    try check(vocabulary, in: 4...65_536, "--vocabulary")
    if let task {
      if let model {
        throw ValidationError(
          "--task \(task.rawValue): expected no model beside it, found '\(model)'")
      }
      try refuse(
        [
          ("--data", data != nil), ("--rows", rows != nil), ("--heads", heads),
          ("--svg", svg != nil),
          ("--base", opening.base != nil), ("--config", opening.config != nil),
        ], beside: "a model")
      return
    }
    guard model != nil else {
      throw ValidationError(
        "expected a model, or --task \(DiagnosisTask.associativeRecall.rawValue), found neither")
    }
    try refuse([("--vocabulary", vocabulary != nil)], beside: "--task")
    if featureMap == nil {
      try refuse([("--steps", steps != nil)], beside: "--feature-map")
    } else if heads || svg != nil {
      throw ValidationError(
        "\(heads ? "--heads" : "--svg") and --feature-map exclude each other")
    }
    try refuse([("--force", force && svg == nil)], beside: "--svg")
  }

  func run() throws {
    try ReportedFailure.reporting {
      Interrupts.listen()
      guard let model else { return try compareOnRecall() }
      var options = DiagnosisOptions(model: model, threads: opening.threads)
      (options.configuration, options.base) = (opening.config, opening.base)
      options.tokenizer = opening.tokenizer
      (options.data, options.length) = (data, length)
      (options.rowLimit, options.seed) = (rows ?? options.rowLimit, seed)
      (options.maps, options.steps) = (featureMap ?? [], steps)
      let drawing = svg.map { ReportFile(path: $0, isForced: force) }
      try drawing?.check(besides: [model, data, opening.base].compactMap(\.self))
      let diagnosis = try Interrupts.reading { try Diagnosis(options) }
      guard featureMap == nil else { return try compare(diagnosis, model) }
      let layers = try ProgressLine.following("diagnose", isQuiet: json) {
        try diagnosis.run(progress: $0)
      }
      try drawing?.write(
        Picture.file(layers.pictures, title: "Attention of \(model) on \(diagnosis.data)"))
      let table = LayerTable(layers: layers, data: diagnosis.data)
      try Terminal.print(
        (json ? JSONValue.object(table.json(model: model)).line : table.text(heads: heads)) + "\n")
    }
  }

  /// Prints maps beside each other on a model's queries and keys.
  private func compare(_ diagnosis: Diagnosis, _ model: String) throws {
    var rows: [JSONValue] = []
    if !json { try Terminal.print("\(inline(diagnosis.data))\n\(MapTable.heading)\n") }
    try diagnosis.compareMaps(progress: { _ in try Interrupts.check() }) { map in
      rows.append(.object(map.json))
      if !json { try Terminal.print(MapTable.line(map) + "\n") }
    }
    guard json else { return }
    let object: JSONObject = [
      "model": .string(model), "data": .string(diagnosis.data), "maps": .array(rows),
    ]
    try Terminal.print(JSONValue.object(object).line + "\n")
  }

  /// Prints what models learn from scratch, and maps beside each other on the softmax model's.
  private func compareOnRecall() throws {
    var options = ExpressivityOptions(threads: opening.threads)
    if let featureMap { options.maps = featureMap }
    if let vocabulary { options.task.vocabulary = vocabulary }
    if let length { options.task.length = length }
    if let steps { options.recipe.steps = steps }
    (options.task.seed, options.recipe.seed) = (seed, seed)
    let expressivity = try Expressivity(options)
    var rows: [JSONValue] = []
    if !json { try Terminal.print("\(options.summary)\n\(MapTable.recallHeading)\n") }
    try expressivity.run(progress: { _ in try Interrupts.check() }) { row in
      rows.append(.object(row.json))
      if !json { try Terminal.print(MapTable.line(row) + "\n") }
    }
    guard json else { return }
    var object = options.json
    object["maps"] = .array(rows)
    try Terminal.print(JSONValue.object(object).line + "\n")
  }

  /// Refuses options that have no meaning without what `needed` says.
  private func refuse(_ given: [(name: String, isGiven: Bool)], beside needed: String) throws {
    guard let name = given.first(where: \.isGiven)?.name else { return }
    throw ValidationError("\(name): expected \(needed) beside it, found none")
  }

  private static func task(_ word: String) throws -> DiagnosisTask {
    if let task = DiagnosisTask(rawValue: word) { return task }
    let known = DiagnosisTask.allCases.map(\.rawValue)
    let nearest = nearestName(to: word, among: known).map { "; did you mean '\($0)'?" } ?? ""
    throw ValidationError("expected \(known.joined(separator: ", ")), found '\(word)'\(nearest)")
  }

  private static func maps(_ text: String) throws -> [FeatureMapKind] {
    if text == "all" { return FeatureMapKind.allCases }
    var maps: [FeatureMapKind] = []
    for word in text.split(separator: ",", omittingEmptySubsequences: false) {
      let json = try LinearAttentionSettings()[\.kind].value(of: String(word))
      guard let map = FeatureMapKind(json: json) else { continue }
      guard !maps.contains(map) else {
        throw ValidationError("expected each map once, found '\(word)' twice")
      }
      maps.append(map)
    }
    return maps
  }
}

/// What a diagnosis can do without a model.
enum DiagnosisTask: String, CaseIterable {
  case associativeRecall = "associative-recall"
}
