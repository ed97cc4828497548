// hh-convert diagnose MODEL: which layers are far from the softmax they stand for.

import ArgumentParser
import HHFormat
import HHPipeline

struct Diagnose: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare a model's attention weights with softmax's, layer by layer.",
    discussion: """
      Entropy (in nats) tells how spiky weights are, monotonicity (Spearman's correlation of weights \
      and dot products) whether larger products get larger weights; KL and the error of the heads' \
      outputs how far both are apart. A checkpoint is shown as a rewrite alone would leave it.
      """)

  @OptionGroup var source: ModelArguments

  @Option(help: "Rows to look at (default: the model's own samples, or made-up ones).")
  var data: String?

  @Option(parsing: .unconditional, help: "Tokens per row (default: 256, or the model's positions).")
  var length: Int?

  @Option(parsing: .unconditional, help: "Most rows, up to 64.")
  var rows = 8

  @Option(parsing: .unconditional, help: "Seed of rows that are made up.")
  var seed: UInt64 = 0

  @Flag(help: "Show every head.")
  var heads = false

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    try check(length, in: 2...1_048_576, "--length")
    try check(rows, in: 1...64, "--rows")
  }

  func run() throws {
    try ReportedFailure.reporting {
      Interrupts.listen()
      var options = DiagnosisOptions(model: source.model, threads: source.threads)
      (options.configuration, options.base) = (source.config, source.base)
      (options.data, options.length) = (data, length)
      (options.rowLimit, options.seed) = (rows, seed)
      let diagnosis = try Diagnosis(options)
      let layers = try diagnosis.run { _ in try Interrupts.check() }
      try Terminal.print(
        (json ? line(layers, diagnosis.data) : table(layers, diagnosis.data)) + "\n")
    }
  }

  private func table(_ layers: [LayerDiagnosis], _ data: String) -> String {
    var lines = [
      data, "layer     entropy  of softmax  monotonicity  KL       output error",
    ]
    func row(_ name: String, _ statistics: HeadStatistics, _ error: Double?) -> String {
      let cells = [
        (name, 10), (fixed(statistics.entropy, 3), 9), (fixed(statistics.teacherEntropy, 3), 12),
        (fixed(statistics.monotonicity, 3), 14),
      ]
      return cells.map { $0.0.padding(to: $0.1) }.joined() + fixed(statistics.divergence, 4)
        + (error.map { "   " + fixed($0, 4) } ?? "")
    }
    for layer in layers {
      lines.append(row("\(layer.layer)", layer.mean, layer.outputError))
      guard heads else { continue }
      for (head, statistics) in layer.heads.enumerated() {
        lines.append(row("  head \(head)", statistics, nil))
      }
    }
    let hardest = layers.hardestFirst.map { "\($0.layer)" }.joined(separator: ", ")
    return (lines + ["hardest first: \(hardest)"]).joined(separator: "\n")
  }

  private func line(_ layers: [LayerDiagnosis], _ data: String) -> String {
    func object(_ statistics: HeadStatistics) -> JSONObject {
      [
        "entropy": .number(statistics.entropy),
        "softmax_entropy": .number(statistics.teacherEntropy),
        "monotonicity": .number(statistics.monotonicity), "kl": .number(statistics.divergence),
      ]
    }
    return JSONValue.object([
      "model": .string(source.model), "data": .string(data),
      "layers": .array(
        layers.map { layer in
          var members = object(layer.mean)
          members["layer"] = .integer(Int64(layer.layer))
          members["output_error"] = .number(layer.outputError)
          members["heads"] = .array(layer.heads.map { .object(object($0)) })
          return .object(members)
        }),
      "hardest_first": .array(layers.hardestFirst.map { .integer(Int64($0.layer)) }),
    ]).text
  }
}

extension [LayerDiagnosis] {
  /// The layers whose weights are farthest from softmax's first.
  fileprivate var hardestFirst: [LayerDiagnosis] {
    sorted { $0.mean.divergence > $1.mean.divergence }
  }
}
