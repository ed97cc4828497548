// Comparisons of models with one thing changed.

import HHFormat
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHAnalysis

@Suite("ModelComparison")
struct ModelComparisonTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// Compares a golden model with a changed copy of it.
  private func compare(
    _ golden: String = "gpt2-base", tolerance: Tolerance? = nil,
    change: (inout ModelCopy) -> Void
  ) throws -> ModelComparison {
    var copy = try ModelCopy(golden: golden)
    change(&copy)
    let folder = try TemporaryDirectory()
    return try ModelComparison(
      of: Fixtures.path("golden/forward/\(golden)"), and: copy.write(to: "copy", in: folder),
      tolerance: tolerance, threads: 2)
  }

  /// What differs, as words.
  private func differences(_ comparison: ModelComparison) -> [String] {
    comparison.text.split(separator: "\n").dropLast().map(String.init)
  }

  @Test("every model equals itself", arguments: Models.golden)
  func itself(_ name: String) throws {
    let comparison = try compare(name) { _ in }
    #expect(comparison.isEqual)
    #expect(comparison.text == "equal: \(comparison.tensors.count) tensors, bit for bit")
  }

  @Test(
    "a GGUF file equals the checkpoint that it was made from",
    arguments: ["gpt2-base", "llama-gqa", "llama-llama3-rope", "llama-bias-linear-rope"])
  func gguf(_ name: String) throws {
    let comparison = try ModelComparison(
      of: Fixtures.path("golden/forward/\(name)"), and: Fixtures.path("golden/gguf/\(name).gguf"),
      threads: 2)
    #expect(comparison.isEqual, "\(comparison.text)")
  }

  @Test("an artifact has its source's tensors, and feature maps besides")
  func artifact() throws {
    let path = directory.path("a.zst")
    try Artifacts.write("llama-gqa", to: path)
    let comparison = try ModelComparison(
      of: Fixtures.path("golden/forward/llama-gqa"), and: path, threads: 1)
    #expect(!comparison.isEqual)
    for tensor in comparison.tensors {
      let isMap = tensor.name.contains("feature_map")
      #expect(tensor.outcome == (isMap ? .onlyInSecond : .identical), "\(tensor)")
    }
    #expect(try ModelComparison(of: path, and: path, threads: 1).isEqual)
  }

  @Test("a changed value is found, with its place and its size")
  func value() throws {
    let name = "transformer.h.1.mlp.c_fc.weight"
    var before: Float = 0
    let comparison = try compare { copy in
      copy.change(name) { tensor in
        // Element [2, 5] of [20, 80].
        before = Self.float(tensor.bytes, at: 165)
        tensor.bytes.replaceSubrange(660..<664, with: Self.bytes(before + 0.5))
      }
    }
    let found = try #require(comparison.tensors.first { $0.outcome != .identical })
    #expect(found.name == name)
    guard case .values(let difference?) = found.outcome else {
      Issue.record("\(found)")
      return
    }
    let after = before + 0.5
    #expect(difference.elementCount == 1600)
    #expect(difference.differingCount == 1)
    #expect(difference.absolute.index == 165)
    #expect(difference.absolute.value == abs(Double(before) - Double(after)))
    #expect(difference.absolute.first == Double(before))
    #expect(
      difference.relative.value == difference.absolute.value / Double(max(abs(before), abs(after))))
    #expect(comparison.tensors.count { $0.outcome != .identical } == 1)
    #expect(differences(comparison)[0].contains("1 of 1,600 values differ"))
    #expect(differences(comparison)[0].contains(" at [2, 5] ("))
    #expect(!comparison.isEqual)
  }

  @Test(
    "values within the tolerance are equal, others not",
    arguments: [
      (nil, nil, false), (0.25, nil, true), (0.2499, nil, false), (nil, 0.2, true),
      (nil, 0.199, false), (0.125, 0.1, true), (0, nil, false),
    ] as [(Double?, Double?, Bool)])
  func tolerance(_ absolute: Double?, _ relative: Double?, _ isEqual: Bool) throws {
    let path = directory.path("a.safetensors")
    let other = directory.path("b.safetensors")
    for (path, value) in [(path, Float(1)), (other, 1.25)] {
      try SafetensorsWriter.write(
        to: path, tensors: [("x", .f32, [2], Self.bytes(value) + Self.bytes(7))], metadata: [])
    }
    let tolerance =
      absolute == nil && relative == nil
      ? nil : Tolerance(absolute: absolute ?? 0, relative: relative ?? 0)
    let comparison = try ModelComparison(of: path, and: other, tolerance: tolerance, threads: 1)
    #expect(comparison.isEqual == isEqual)
  }

  @Test("large integers must be the same, since they may look alike as doubles")
  func largeIntegers() throws {
    let path = directory.path("a.safetensors")
    let other = directory.path("b.safetensors")
    for (path, last) in [(path, UInt8(0)), (other, 1)] {
      let bytes: [UInt8] = [last, 0, 0, 0, 0, 0, 0, 0x40]
      try SafetensorsWriter.write(to: path, tensors: [("x", .i64, [1], bytes)], metadata: [])
    }
    let comparison = try ModelComparison(
      of: path, and: other, tolerance: Tolerance(absolute: 1e30), threads: 1)
    #expect(!comparison.isEqual)
  }

  @Test("NaN equals the same NaN, and with a tolerance any; infinities equal themselves only")
  func nonFinite() throws {
    let special: [Float] = [.nan, .infinity, -.infinity, 0]
    let cases: [([Float], bits: Bool, values: Bool)] = [
      (special, true, true),
      ([Float(bitPattern: 0x7FC0_0001), .infinity, -.infinity, -0.0], false, true),
      ([1, .infinity, -.infinity, 0], false, false),
      ([.nan, -.infinity, -.infinity, 0], false, false),
      ([.nan, .infinity, 3e38, 0], false, false),
    ]
    let path = directory.path("a.safetensors")
    let other = directory.path("b.safetensors")
    func write(_ path: String, _ values: [Float]) throws {
      try SafetensorsWriter.write(
        to: path, tensors: [("x", .f32, [4], values.flatMap(Self.bytes))], metadata: [],
        replacing: true)
    }
    try write(path, special)
    for (values, bits, close) in cases {
      try write(other, values)
      #expect(try ModelComparison(of: path, and: other, threads: 1).isEqual == bits)
      let comparison = try ModelComparison(
        of: path, and: other, tolerance: Tolerance(absolute: 1e30, relative: 1), threads: 1)
      #expect(comparison.isEqual == close, "\(values)")
    }
  }

  @Test("another element type is a difference, unless a tolerance asks for values")
  func type() throws {
    func change(_ copy: inout ModelCopy) {
      copy.change("transformer.ln_f.weight") { tensor in
        // The upper half of a float32 is a bfloat16, rounded towards zero.
        tensor.bytes = tensor.bytes.indices.filter { $0 % 4 >= 2 }.map { tensor.bytes[$0] }
        tensor.dtype = .bf16
      }
    }
    let strict = try compare(change: change)
    #expect(!strict.isEqual)
    #expect(differences(strict)[0].hasPrefix("transformer.ln_f.weight: F32 in A, BF16 in B [20]: "))
    #expect(try !compare(tolerance: Tolerance(), change: change).isEqual)
    #expect(try compare(tolerance: Tolerance(relative: 0.01), change: change).isEqual)
  }

  @Test("shapes, and tensors that only one side has")
  func structure() throws {
    let comparison = try compare { copy in
      copy.change("transformer.h.0.mlp.c_fc.weight") { $0.shape = $0.shape.reversed() }
      copy.remove("transformer.ln_f.bias")
      copy.add("transformer.extra")
    }
    // The copy is no GPT-2 any more, so names decide.
    #expect(!comparison.isByRole)
    let lines = differences(comparison)
    #expect(lines.contains { $0.hasPrefix("transformer.h.0.mlp.c_fc.weight: shape [20, 80]") })
    #expect(lines.contains("transformer.ln_f.bias: only in A, F32 [20]"))
    #expect(lines.contains("transformer.extra: only in B, F32 [1]"))
    #expect(
      comparison.text.hasSuffix(
        ", 1 of another shape, 1 only in A, 1 only in B"), "\(comparison.text)")
  }

  @Test("types without arithmetic are compared as bytes")
  func bytesOnly() throws {
    let path = directory.path("a.safetensors")
    let other = directory.path("b.safetensors")
    try SafetensorsWriter.write(
      to: path, tensors: [("x", .f8E4M3, [2], [1, 2])], metadata: [])
    try SafetensorsWriter.write(
      to: other, tensors: [("x", .f8E4M3, [2], [1, 3])], metadata: [])
    #expect(try ModelComparison(of: path, and: path, threads: 1).isEqual)
    let comparison = try ModelComparison(
      of: path, and: other, tolerance: Tolerance(absolute: 100), threads: 1)
    #expect(!comparison.isEqual)
    #expect(differences(comparison) == ["x: F8_E4M3 [2]: other bytes"])
  }

  @Test("prefixes do not matter, nor constant buffers")
  func names() throws {
    let comparison = try compare { copy in
      for index in copy.tensors.indices {
        copy.tensors[index].name = copy.tensors[index].name.replacing("transformer.", with: "")
      }
      copy.add("h.0.attn.masked_bias")
      copy.configuration["architectures"] = .array([.string("GPT2Model")])
    }
    #expect(comparison.isEqual, "\(comparison.text)")
    #expect(
      differences(comparison) == [
        "h.0.attn.masked_bias: only in B, without effect: mask value, a constant buffer"
      ])
  }

  @Test("a tied head equals the same head stored")
  func tied() throws {
    func store(_ copy: inout ModelCopy, change: UInt8) {
      guard var head = copy.tensors.first(where: { $0.name == "transformer.wte.weight" }) else {
        return
      }
      head.name = "lm_head.weight"
      head.bytes[0] ^= change
      copy.tensors.append(head)
    }
    #expect(try compare { store(&$0, change: 0) }.isEqual)
    let other = try compare { store(&$0, change: 1) }
    #expect(!other.isEqual)
    #expect(
      differences(other)[0].hasPrefix("transformer.wte.weight (in B: lm_head.weight): F32 ["),
      "\(other.text)")
  }

  @Test(
    "settings that make another model are differences",
    arguments: [
      ("llama-gqa", "rms_norm_eps", .number(1e-3), "normEpsilon"),
      ("llama-gqa", "rope_theta", .number(7e5), "ropeBase"),
      ("llama-gqa", "hidden_act", .string("gelu"), "activation"),
      ("gpt2-base", "n_head", .integer(2), "headCount"),
      (
        "llama-gqa", "rope_parameters",
        .object(["rope_type": .string("linear"), "factor": .number(2)]), "ropeScaling"
      ),
    ] as [(String, String, JSONValue, String)])
  func settings(_ model: String, _ key: String, _ value: JSONValue, _ name: String) throws {
    let comparison = try compare(model) { copy in
      if key == "rope_theta" { copy.configuration["rope_parameters"] = nil }
      copy.configuration[key] = value
    }
    #expect(!comparison.isEqual)
    #expect(comparison.settings.map(\.name) == [name], "\(comparison.settings)")
  }

  @Test("settings written in another way, and those that change no weight's use, are not")
  func spellings() throws {
    let comparison = try compare("llama-gqa") { copy in
      copy.configuration["hidden_act"] = .string("swish")
      copy.configuration["bos_token_id"] = .integer(7)
      copy.configuration["rope_scaling"] = .object(["type": .string("default")])
      copy.configuration["transformers_version"] = .string("0")
    }
    #expect(comparison.isEqual, "\(comparison.text)")
  }

  @Test("two architectures differ in everything")
  func architectures() throws {
    let comparison = try ModelComparison(
      of: Fixtures.path("models/gpt2"), and: Fixtures.path("models/bert"), threads: 1)
    #expect(comparison.settings.map(\.name) == ["architecture"])
    #expect(comparison.tensors.allSatisfy { $0.first == nil || $0.second == nil })
  }

  @Test("the number of threads changes nothing")
  func threads() throws {
    let paths = [Fixtures.path("golden/forward/gpt2-base"), Fixtures.path("models/gpt2")]
    #expect(
      try ModelComparison(of: paths[0], and: paths[1], threads: 1)
        == ModelComparison(of: paths[0], and: paths[1], threads: 5))
  }

  private static func float(_ bytes: [UInt8], at index: Int) -> Float {
    let word = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[4 * index + $1]) << (8 * UInt32($1)) }
    return Float(bitPattern: word)
  }

  private static func bytes(_ value: Float) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt32($0))) }
  }
}
