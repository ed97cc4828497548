// When an artifact counts as made already.

import HHCompute
import HHFormat
import HHTestSupport
import Testing

@testable import HHPipeline

@Suite("Completion")
struct CompletionTests {
  @Test("a changed tokenizer makes an artifact one of other settings")
  func tokenizer() throws {
    let directory = try TemporaryDirectory()
    try ModelCopy("gpt2").write(to: "gpt2", in: directory)
    var options = ConversionOptions(model: directory.path("gpt2"), threads: ThreadPolicy.threads)
    options.stages = [.rewrite]
    options.output = directory.path("gpt2.hh")
    #expect(try Completion(of: options) == .absent)
    _ = try Conversion(options).run { _ in }
    #expect(try Completion(of: options) == .done)
    try directory.write("{}", to: "gpt2/tokenizer_config.json")
    guard case .other(let found) = try Completion(of: options) else {
      Issue.record("the tokenizer changed")
      return
    }
    #expect(found.contains("another tokenizer"))
  }
}
