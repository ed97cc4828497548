// The page as a whole: what is known, what is not, and what files may not do to it.

import HHFormat
import HHTestSupport
import Testing

@testable import HHAnalysis

@Suite("ReportPage")
struct ReportPageTests {
  /// A model of which all is known but a look at it.
  private func known(_ name: String) -> ModelReport {
    var model = ModelReport(
      name: name, missing: "Not looked at: see \(SettingKey(option: "data")).")
    model.facts = [Fact("architecture", name)]
    model.verdict = .known(
      Judgement(
        grade: "close", text: "close to it", reason: "perplexity 2.00", data: "3 rows",
        advice: ["--window 64", "more --finetune-steps"]))
    model.evaluations = .known([
      Measured(
        task: "fidelity", after: "distil", data: "3 rows",
        figures: [
          EvaluationFigure(name: name, value: 2.00006, teacher: 1, isCost: true),
          EvaluationFigure(name: "same", value: .nan, teacher: nil, isCost: false),
        ])
    ])
    model.divergences = .known([
      LayerDivergence(layer: 0, before: 0.5, after: 0.25, heads: [0.125, 0.375]),
      LayerDivergence(layer: 2, before: nil, after: .nan, heads: []),
    ])
    model.stages = .known([
      StageLosses(name: name, loss: "mean KL, nats", before: 0.5, after: 0.25, softmax: nil)
    ])
    var curve = LossCurve(stage: name, layer: 0, isHeldOut: false)
    (curve.steps, curve.losses) = ([1, 10], [3, 2])
    model.curves = .known([curve])
    model.costs = .known([
      StageCost(name: "distil", seconds: 3, memory: 1000),
      StageCost(name: "write", seconds: 1, memory: 2000),
    ])
    model.settings = .known([Fact(name, name)])
    model.provenance = .known([Fact("program", name)])
    return model
  }

  private func page(_ models: ModelReport...) throws -> (text: String, tree: MarkupTree) {
    let page = ReportPage(models, producer: "hh-convert 0") { "--\($0.option ?? "")" }
    return (page.html, try MarkupTree.reading(page.html))
  }

  @Test("figures are shown in the program's own form, missing ones with the way to them")
  func figures() throws {
    let (_, tree) = try page(known("gpt2"))
    let rows = tree.rows
    #expect(rows.contains(["gpt2", "2.0001", "1.0000", "50.0 %"]))
    #expect(rows.contains(["same", "nan", "", ""]))
    #expect(rows.contains(["0", "0.5000", "0.2500", ""]) && rows.contains(["2", "", "nan", ""]))
    #expect(rows.contains(["gpt2", "mean KL, nats", "0.5000", "0.2500"]))
    #expect(rows.contains(["distil", "3.0 s", "75.0 %", "", "1.0 kB"]))
    #expect(rows.contains(["all", "4.0 s", "", "", "2.0 kB"]))
    let missing = tree.all.filter { $0.attributes["class"] == "missing" }
    #expect(missing.count == 1)
    #expect(missing.first?.all("code").map(\.text) == ["--data"])
    #expect(tree.all("code").map(\.text).contains("--finetune-steps"))
  }

  @Test("names of files are text wherever they stand")
  func hostile() throws {
    let name = "</style></svg><script src=//x>\" onclick='x' \u{202E}&amp;\u{7}"
    let (text, tree) = try page(known(name), known("b"))
    let plain = try page(known("a"), known("b")).tree
    #expect(tree.all.map(\.name) == plain.all.map(\.name))
    #expect(tree.all("script").isEmpty && !text.contains("<script"))
    #expect(!text.unicodeScalars.contains { $0 == "\u{202E}" || $0 == "\u{7}" })
    #expect(tree.all.allSatisfy { $0.attributes["onclick"] == nil })
  }

  @Test("the page needs no script and no network, and has what readers of it need")
  func alone() throws {
    let (text, tree) = try page(known("a"), known("b"))
    #expect(text.hasPrefix("<!DOCTYPE html>\n") && tree.attributes["lang"] == "en")
    for word in ["http:", "https:", "url(", "@import", "<script", "src="] {
      #expect(!text.contains(word), "\(word)")
    }
    #expect(text.contains("prefers-color-scheme:dark"))
    for drawing in tree.all("svg") {
      #expect(drawing.children.prefix(2).map(\.name) == ["title", "desc"])
    }
    for figure in tree.all("figure") {
      #expect(figure.all("svg").count == 1 && figure.all("details").count == 1)
      #expect(figure.all("table").count == 1)
    }
    let links = tree.all("a").compactMap { $0.attributes["href"] }
    let places = tree.all("section").compactMap { $0.attributes["id"].map { "#\($0)" } }
    #expect(links == places && links.count == 7)
    #expect(tree.all("h3").map(\.text) == (0..<7).flatMap { _ in ["a", "b"] })
  }

  @Test("a look at a model shows heads beside each other and figures by position")
  func examination() throws {
    var model = known("a")
    var options = DiagnosisOptions(model: Fixtures.path("models/gpt2"), threads: 2)
    (options.data, options.length) = (Fixtures.path("data/held-out.txt"), 24)
    options.rowLimit = 1
    let found = try Examination(ExaminationOptions(options)) { _ in }
    model.examination = .known(found)
    let (_, tree) = try page(model)
    let titles = tree.all("figcaption").map(\.text)
    for sample in found.samples {
      let name = "layer \(sample.layer), head \(sample.head)"
      for kind in ["Softmax", "Model", "Weight against dot product"] {
        #expect(titles.contains("\(kind), \(name)"))
      }
    }
    #expect(titles.contains("Perplexity by the number of tokens before"))
    let perplexity = try #require(found.perplexity.value?.figures.first)
    #expect(
      tree.rows.contains { $0.prefix(2) == ["perplexity", Format.fixed(perplexity.value, 4)] })
    #expect(tree.text.contains("Not measured: expected at least"))
  }
}
