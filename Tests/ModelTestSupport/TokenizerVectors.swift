// Texts with the ids that another implementation gives them.

internal import HHData
internal import HHTestSupport

/// The vocabulary tests of ggml.
package enum TokenizerVectors {
  /// The strings of a ggml vocabulary test and the ids llama.cpp gives them.
  package static func cases(_ name: String) throws -> [(text: String, ids: [Int32])] {
    let stem = "tokenizers/ggml-vocab/ggml-vocab-\(name).gguf"
    let text = try readText(at: SharedFolder.path("\(stem).inp"))
    var inputs: [String] = []
    var lines: [String] = []
    for line in text.utf8Lines {
      if line == "__ggml_vocab_test__" {
        inputs.append(lines.joined(separator: "\n"))
        lines = []
      } else {
        lines.append(line)
      }
    }
    inputs.append(lines.joined(separator: "\n"))
    let outputs = try readText(at: SharedFolder.path("\(stem).out")).utf8Lines
    return zip(inputs, outputs).map { ($0, $1.split(separator: " ").compactMap { Int32($0) }) }
  }
}
