// GGUF files whose header is sound and whose model is not, alone or in parts.

package import HHFormat
import Testing

/// The files of a defective model, and the error that opening the first of them must give.
package struct GGUFModelDefect: Sendable, CustomTestStringConvertible {
  /// What is wrong.
  package let name: String
  /// Names and contents; the first file is the one to open.
  package let files: [(name: String, bytes: [UInt8])]
  /// The file among them that the error names.
  package let file: String
  /// `place` of the error.
  package let place: String
  /// What the error's `problem` starts with.
  package let problem: String
  /// The error's kind.
  package let kind: FormatError.Kind

  package var testDescription: String { name }

  /// Every defect.
  package static let all: [GGUFModelDefect] = models + parts

  // MARK: One file

  private init(
    _ name: String, at place: String, _ problem: String, kind: FormatError.Kind = .badData,
    _ change: (inout GGUFForge) -> Void
  ) {
    var forge = Self.llama
    change(&forge)
    self.name = name
    files = [("model.gguf", forge.bytes)]
    file = "model.gguf"
    self.place = place
    self.problem = problem
    self.kind = kind
  }

  /// A layer with two heads of four and one key/value head.
  package static let llama: GGUFForge = {
    var forge = GGUFForge()
    forge.add("general.architecture", "llama")
    forge.add("llama.block_count", 1)
    forge.add("llama.attention.head_count", 2)
    forge.add("llama.attention.head_count_kv", 1)
    forge.add("llama.embedding_length", 8)
    forge.add(
      "llama.attention.layer_norm_rms_epsilon", .float32, forge.integer(Float(1e-5).bitPattern))
    for (name, rows) in [("q", 8), ("k", 4), ("v", 4)] {
      let zeros = [UInt8](repeating: 0, count: rows * 32)
      forge.add(tensor: "blk.0.attn_\(name).weight", .f32, [rows, 8], zeros)
    }
    return forge
  }()

  /// Adds divisors of both frequencies that are not Llama 3's.
  private static func addFactors(to forge: inout GGUFForge) {
    let data = forge.integer(Float(3).bitPattern) + forge.integer(Float(2).bitPattern)
    forge.add(tensor: "rope_freqs.weight", .f32, [2], data)
  }

  private static let models: [GGUFModelDefect] = [
    GGUFModelDefect(
      "no architecture", at: "key 'general.architecture'",
      "expected the model's architecture, found none"
    ) { $0.keys.removeFirst() },
    GGUFModelDefect(
      "architecture of a number", at: "key 'general.architecture'", "expected a string, found 7"
    ) {
      $0.keys.removeFirst()
      $0.add("general.architecture", 7)
    },
    GGUFModelDefect(
      "mixture of experts", at: "key 'llama.expert_count'", "expected no experts, found 8",
      kind: .unsupported
    ) { $0.add("llama.expert_count", 8) },
    GGUFModelDefect(
      "other attention", at: "key 'llama.attention.causal'", "expected true, found false",
      kind: .unsupported
    ) { $0.add("llama.attention.causal", .bool, [0]) },
    GGUFModelDefect(
      "rotation of part of a head", at: "key 'llama.rope.dimension_count'",
      "expected 4, the size of a head by 'llama.embedding_length', found 2", kind: .unsupported
    ) { $0.add("llama.rope.dimension_count", 2) },
    GGUFModelDefect(
      "unknown scaling", at: "key 'llama.rope.scaling.type'",
      "expected none, linear or yarn, found 'longrope'",
      kind: .unsupported
    ) { $0.add("llama.rope.scaling.type", "longrope") },
    GGUFModelDefect(
      "unknown scaling beside frequency factors", at: "key 'llama.rope.scaling.type'",
      "expected none, linear or yarn, found 'longrope'", kind: .unsupported
    ) {
      addFactors(to: &$0)
      $0.add("llama.rope.scaling.type", "longrope")
    },
    GGUFModelDefect(
      "linear scaling beside frequency factors", at: "key 'llama.rope.scaling.factor'",
      "expected no scaling beside tensor 'rope_freqs.weight', found {\"rope_type\"",
      kind: .unsupported
    ) {
      addFactors(to: &$0)
      $0.add("llama.rope.scaling.type", "linear")
      $0.add("llama.rope.scaling.factor", .float32, $0.integer(Float(4).bitPattern))
    },
    GGUFModelDefect(
      "old key of linear scaling beside frequency factors", at: "key 'llama.rope.scale_linear'",
      "expected no scaling beside tensor 'rope_freqs.weight', found {\"rope_type\"",
      kind: .unsupported
    ) {
      addFactors(to: &$0)
      $0.add("llama.rope.scale_linear", .float32, $0.integer(Float(0.5).bitPattern))
    },
    GGUFModelDefect(
      "number that is none", at: "key 'llama.rope.freq_base'", "expected a number, found nan"
    ) { $0.add("llama.rope.freq_base", .float32, $0.integer(Float.nan.bitPattern)) },
    GGUFModelDefect(
      "number of layers as a string", at: "key 'llama.block_count'",
      "expected a whole number, found '1'"
    ) {
      $0.keys.remove(at: 1)
      $0.add("llama.block_count", "1")
    },
    GGUFModelDefect(
      "heads that differ by layer", at: "key 'llama.attention.head_count'",
      "expected the same number for every layer, found 2 for layer 0 and 4 for layer 1",
      kind: .unsupported
    ) {
      $0.keys.remove(at: 2)
      let counts = $0.integer(UInt32(2)) + $0.integer(UInt32(4))
      $0.add("llama.attention.head_count", .array, $0.array(.uint32, 2, counts))
    },
    GGUFModelDefect(
      "no heads", at: "tensor 'blk.0.attn_q.weight'",
      "expected rows in a multiple of twice the number of heads, 0, found shape [8, 8]"
    ) { $0.keys[2].value = $0.integer(UInt32(0)) },
    GGUFModelDefect(
      "heads that do not divide the rows", at: "tensor 'blk.0.attn_q.weight'",
      "expected rows in a multiple of twice the number of heads, 3, found shape [8, 8]"
    ) { $0.keys[2].value = $0.integer(UInt32(3)) },
    GGUFModelDefect(
      "heads whose double overflows", at: "tensor 'blk.0.attn_q.weight'",
      "expected rows in a multiple of twice the number of heads, 9223372036854775807, found"
    ) {
      $0.keys.remove(at: 2)
      $0.keys.removeLast()
      $0.add("llama.attention.head_count", .uint64, $0.integer(UInt64(Int64.max)))
    },
    GGUFModelDefect(
      "frequency factors of another type", at: "tensor 'rope_freqs.weight'",
      "expected a vector of F32, found shape [2]"
    ) { $0.add(tensor: "rope_freqs.weight", .f16, [2], [0, 0, 0, 0]) },
    GGUFModelDefect(
      "frequency factor of zero", at: "tensor 'rope_freqs.weight'",
      "expected positive numbers, found 0.0 at element 0"
    ) { $0.add(tensor: "rope_freqs.weight", .f32, [2], Array(repeating: 0, count: 8)) },
    GGUFModelDefect(
      "big-endian type without a definition", at: "tensor 'blk.0.attn_v.weight'",
      "expected a type whose big-endian form is defined, found Q5_K", kind: .unsupported
    ) { forge in
      forge = GGUFForge(isBigEndian: true)
      forge.add("general.architecture", "llama")
      forge.add(
        tensor: "blk.0.attn_v.weight", .q5K, [256], Array(repeating: 0, count: 176))
    },
  ]

  // MARK: Several files

  private static func part(
    _ number: UInt16, of count: UInt16, tensors: [String], total: UInt32? = 2
  ) -> GGUFForge {
    var forge = GGUFForge()
    forge.add("general.architecture", "example")
    forge.add("split.no", .uint16, forge.integer(number))
    forge.add("split.count", .uint16, forge.integer(count))
    if let total { forge.add("split.tensors.count", .int32, forge.integer(total)) }
    for name in tensors { forge.add(tensor: name, .f32, [1], [0, 0, 0, 0]) }
    return forge
  }

  /// Two parts, changed and named as wanted.
  private init(
    parts name: String, at place: String, of number: Int = 1, _ problem: String,
    kind: FormatError.Kind = .badData, first: String = "m-00001-of-00002.gguf",
    _ change: (inout [GGUFForge]) -> Void
  ) {
    var parts = [
      Self.part(0, of: 2, tensors: ["a"]), Self.part(1, of: 2, tensors: ["b"], total: nil),
    ]
    change(&parts)
    self.name = name
    files = zip([first, "m-00002-of-00002.gguf"], parts).map { ($0, $1.bytes) }
    file = number == 1 ? first : "m-00002-of-00002.gguf"
    self.place = place
    self.problem = problem
    self.kind = kind
  }

  private static let parts: [GGUFModelDefect] = [
    GGUFModelDefect(
      parts: "missing part", at: "", of: 2, "cannot be opened: No such file", kind: .missingInput
    ) { $0.removeLast() },
    GGUFModelDefect(
      parts: "part without its number in the name", at: "key 'split.count'",
      "expected a file named 'NAME-00001-of-2.gguf' (five digits each), found 'm.gguf'",
      first: "m.gguf"
    ) { _ in },
    GGUFModelDefect(
      parts: "name of another set", at: "key 'split.count'",
      "expected a file named 'NAME-00001-of-2.gguf' (five digits each), found",
      first: "m-00001-of-00003.gguf"
    ) { _ in },
    GGUFModelDefect(
      parts: "later part first", at: "key 'split.no'", "expected 0, found 1"
    ) { $0.swapAt(0, 1) },
    GGUFModelDefect(
      parts: "first part twice", at: "key 'split.no'", of: 2, "expected 1, found 0"
    ) { $0[1] = $0[0] },
    GGUFModelDefect(
      parts: "part without its number", at: "key 'split.no'", of: 2, "expected 1, found none"
    ) { $0[1].keys.remove(at: 1) },
    GGUFModelDefect(
      parts: "part of another count", at: "key 'split.count'", of: 2, "expected 2, found 3"
    ) { $0[1] = part(1, of: 3, tensors: ["b"]) },
    GGUFModelDefect(
      parts: "65535 parts in a name for two", at: "key 'split.count'",
      "expected a file named 'NAME-00001-of-65535.gguf'"
    ) { $0[0] = part(0, of: .max, tensors: ["a"]) },
    GGUFModelDefect(
      parts: "count of a negative number", at: "key 'split.count'",
      "expected a whole number below 100000, found -1"
    ) {
      $0[0].keys.remove(at: 2)
      $0[0].add("split.count", .int32, $0[0].integer(Int32(-1)))
    },
    GGUFModelDefect(
      parts: "tensor in two parts", at: "tensor 'a'", of: 2,
      "expected each tensor in one file, found it in '"
    ) { $0[1] = part(1, of: 2, tensors: ["a"]) },
    GGUFModelDefect(
      parts: "fewer tensors than promised", at: "key 'split.tensors.count'", "expected 2, found 3"
    ) { $0[0] = part(0, of: 2, tensors: ["a"], total: 3) },
  ]
}
