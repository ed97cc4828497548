// hh-bench: times parts of the program; one JSON object per line on standard output.

import ArgumentParser

@main
struct HHBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hh-bench",
    abstract: "Times kernels, the artifact's codec and the decoding of ggml blocks.",
    subcommands: [Kernels.self, Codec.self, Dequantize.self])
}

/// Wall seconds of one call.
func seconds(_ body: () throws -> Void) rethrows -> Double {
  let clock = ContinuousClock()
  let duration = try clock.measure(body).components
  return Double(duration.seconds) + Double(duration.attoseconds) * 1e-18
}

/// The middle value, or the mean of the two in the middle.
func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  guard let last = sorted.last else { return .nan }
  let middle = sorted.count / 2
  return sorted.count.isMultiple(of: 2)
    ? (sorted[middle - 1] + sorted[middle]) / 2
    : middle < sorted.count ? sorted[middle] : last
}
