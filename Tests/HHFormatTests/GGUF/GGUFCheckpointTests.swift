// GGUF models as checkpoints: names, layouts, configuration, parts.

import HHFormat
import HHTestSupport
import Testing

@Suite("GGUFCheckpoint")
struct GGUFCheckpointTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func floats(_ checkpoint: Checkpoint, _ name: String) throws -> [Float] {
    let tensor = try #require(checkpoint[name], "\(name)")
    var values = [Float](repeating: .nan, count: tensor.elementCount)
    var span = values.mutableSpan
    try checkpoint.readFloats(of: name, into: &span)
    return values
  }

  private func bytes(_ checkpoint: Checkpoint, _ name: String) throws(FormatError) -> [UInt8] {
    try checkpoint.withBytes(of: name) { (raw) throws(FormatError) in raw.copied() }
  }

  private func contentOf(_ path: String) throws -> [UInt8] {
    let file = try MappedFile(at: path)
    return file.bytes.copied()
  }

  private func error(_ forge: GGUFForge) throws -> FormatError? {
    let path = try directory.write(forge.bytes, to: "model.gguf")
    return #expect(throws: FormatError.self) { try Checkpoint(opening: path) }
  }

  // MARK: Equality with safetensors

  @Test(
    "a converted model has the names, shapes, types and bytes of its source",
    arguments: [
      "gpt2-base", "llama-gqa", "llama-bf16", "llama-bias-linear-rope", "llama-mqa-head-dim",
    ])
  func equalsSource(_ name: String) throws {
    let source = try Checkpoint(opening: Fixtures.path("golden/forward/\(name)"))
    let gguf = try Checkpoint(opening: Fixtures.path("golden/gguf/\(name).gguf"))
    #expect(gguf.format == "gguf")
    #expect(gguf.configurationPath == nil)
    let kept = source.tensors.filter { !$0.name.hasSuffix(".attn.bias") }
    #expect(Set(gguf.tensors.map(\.name)) == Set(kept.map(\.name)))
    for tensor in kept {
      let found = try #require(gguf[tensor.name])
      #expect(found.shape == tensor.shape, "\(tensor.name)")
      #expect(try floats(gguf, tensor.name) == floats(source, tensor.name), "\(tensor.name)")
      // The converter stores vectors as F32 whatever they were.
      guard found.dtype == tensor.dtype else {
        #expect(tensor.shape.count == 1 && found.dtype == .f32)
        continue
      }
      #expect(try bytes(gguf, tensor.name) == bytes(source, tensor.name), "\(tensor.name)")
    }
  }

  @Test(
    "the metadata gives the configuration's numbers, decimal for decimal",
    arguments: [
      "bert-model", "gpt2-base", "llama-gqa", "llama-bias-linear-rope", "llama-mqa-head-dim",
    ])
  func configuration(_ name: String) throws {
    let source = try NameMap(try Checkpoint(opening: Fixtures.path("golden/forward/\(name)")))
    let gguf = try NameMap(try Checkpoint(opening: Fixtures.path("golden/gguf/\(name).gguf")))
    for key in source.schema.configuration where !key.name.hasSuffix("Token") {
      // A scaling is spelt in several ways; the forward pass shows that it is the same.
      if key.name == "ropeScaling" { continue }
      let (found, expected) = (
        gguf.hyperparameters.value(key.name), source.hyperparameters.value(key.name)
      )
      #expect(found == expected || found?.double == expected?.double, "\(key.name)")
    }
  }

  @Test(
    "rotary scaling is linear unless the file names another type, and 0 and 1 are none",
    arguments: [
      ("linear", 4, nil, 4), (nil, 4, nil, 4), (nil, nil, 4, 4), ("linear", nil, 4, 4),
      (nil, 2, 4, 2), ("none", 4, nil, nil), ("linear", nil, nil, nil), (nil, nil, nil, nil),
      (nil, 0, nil, nil), (nil, 1, nil, nil), ("linear", 0, nil, nil), (nil, 1, 4, nil),
    ] as [(String?, Float?, Float?, Double?)])
  func linearScaling(
    _ type: String?, _ factor: Float?, _ old: Float?, _ expected: Double?
  ) throws {
    var forge = llama()
    if let type { forge.add("llama.rope.scaling.type", type) }
    for (name, value) in [("scaling.factor", factor), ("scale_linear", old)] {
      guard let value else { continue }
      forge.add("llama.rope.\(name)", .float32, forge.integer(value.bitPattern))
    }
    let path = try directory.write(forge.bytes, to: "m.gguf")
    let scaling = try Checkpoint(opening: path).configuration?["rope_scaling"]
    #expect(scaling?["rope_type"]?.string == expected.map { _ in "linear" })
    #expect(scaling?["factor"]?.double == expected)
  }

  @Test(
    "divisors of the frequencies may stand beside keys that ask for no scaling",
    arguments: [("none", 4), ("linear", 1), (nil, 0), ("linear", nil), (nil, nil)]
      as [(String?, Float?)])
  func frequencyFactors(_ type: String?, _ factor: Float?) throws {
    var forge = llama()
    if let type { forge.add("llama.rope.scaling.type", type) }
    if let factor {
      forge.add("llama.rope.scaling.factor", .float32, forge.integer(factor.bitPattern))
    }
    let divisors = [Float(3), 2].flatMap { forge.integer($0.bitPattern) }
    forge.add(tensor: "rope_freqs.weight", .f32, [2], divisors)
    let path = try directory.write(forge.bytes, to: "m.gguf")
    let scaling = try Checkpoint(opening: path).configuration?["rope_scaling"]
    #expect(scaling?["rope_type"]?.string == "frequency_factors")
    #expect(scaling?["factors"]?.array?.compactMap(\.double) == [3, 2])
  }

  // MARK: Layouts

  /// A model of one layer with two heads of four, one key/value head, and its tensors' bytes.
  private func llama(isBigEndian: Bool = false, type: GGMLType = .f32) -> GGUFForge {
    var forge = GGUFForge(isBigEndian: isBigEndian)
    forge.add("general.architecture", "llama")
    forge.add("llama.block_count", 1)
    forge.add("llama.attention.head_count", 2)
    forge.add("llama.attention.head_count_kv", 1)
    let columns = type.elementsPerBlock
    for (name, rows) in [("q", 8), ("k", 4), ("v", 4)] {
      let data = (0..<rows).flatMap { row -> [UInt8] in
        if type == .f32 { return forge.integer(Float(row).bitPattern) }
        return forge.integer(UInt16(0x3C00)) + Array(repeating: UInt8(row), count: 32)
      }
      forge.add(tensor: "blk.0.attn_\(name).weight", type, [rows, columns], data)
    }
    return forge
  }

  @Test(
    "rows of q and k come back in the order of the halves, whatever the type and byte order",
    arguments: [(false, GGMLType.f32), (true, .f32), (false, .q8_0), (true, .q8_0)])
  func interleaved(isBigEndian: Bool, type: GGMLType) throws {
    let forge = llama(isBigEndian: isBigEndian, type: type)
    let checkpoint = try Checkpoint(opening: try directory.write(forge.bytes, to: "m.gguf"))
    let columns = type.elementsPerBlock
    func rows(_ name: String) throws -> [Float] {
      let values = try floats(checkpoint, "model.layers.0.self_attn.\(name)_proj.weight")
      return stride(from: 0, to: values.count, by: columns).map { values[$0] }
    }
    #expect(try rows("q") == [0, 2, 1, 3, 4, 6, 5, 7])
    #expect(try rows("k") == [0, 2, 1, 3])
    #expect(try rows("v") == [0, 1, 2, 3])
    #expect(checkpoint.tensors.allSatisfy { $0.dtype == .f32 })
    let stored = try checkpoint.storedType(of: "model.layers.0.self_attn.q_proj.weight")
    #expect(stored == type.name)
    for tensor in checkpoint.tensors {
      #expect(try bytes(checkpoint, tensor.name).count == tensor.byteCount)
      #expect(try checkpoint.firstNonFinite(tensor.name) == nil)
    }
  }

  @Test("q, k and v in one matrix are taken apart")
  func fused() throws {
    var forge = GGUFForge()
    forge.add("general.architecture", "bert")
    let numbers = (0..<12).flatMap { forge.integer(Float($0).bitPattern) }
    forge.add(tensor: "blk.3.attn_qkv.weight", .f32, [6, 2], numbers)
    forge.add(tensor: "blk.3.attn_qkv.bias", .f32, [12], numbers)
    let checkpoint = try Checkpoint(opening: try directory.write(forge.bytes, to: "m.gguf"))
    let stem = "encoder.layer.3.attention.self"
    #expect(try floats(checkpoint, "\(stem).query.weight") == [0, 1, 2, 3])
    #expect(try floats(checkpoint, "\(stem).value.weight") == [8, 9, 10, 11])
    #expect(try floats(checkpoint, "\(stem).key.bias") == [4, 5, 6, 7])
    #expect(try checkpoint.bytes(of: "\(stem).key.bias").byteCount == 16)
    forge.add(tensor: "blk.3.attn_k.bias", .f32, [1], [0, 0, 0, 0])
    #expect(try error(forge)?.place == "tensor 'blk.3.attn_k.bias'")
  }

  @Test("a quantised tensor has no bytes in the file, and its first bad scale is found")
  func quantised() throws {
    var forge = GGUFForge()
    forge.add("general.architecture", "gpt2")
    let good = forge.integer(UInt16(0x3C00)) + Array(repeating: UInt8(1), count: 32)
    let bad = forge.integer(UInt16(0x7C00)) + Array(repeating: UInt8(1), count: 32)
    forge.add(tensor: "token_embd.weight", .q8_0, [2, 64], good + good + bad + good)
    let checkpoint = try Checkpoint(opening: try directory.write(forge.bytes, to: "m.gguf"))
    let name = "transformer.wte.weight"
    #expect(try checkpoint.firstNonFinite(name) == 64)
    let error = #expect(throws: FormatError.self) { _ = try checkpoint.bytes(of: name).byteCount }
    #expect(error?.kind == .unsupported)
    #expect(checkpoint[name]?.byteCount == 512)
  }

  // MARK: Refusals

  @Test(
    "a model that is not sound is refused with file, place and fault",
    arguments: GGUFModelDefect.all)
  func defect(_ defect: GGUFModelDefect) throws {
    for file in defect.files { try directory.write(file.bytes, to: file.name) }
    let error = #expect(throws: FormatError.self) {
      try Checkpoint(opening: directory.path(defect.files[0].name))
    }
    #expect(error?.kind == defect.kind)
    #expect(error?.file == directory.path(defect.file))
    #expect(error?.place == defect.place)
    #expect(error?.problem.hasPrefix(defect.problem) == true, "\(error?.problem ?? "")")
  }

  @Test("rows without columns cost no time, however many the file claims")
  func emptyRows() throws {
    var forge = GGUFModelDefect.llama
    for index in forge.tensors.indices {
      forge.tensors[index].extents = [0, 1 << 62]
      forge.tensors[index].data = []
    }
    let checkpoint = try Checkpoint(opening: try directory.write(forge.bytes, to: "m.gguf"))
    for tensor in checkpoint.tensors {
      #expect(try bytes(checkpoint, tensor.name).isEmpty)
      #expect(try floats(checkpoint, tensor.name).isEmpty)
    }
  }

  @Test("a part that a link leads to another folder is refused; parts linked together are not")
  func linkedParts() throws {
    let cache = try TemporaryDirectory()
    let names = (1...3).map { "parts-0000\($0)-of-00003.gguf" }
    for name in names {
      try cache.write(try contentOf(Fixtures.path("golden/gguf/\(name)")), to: name)
      try directory.link("linked/\(name)", to: cache.path(name))
    }
    let opened = try Checkpoint(opening: directory.path("linked/\(names[0])"))
    #expect(opened.tensors.count == 5)
    let other = try TemporaryDirectory()
    try other.link(names[0], to: cache.path(names[0]))
    try other.link(names[1], to: cache.path(names[1]))
    let elsewhere = try directory.write(try contentOf(cache.path(names[2])), to: "secret.gguf")
    try other.link(names[2], to: elsewhere)
    let error = #expect(throws: FormatError.self) {
      try Checkpoint(opening: other.path(names[0]))
    }
    #expect(error?.file == other.path(names[2]))
    #expect(
      error?.problem
        == "expected a file in the folder of the first part, found a link to '\(elsewhere)'")
  }

  @Test("a BERT with another tokenizer or attention is refused")
  func otherModels() throws {
    var bert = GGUFForge()
    bert.add("general.architecture", "bert")
    bert.add("tokenizer.ggml.model", "gpt2")
    #expect(try error(bert)?.place == "key 'tokenizer.ggml.model'")
    bert.keys.removeLast()
    bert.add("bert.attention.causal", .bool, [1])
    #expect(try error(bert)?.place == "key 'bert.attention.causal'")
  }

  @Test("a file without an architecture is refused; an unknown one can be looked at")
  func architectures() throws {
    var forge = GGUFForge.sample()
    let path = try directory.write(forge.bytes, to: "model.gguf")
    let checkpoint = try Checkpoint(opening: path)
    #expect(checkpoint.tensors.map(\.name) == ["a", "b", "c"])
    let type = checkpoint.configuration?["model_type"]?.string
    #expect(type == "example")
    let numbers = (0..<32).map { Float($0) }
    #expect(try floats(checkpoint, "b") == numbers)
    let error = #expect(throws: FormatError.self) { try NameMap(checkpoint) }
    #expect(error?.place == "key 'model_type'")
    forge.keys.removeFirst()
    #expect(try self.error(forge)?.place == "key 'general.architecture'")
  }

  // MARK: Parts

  /// The reference's three parts in a folder of their own; the first is to be opened.
  private func parts() throws -> String {
    for number in 1...3 {
      let name = "parts-0000\(number)-of-00003.gguf"
      try directory.write(
        try contentOf(Fixtures.path("golden/gguf/\(name)")), to: "p-0000\(number)-of-00003.gguf")
    }
    return directory.path("p-00001-of-00003.gguf")
  }

  @Test("gguf-py's parts are one model, opened by the first part or the folder")
  func split() throws {
    let path = try parts()
    for path in [path, directory.path] {
      let checkpoint = try Checkpoint(opening: path)
      #expect(checkpoint.tensors.map(\.name) == (0..<5).map { "t.\($0)" })
      #expect(checkpoint.sourceFiles.count == 3)
      for number in 0..<5 {
        let expected = Array(repeating: Float(number), count: number + 1)
        #expect(try floats(checkpoint, "t.\(number)") == expected)
      }
    }
    let error = #expect(throws: FormatError.self) {
      try Checkpoint(opening: directory.path("p-00002-of-00003.gguf"))
    }
    #expect(error?.problem == "expected 0, found 1")
    #expect(error?.hint == "pass 'p-00001-of-00003.gguf' instead")
  }

  @Test("a folder with two models is refused, and one with one is opened")
  func folders() throws {
    try directory.write(llama().bytes, to: "one.gguf")
    #expect(try Checkpoint(opening: directory.path).format == "gguf")
    try directory.write(llama().bytes, to: "two.gguf")
    let error = #expect(throws: FormatError.self) { try Checkpoint(opening: directory.path) }
    #expect(error?.problem == "expected one model, found 'one.gguf', 'two.gguf'")
  }
}
