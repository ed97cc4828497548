// The example of a CI job, run line by line.

import Foundation
import HHFormat
import HHTestSupport
import Testing

@Suite("fixtures/ci/round-trip.yml")
struct RoundTripExampleTests {
  let bench: Bench

  init() throws { bench = try Bench() }

  /// The commands of the example that use the program.
  private func commands() throws -> [String] {
    let text = try String(contentsOfFile: Fixtures.path("ci/round-trip.yml"), encoding: .utf8)
    return text.split(separator: "\n").compactMap { line in
      line.range(of: "run: hh-convert ").map { String(line[$0.upperBound...]) }
    }
  }

  private func run(_ command: String, model: String) throws -> Tool.Outcome {
    try Tool.shell(
      "MODEL=\(model) ARTIFACT=model.hedgehog.safetensors.zst; $hh \(command)", in: bench.folder)
  }

  @Test("a model survives the round trip", arguments: architectures)
  func passes(_ model: String) throws {
    let commands = try commands()
    #expect(commands.count == 4)
    for command in commands {
      let outcome = try run(command, model: "models/\(model)")
      #expect(outcome.status == 0, "\(command): \(outcome)")
    }
  }

  @Test("another model than the one converted fails the comparison with 3")
  func fails() throws {
    let commands = try commands()
    for command in commands.dropLast() {
      #expect(try run(command, model: "models/gpt2").status == 0)
    }
    var other = try ModelCopy("gpt2")
    other.change("transformer.ln_f.bias") { $0.bytes[0] ^= 1 }
    try other.write(to: "other", in: bench.folder)
    #expect(try run(try #require(commands.last), model: "other").status == 3)
  }
}
