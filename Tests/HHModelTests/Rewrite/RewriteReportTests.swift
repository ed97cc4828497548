// Every tensor has one fate.

import HHFormat
import HHModel
import HHTestSupport
import ModelTestSupport
import Testing

@Suite("RewriteReport")
struct RewriteReportTests {
  @Test(
    "every tensor of the source and every new one is named exactly once", arguments: Models.golden)
  func complete(_ name: String) throws {
    let names = try Models.names(name)
    let plan = try Graph(names).rewritten().plan
    let report = RewriteReport(names: names, plan: plan)
    let listed = report.entries.map(\.name)
    #expect(Set(listed).count == listed.count)
    let source = try Checkpoint(opening: Fixtures.path("golden/forward/\(name)"))
    #expect(
      Set(listed)
        == Set(source.tensors.map(\.name) + plan.blocks.flatMap { $0.tensors.map(\.name) }))
    for entry in report.entries {
      switch entry.fate {
      case .kept(let role):
        #expect(names[role]?.tensor.name == entry.name && entry.fate.word == "kept")
        #expect(
          source[entry.name]?.shape == entry.shape && source[entry.name]?.dtype == entry.dtype)
      case .new: #expect(source[entry.name] == nil && entry.dtype == .f32)
      case .dropped(let why): #expect(!why.isEmpty && entry.fate.word == "dropped")
      }
    }
    let kept = report.entries.filter { $0.fate.word == "kept" }
    #expect(report.keptParameterCount == kept.reduce(0) { $0 + $1.shape.reduce(1, *) })
    #expect(report.entries.filter { $0.fate.word == "new" }.count == 4 * plan.blocks.count)
  }

  @Test("buffers are dropped with their reason, in the order of the source")
  func dropped() throws {
    let names = try Models.names("gpt2-relu-unprefixed")
    let report = RewriteReport(names: names, plan: try Graph(names).rewritten().plan)
    let dropped = report.entries.filter { $0.fate.word == "dropped" }
    #expect(dropped.map(\.name) == ["h.0.attn.bias", "h.1.attn.bias"])
    #expect(dropped.first?.fate == .dropped(why: "causal mask, a constant buffer"))
    #expect(report.entries.map(\.fate.word).firstIndex(of: "new") == names.entries.count + 2)
  }
}
