// hh-convert bench ARTIFACT: what linear attention gains, and from which length on.

import ArgumentParser
import HHAnalysis
import HHFormat
import HHModel

struct BenchCommand: UnpackingCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Time an artifact's linear attention beside the softmax it replaced.",
    discussion: helpExamples(
      "bench gpt2.hedgehog.safetensors.zst",
      "bench gpt2.hedgehog.safetensors.zst --max-context 8192 --threads 1"))

  @Argument(help: "An artifact.", completion: .file())
  var artifact: String

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Longest context and sequence to time.", valueName: "tokens"))
  var maxContext = 32_768

  @Option(parsing: .unconditional, help: "Tokens to write at the end of each context.")
  var tokens = 16

  @OptionGroup var delta: DeltaArguments

  @OptionGroup var unpacking: UnpackingArguments

  @Option(
    help: ArgumentHelp(
      "A configuration to use instead of the config.json beside the model.", valueName: "file"),
    completion: .file())
  var config: String?

  @Option(parsing: .unconditional, help: "Threads to use (default: one per processor).")
  var threads: Int?

  @Flag(help: "Print JSON instead of tables.")
  var json = false

  func validate() throws {
    try check(maxContext, in: 64...1_048_576, "--max-context")
    try check(tokens, in: 1...10_000, "--tokens")
    try check(threads, in: 1...1024, "--threads")
  }

  func run() throws {
    try ReportedFailure.reporting {
      Interrupts.listen()
      let benchmark = try ScalingBenchmark(
        opening: artifact, configuration: config, base: delta.base,
        threads: threads ?? Producer.processorCount)
      var report = Report()
      for context in benchmark.contexts(maximum: maxContext) {
        try Interrupts.check()
        report.decoding.append(try benchmark.decoding(context: context, tokens: tokens))
      }
      for length in sequence(first: 64, next: { $0 * 2 }).prefix(while: { $0 <= maxContext }) {
        try Interrupts.check()
        report.attention.append((length, benchmark.attention(length: length)))
      }
      try Terminal.print(json ? report.json.line + "\n" : report.text)
    }
  }
}

/// Timings and what follows from them.
private struct Report {
  typealias Pair = ScalingBenchmark.Pair
  var decoding: [Pair<ScalingBenchmark.Decoding>] = []
  var attention: [(length: Int, times: Pair<Double>)] = []

  /// Lengths below this one are left out of exponents: they measure calls rather than growth.
  private static let leastLength = 1024

  private var crossover: Int? {
    Scaling.crossover(attention.map { ($0.length, $0.times.hedgehog, $0.times.softmax) })
  }

  private func exponent(_ time: (Pair<Double>) -> Double) -> Double? {
    Scaling.exponent(
      attention.filter { $0.length >= Self.leastLength }.map { ($0.length, time($0.times)) })
  }

  var text: String {
    var lines: [String] = []
    if !decoding.isEmpty {
      lines.append("decoding, tokens/s and memory of the context")
      lines.append(row("context", "hedgehog", "", "softmax", ""))
      for pair in decoding {
        lines.append(
          row(
            Format.count(pair.hedgehog.context), Format.fixed(1 / pair.hedgehog.seconds, 1),
            Format.bytes(pair.hedgehog.bytes), Format.fixed(1 / pair.softmax.seconds, 1),
            Format.bytes(pair.softmax.bytes)))
      }
      lines.append("")
    }
    lines.append("attention of one head over a whole sequence, ms")
    lines.append(row("length", "hedgehog", "", "softmax", ""))
    for (length, times) in attention {
      lines.append(
        row(
          Format.count(length), Format.fixed(1000 * times.hedgehog, 3), "",
          Format.fixed(1000 * times.softmax, 3), ""))
    }
    lines.append("crossover  \(crossover.map { "\(Format.count($0)) positions" } ?? "none so far")")
    if let hedgehog = exponent(\.hedgehog), let softmax = exponent(\.softmax) {
      lines.append(
        "exponent   hedgehog \(Format.fixed(hedgehog, 2)), softmax \(Format.fixed(softmax, 2)) (time against"
          + " length from \(Format.count(Self.leastLength)) on)")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func row(_ cells: String...) -> String {
    var line = ""
    for (cell, width) in zip(cells, [9, 12, 12, 12, 12]) {
      line += String(repeating: " ", count: max(0, width - cell.count)) + cell
    }
    while line.hasSuffix(" ") { line.removeLast() }
    return line
  }

  var json: JSONValue {
    func decoding(_ value: ScalingBenchmark.Decoding) -> JSONValue {
      .object([
        "tokens_per_second": .number(1 / value.seconds), "bytes": .integer(value.bytes),
      ])
    }
    return .object([
      "decoding": .array(
        self.decoding.map { pair in
          .object([
            "context": .integer(pair.hedgehog.context),
            "hedgehog": decoding(pair.hedgehog), "softmax": decoding(pair.softmax),
          ])
        }),
      "attention": .array(
        attention.map { length, times in
          .object([
            "length": .integer(length), "hedgehog_seconds": .number(times.hedgehog),
            "softmax_seconds": .number(times.softmax),
          ])
        }),
      "crossover": JSONValue(crossover),
      "exponent_hedgehog": exponent(\.hedgehog).map { .number($0) } ?? .null,
      "exponent_softmax": exponent(\.softmax).map { .number($0) } ?? .null,
    ])
  }
}
