// hh-convert diagnose.

import HHFormat
import HHTestSupport
import Testing

@Suite("Diagnose")
struct DiagnoseTests {
  let bench: Bench

  init() throws { bench = try Bench() }

  @Test("a table of layers and heads, the hardest first at its end")
  func table() throws {
    let arguments = [
      "diagnose", "models/gpt2", "--data", "data/held-out.txt", "--length", "16", "--rows", "2",
    ]
    let plain = try Tool.run(arguments + ["--heads"], in: bench.folder)
    #expect(plain.status == 0, "\(plain)")
    #expect(plain.lines.first == "2 rows of 16 positions, file")
    #expect(plain.lines.count == 3 + 3 * 5)
    #expect(plain.lines.last?.hasPrefix("hardest first: ") == true)
    let json = try parse(try Tool.run(arguments + ["--json"], in: bench.folder).output)
    let layers = try #require(json["layers"]?.array)
    #expect(layers.count == 3 && layers.allSatisfy { $0["heads"]?.array?.count == 4 })
    let order = try #require(json["hardest_first"]?.array).compactMap(\.integer)
    let divergences = order.compactMap { layers[$0]["kl"]?.double }
    #expect(divergences == divergences.sorted(by: >) && divergences.count == 3)
  }

  @Test("what cannot be looked at")
  func errors() throws {
    for (arguments, status, message) in [
      (["models/none"], 66, "models/none"),
      (["models/gpt2", "--rows", "65"], 64, "--rows: expected 1 to 64, found 65"),
      (["models/gpt2", "--length", "999"], 64, "--length: expected 2 to 128"),
      (["models/gpt2", "--data", "none.txt"], 66, "none.txt"),
    ] as [([String], Int32, String)] {
      let outcome = try Tool.run(["diagnose"] + arguments, in: bench.folder)
      #expect(outcome.status == status, "\(outcome)")
      expectError(outcome, message)
    }
  }
}
