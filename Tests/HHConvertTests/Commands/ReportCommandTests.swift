// hh-convert report, and --report of conversions.

import Foundation
import HHAnalysis
import HHFormat
import HHTestSupport
import Testing

@Suite("Report")
struct ReportCommandTests {
  let bench: Bench

  init() throws { bench = try Bench() }

  private func page(_ name: String = "report.html") throws -> MarkupTree {
    try MarkupTree.reading(try String(contentsOfFile: bench.folder.path(name), encoding: .utf8))
  }

  private func run(_ arguments: [String]) throws -> Tool.Outcome {
    let outcome = try Tool.run(arguments, in: bench.folder)
    #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
    return outcome
  }

  /// The sentences that say what is missing.
  private func missing(_ page: MarkupTree) -> [String] {
    page.all.filter { $0.attributes["class"] == "missing" }.map { $0.text }
  }

  @Test("an artifact's figures are those of its manifest", arguments: architectures)
  func artifact(_ model: String) throws {
    _ = try run(Bench.short(model) + ["--finetune-steps", "2", "-q", "-o", "out"])
    #expect(try run(["report", "out"]).output == "report.html: a report on out\n")
    let manifest = try #require(
      try parse(try run(["inspect", "out", "--json"]).output)["manifest"])
    let rows = Set(try page().rows)
    let stages = try #require(manifest["stages"]?.array)
    func fixed(_ value: JSONValue?) throws -> String {
      Format.fixed(try #require(value?.double), 4)
    }
    for stage in stages {
      for (key, value) in stage["qualities"]?.object?.pairs ?? [] {
        guard stage["name"]?.string == "evaluate", !key.hasPrefix("softmax "),
          let number = value.double
        else { continue }
        #expect(rows.contains { $0.prefix(2) == [key, Format.fixed(number, 4)] }, "\(key)")
      }
      guard stage["name"]?.string == "distil" else { continue }
      let losses = [
        try fixed(stage["losses"]?["kl_before"]), try fixed(stage["losses"]?["kl_after"]),
      ]
      #expect(rows.contains { $0.first == "distil" && $0.dropFirst(2).prefix(2) == losses[...] })
      let heads = try #require(stage["qualities"]?["kl_per_head"]?.array)
      for (layer, values) in heads.enumerated() {
        let row = try ["\(layer)"] + #require(values.array).map { try fixed($0) }
        #expect(rows.contains(row))
      }
    }
    let source = try #require(manifest["provenance"]?["sources"]?.array?.first)
    let digest = try #require(source["sha256"]?.string)
    #expect(rows.contains { $0.last?.hasSuffix(digest) == true })
    let said = missing(try page())
    #expect(said.count == 3 && said.contains { $0.contains("--run") }, "\(said)")
  }

  @Test("a run tells its losses by step and its time, beside an artifact that does not")
  func sideBySide() throws {
    _ = try run(
      Bench.short("gpt2") + ["--run", "a.run", "--finetune-steps", "2", "-q", "-o", "a"])
    _ = try run(["models/bert", "--stages", "rewrite", "-q", "-o", "b"])
    _ = try run(["report", "a.run", "b", "-o", "both.html"])
    let both = try page("both.html")
    #expect(both.all("h3").prefix(2).map(\.text) == ["a.run", "b"])
    let titles = both.all("figcaption").map(\.text)
    #expect(titles.contains("Distil: loss of training rows") && titles.contains("Finetune: loss"))
    let log = try String(contentsOfFile: bench.folder.path("a.run/events.jsonl"), encoding: .utf8)
    let steps = try log.split(separator: "\n").map { try parse(String($0)) }
      .filter { $0["event"]?.string == "step" && $0["layer"]?.integer == 0 }
    #expect(!steps.isEmpty)
    for step in steps {
      let cells = [
        "layer 0", "\(try #require(step["step"]?.integer))",
        Format.fixed(try #require(step["loss"]?.double), 4),
      ]
      #expect(both.rows.contains(cells))
    }
    let names = both.rows.compactMap(\.first)
    for stage in ["read", "distil", "finetune", "write", "all"] { #expect(names.contains(stage)) }
    #expect(missing(both).contains { $0.contains("Nothing was trained.") })
  }

  @Test("a conversion, a training and a resumed run write their own report")
  func option() throws {
    _ = try run(
      Bench.short("gpt2") + ["-q", "-o", "a", "--report", "a.html", "--tensorboard", "board"])
    let names = try directoryEntries(of: bench.folder.path("board"))
    #expect(names.count == 1)
    let whole = try page("a.html")
    #expect(whole.rows.contains { $0.first == "distil" && $0.count == 5 })
    #expect(missing(whole).count == 1, "\(missing(whole))")

    let recipe = try bench.folder.write(
      """
      model: {architecture: gpt2, hidden: 32, heads: 2, positions: 32, files: models/gpt2}
      data: data/corpus.txt
      stages: [{stage: train, steps: 4, batch: 4, learning_rate: 0.003, warm_up: 2}]
      """, to: "new.yaml")
    _ = try run(["train", recipe, "-q", "-o", "b", "--report", "b.html"])
    let trained = try page("b.html")
    #expect(trained.all("figcaption").map(\.text) == ["Train: loss"])
    #expect(trained.rows.contains { $0 == ["train.batch", "4"] })
    #expect(missing(trained).contains { $0.contains("is no artifact") })

    _ = try Tool.run(
      Bench.short("llama", steps: 60) + ["--run", "c.run", "-o", "c"], in: bench.folder,
      until: #""layer":1"#, then: SIGTERM)
    let stopped = try Tool.run("report", "c.run", "-o", "stopped.html", in: bench.folder)
    #expect(stopped.status == 0)
    #expect(missing(try page("stopped.html")).contains { $0.contains("interrupted by signal 15") })
    _ = try run(["resume", "c.run", "-q", "--report", "c.html"])
    #expect(try page("c.html").rows.contains { $0.first == "write" })
    // Nothing is left to do but the report.
    _ = try run(["resume", "c.run", "-q", "--report", "again.html"])
    _ = try run(
      Bench.short("llama", steps: 60)
        + ["--run", "c.run", "-o", "c", "--resume", "-q", "--report", "third.html"])
    for page in ["again.html", "third.html"] {
      #expect(try bench.bytes(page) == bench.bytes("c.html"))
    }
  }

  @Test("attention on data, with the source model beside a delta")
  func attention() throws {
    _ = try run(Bench.short("gpt2") + ["--delta", "-q", "-o", "out"])
    _ = try run([
      "report", "out", "--model", "models/gpt2", "--data", "data/held-out.txt", "--length", "16",
      "--rows", "2",
    ])
    let titles = try page().all("figcaption").map(\.text)
    #expect(titles.count { $0.hasPrefix("Weight against dot product") } == 3)
    #expect(titles.contains("Perplexity by the number of tokens before"))
  }

  @Test("hostile names of files and of sources are text")
  func hostile() throws {
    let name = "<img src=x onerror=alert(1)>"
    try bench.folder.link(
      "<b>/\(name).safetensors", to: Fixtures.path("models/gpt2/model.safetensors"))
    try bench.folder.link("<b>/config.json", to: Fixtures.path("models/gpt2/config.json"))
    _ = try run(["<b>/\(name).safetensors", "--stages", "rewrite", "-q", "-o", name])
    _ = try run(["report", name])
    let tree = try page()
    #expect(tree.all("img").isEmpty && tree.all("b").isEmpty)
    #expect(tree.all("title").first?.text == "Report on \(name)")
    #expect(tree.rows.contains { $0.first == "\(name).safetensors" })
  }

  @Test("Python's reader finds the same elements", .needsPython)
  func python() throws {
    _ = try run(Bench.short("vit") + ["-q", "-o", "out"])
    _ = try run(["report", "out"])
    let program = """
      import sys
      from html.parser import HTMLParser
      names = []
      open_names = []
      class Reader(HTMLParser):
          def handle_starttag(self, name, attributes):
              names.append(name); open_names.append(name)
          def handle_startendtag(self, name, attributes):
              names.append(name)
          def handle_endtag(self, name):
              assert open_names.pop() == name, name
      reader = Reader()
      reader.feed(open(sys.argv[1], encoding="utf-8").read())
      assert not open_names, open_names
      print(len(names))
      """
    let found = try Python.run(program, [bench.folder.path("report.html")])
    #expect(found.status == 0, "\(found.output)")
    #expect(
      Int(found.output.trimmingCharacters(in: .whitespacesAndNewlines)) == (try page().all.count))
  }

  @Test("what cannot be reported on, and pages that cannot be written")
  func errors() throws {
    _ = try run(["models/gpt2", "--stages", "rewrite", "-q", "-o", "out"])
    let bytes = try bench.bytes("out")
    try bytes.prefix(bytes.count / 2).write(to: URL(filePath: bench.folder.path("torn")))
    try bench.folder.write("model: x\n", to: "bad.run/recipe.yaml")
    try bench.folder.write("{\"event\":\"stage\"}\nnonsense\n", to: "bad.run/events.jsonl")
    try bench.folder.write("", to: "taken.html")
    for (arguments, status, message) in [
      (["none"], 66, "none"), ([], 64, "Missing expected argument"),
      (["torn"], 65, "torn: "),
      (["models/gpt2"], 65, "expected an artifact or the folder of a run, found a folder without"),
      (
        ["models/gpt2/model.safetensors"], 69,
        "expected an artifact or the folder of a run, found something else"
      ),
      (["bad.run"], 65, "events.jsonl: line 2: invalid JSON"),
      (["out", "-o", "taken.html"], 73, "taken.html: the output exists already"),
      (["out", "-o", "out", "--force"], 73, "expected another name than the inputs'"),
      (
        ["out", "-o", "bad.run/recipe.yaml", "--force"], 73,
        "expected a page or a drawing to replace, found another file"
      ),
      (["out", "-o", "no/page.html"], 73, "no/page.html: cannot be created"),
      (["out", "--rows", "2"], 64, "--rows: expected --data or --model beside it, found none"),
    ] as [([String], Int32, String)] {
      let outcome = try Tool.run(["report"] + arguments, in: bench.folder)
      #expect(outcome.status == status, "\(outcome)")
      expectError(outcome, message)
    }
    #expect(try !bench.contents.contains("report.html"))
    // Before any work, and before a run begins.
    for (path, message) in [
      ("no/page.html", "no/page.html: cannot be created"),
      ("taken.html", "the output exists already"),
      ("data/corpus.txt", "expected another name than the inputs', found that of"),
    ] {
      let outcome = try Tool.run(
        Bench.short("gpt2") + ["--run", "new.run", "-o", "new", "--report", path], in: bench.folder)
      #expect(outcome.status == 73, "\(outcome)")
      expectError(outcome, message)
    }
    let board = try Tool.run(
      Bench.short("gpt2") + ["--run", "new.run", "-o", "new", "--tensorboard", "no/board"],
      in: bench.folder)
    #expect(board.status == 73, "\(board)")
    expectError(board, "no/board: cannot be created")
    #expect(try bench.contents.isDisjoint(with: ["new", "new.run"]))
  }
}
