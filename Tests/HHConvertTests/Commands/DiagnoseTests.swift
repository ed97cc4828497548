// hh-convert diagnose.

import Foundation
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

  @Test("a drawing of the layers beside the table, which never takes another file's place")
  func drawing() throws {
    let arguments = [
      "diagnose", "models/gpt2", "--data", "data/held-out.txt", "--length", "16", "--rows", "2",
      "--svg",
    ]
    let plain = try Tool.run(arguments + ["a.svg", "--json"], in: bench.folder)
    #expect(plain.status == 0, "\(plain)")
    let svg = try MarkupTree.reading(
      try String(contentsOfFile: bench.folder.path("a.svg"), encoding: .utf8))
    #expect(svg.all("svg").count == 4)
    let cells = svg.all("rect").compactMap { $0.children.first?.text }
    let layers = try #require(try parse(plain.output)["layers"]?.array)
    for (layer, heads) in layers.map({ $0["heads"]?.array ?? [] }).enumerated() {
      for (head, figures) in heads.enumerated() {
        let divergence = Format.fixed(try #require(figures["kl"]?.double), 4)
        #expect(cells.contains("layer \(layer), head \(head): \(divergence)"))
      }
    }
    #expect(try Tool.run(arguments + ["a.svg", "--force"], in: bench.folder).status == 0)
    try bench.folder.write("mine", to: "text")
    for (words, message) in [
      (["a.svg"], "a.svg: the output exists already"), (["no/a.svg"], "no/a.svg: cannot be"),
      (["text", "--force"], "text: expected a page or a drawing to replace, found another file"),
    ] {
      let outcome = try Tool.run(arguments + words, in: bench.folder)
      #expect(outcome.status == 73, "\(outcome)")
      expectError(outcome, message)
    }
  }

  @Test("maps beside each other on a model's queries and keys")
  func maps() throws {
    let arguments = [
      "diagnose", "models/gpt2", "--feature-map", "hedgehog-softmax-split,elu", "--steps", "20",
      "--data", "data/corpus.txt", "--length", "16", "--rows", "2",
    ]
    let plain = try Tool.run(arguments, in: bench.folder)
    #expect(plain.status == 0, "\(plain)")
    #expect(plain.lines.first == "2 rows of 16 positions, file")
    #expect(
      plain.lines.dropFirst(2).map { $0.prefix { $0 != " " } }
        == ["softmax", "hedgehog-softmax-split", "elu"])
    let json = try parse(try Tool.run(arguments + ["--json"], in: bench.folder).output)
    let maps = try #require(json["maps"]?.array)
    let divergences = maps.compactMap { $0["kl"]?.double }
    #expect(divergences.count == 3 && divergences == divergences.sorted())
    #expect(maps.allSatisfy { $0["layers"]?.array?.count == 3 })
  }

  @Test("associative recall needs no model")
  func recall() throws {
    let arguments = [
      "diagnose", "--task", "associative-recall", "--vocabulary", "8", "--length", "12",
      "--steps", "20", "--feature-map", "relu", "--seed", "5",
    ]
    let plain = try Tool.run(arguments, in: bench.folder)
    #expect(plain.status == 0, "\(plain)")
    #expect(plain.lines.first?.hasPrefix("associative recall of 4 keys and 4 values in 12") == true)
    #expect(plain.lines.dropFirst(2).map { $0.prefix { $0 != " " } } == ["softmax", "relu"])
    let json = try parse(try Tool.run(arguments + ["--json"], in: bench.folder).output)
    #expect(json["seed"]?.integer == 5 && json["test_sequences"]?.integer == 2_000)
    let maps = try #require(json["maps"]?.array)
    #expect(maps.count == 2)
    for map in maps {
      let accuracy = try #require(map["recall"]?["test"]?.double)
      // Twenty steps teach little, but more than a guess among eight tokens.
      #expect((0.12...1).contains(accuracy))
    }
    #expect(try bench.contents.isEmpty)
  }

  @Test("what cannot be looked at")
  func errors() throws {
    for (arguments, status, message) in [
      (["models/none"], 66, "models/none"),
      ([], 64, "expected a model, or --task associative-recall, found neither"),
      (
        ["--task", "associative-recal"], 64,
        "found 'associative-recal'; did you mean 'associative-recall'?"
      ),
      (
        ["models/gpt2", "--task", "associative-recall"], 64,
        "--task associative-recall: expected no model beside it, found 'models/gpt2'"
      ),
      (
        ["--task", "associative-recall", "--data", "x"], 64,
        "--data: expected a model beside it, found none"
      ),
      (
        ["--task", "associative-recall", "--length", "13"], 64,
        "--length: expected an even number from 4, found 13"
      ),
      (
        ["--task", "associative-recall", "--vocabulary", "5"], 64,
        "--vocabulary: expected an even number from 4, found 5"
      ),
      (
        ["--task", "associative-recall", "--length", "1048576"], 64,
        "--length or --vocabulary: expected work that fits the machine's"
      ),
      (["models/gpt2", "--vocabulary", "8"], 64, "--vocabulary: expected --task beside it"),
      (["models/gpt2", "--steps", "8"], 64, "--steps: expected --feature-map beside it"),
      (["models/gpt2", "--feature-map", "relo"], 64, "found 'relo'; did you mean 'relu'?"),
      (["models/gpt2", "--feature-map", "elu,elu"], 64, "expected each map once"),
      (["models/gpt2", "--feature-map", "elu", "--heads"], 64, "exclude each other"),
      (
        ["models/gpt2", "--feature-map", "elu", "--svg", "x"], 64,
        "--svg and --feature-map exclude each other"
      ),
      (["models/gpt2", "--force"], 64, "--force: expected --svg beside it, found none"),
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
