// What a look at a model finds.

import HHFormat
import HHTestSupport
import Testing

@testable import HHAnalysis

@Suite("Examination")
struct ExaminationTests {
  private func examine(
    _ model: String, data: String?, length: Int? = nil, teacher: String? = nil
  ) throws -> Examination {
    var options = DiagnosisOptions(model: Fixtures.path("models/\(model)"), threads: 2)
    (options.data, options.length, options.rowLimit) = (data.map(Fixtures.path), length, 2)
    return try Examination(
      ExaminationOptions(options, teacher: teacher.map { Fixtures.path("models/\($0)") })
    ) { _ in }
  }

  @Test("the diagnosis of the same rows, and perplexity as it is measured")
  func same() throws {
    var shares: [Double] = []
    var options = DiagnosisOptions(model: Fixtures.path("models/llama"), threads: 2)
    (options.data, options.length) = (Fixtures.path("data/held-out.txt"), 24)
    options.rowLimit = 2
    let found = try Examination(
      ExaminationOptions(options, teacher: Fixtures.path("models/llama"))
    ) { shares.append($0) }
    #expect(try Diagnosis(options).run { _ in } == found.layers)
    #expect(shares == shares.sorted() && shares.last == 1)
    let figures = try #require(found.perplexity.value).figures
    #expect(figures.filter { $0.positions != nil }.count == 5)
    #expect(figures.first?.teacher == figures.first?.value)
    let recall = try #require(found.recall.value)
    #expect(recall.figures.contains { $0.name.hasSuffix(" at 128") })
  }

  @Test("models without a language-model head and looks without a text say so")
  func missing() throws {
    let image = try examine("vit", data: nil)
    #expect(image.samples.count == 3 && image.layers.count == 3)
    #expect(
      image.perplexity
        == .missing("The model has no language-model head, and so no figures of this kind."))
    let decoder = try examine("gpt2", data: nil, length: 16)
    #expect(decoder.perplexity.value == nil && decoder.recall.value == nil)
    let short = try examine("gpt2", data: "data/held-out.txt", length: 16)
    guard case .missing(let reason) = short.recall else {
      Issue.record("128 positions have room for nothing that lies 128 back")
      return
    }
    #expect(reason.description.hasPrefix("Not measured: expected at least "))
  }
}
