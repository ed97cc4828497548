// What tells architectures apart is in their schemas: no other source names one.

import Foundation
import HHFormat
import HHTestSupport
import Testing

@Suite("Sources name no architecture")
struct ArchitectureWordsTests {
  /// The sources that may, and why.
  private static let allowed = [
    "HHFormat/Naming/ArchitectureSchema.swift": "lists the schemas that are compiled in",
    "HHData/Tokenizers/GGUFPreTokenizer.swift":
      "names of ways to cut text, which GGUF files call after models",
    "HHFormat/GGUF/GGUFTokenizerKind.swift": "the format's words for kinds of tokenizers",
    "HHPipeline/Recipes/ShippedRecipes.swift": "names of recipes",
  ]

  /// How a string begins that is an architecture's name, or that of one of its classes, such as
  /// `BertForMaskedLM`.
  private let words: [String]

  init() throws {
    words = try ArchitectureSchema.all().flatMap { schema in
      ["\"\(schema.architecture)\"", "\"\(schema.className(nil))"]
        + schema.heads.map { "\"\(schema.className($0))" }
    }
  }

  private func names(_ text: String) -> Bool { words.contains { text.contains($0) } }

  @Test("the search finds names and classes, and no longer words")
  func search() {
    #expect(names(#"case "gpt2": 1"#) && names(#"["ViTForImageClassification"]"#))
    #expect(names(#"let base = "BertModel""#) && names(#""LlamaForCausalLM""#))
    #expect(!names(#"let step = "BertNormalizer", type = "llama3" // bert"#))
  }

  @Test("only the listed sources name an architecture, and each of them does")
  func sources() throws {
    let root = "\(Fixtures.root)/Sources"
    let files = try #require(FileManager.default.enumerator(atPath: root))
    var found: Set<String> = []
    for case let file as String in files where file.hasSuffix(".swift") {
      if names(try String(contentsOfFile: "\(root)/\(file)", encoding: .utf8)) {
        found.insert(file)
      }
    }
    #expect(found == Set(Self.allowed.keys))
  }
}
