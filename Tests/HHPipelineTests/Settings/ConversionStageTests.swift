// Lists of stages, as users write them.

import HHPipeline
import Testing

@Suite("ConversionStage")
struct ConversionStageTests {
  @Test(
    "a list begins with the rewrite and leaves nothing out",
    arguments: [
      ("rewrite", [.rewrite]), ("rewrite,distil", [.rewrite, .distil]), ("", nil), ("distil", nil),
      ("distil,rewrite", nil), ("rewrite,", nil), ("rewrite,rewrite", nil), ("rewrite distil", nil),
    ] as [(String, [ConversionStage]?)])
  func list(text: String, expected: [ConversionStage]?) {
    #expect(ConversionStage.list(text) == expected)
  }
}
