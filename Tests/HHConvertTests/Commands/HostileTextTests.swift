// Whatever text a file carries, no command lets it move a terminal's cursor, forge a line of output,
// or be markup in an exported card.

import HHFormat
import HHTestSupport
import Testing

@Suite("Hostile text")
struct HostileTextTests {
  let bench: Bench

  init() throws { bench = try Bench() }

  /// Controls of C0 and C1, line breaks of all kinds, a turn of direction, and markup.
  private static let evil =
    "x\u{1B}[2J\nFORGED\r\nFORGED\u{9B}1m\u{85}FORGED\u{2028}FORGED\u{202E}\u{7}"
    + "<script>alert(1)</script>[a](http://b)`|\u{7F}"

  /// Expects that what was printed shows the text, holds nothing of the kind, and is JSON if it should.
  private func expectHarmless(
    _ outcome: Tool.Outcome, isJSON: Bool = false,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let text = outcome.output + outcome.errors
    #expect(text.contains("FORGED"), "\(text)", sourceLocation: sourceLocation)
    try expectPrintable(outcome, isJSON: isJSON, sourceLocation: sourceLocation)
  }

  /// Expects that what was printed holds nothing of the kind, and that lines of JSON are JSON.
  private func expectPrintable(
    _ outcome: Tool.Outcome, isJSON: Bool = false,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let text = outcome.output + outcome.errors
    let raw = text.unicodeScalars.filter { scalar in
      guard scalar != "\n", scalar != "\t" else { return false }
      switch scalar.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator: return true
      default: return scalar.properties.isBidiControl
      }
    }
    #expect(raw.isEmpty, "\(text)", sourceLocation: sourceLocation)
    let forged = text.split(separator: "\n").filter { $0.hasPrefix("FORGED") }
    #expect(forged.isEmpty, "\(text)", sourceLocation: sourceLocation)
    guard isJSON else { return }
    for line in outcome.lines { _ = try parse(line) }
  }

  /// Runs a command as it is and with `--json`, and expects a status.
  private func run(
    _ arguments: [String], _ status: Int32 = 0, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    for json in [false, true] {
      let outcome = try Tool.run(arguments + (json ? ["--json"] : []), in: bench.folder)
      #expect(outcome.status == status, "\(outcome)", sourceLocation: sourceLocation)
      try expectHarmless(outcome, isJSON: json, sourceLocation: sourceLocation)
    }
  }

  @Test("names and settings of a checkpoint, in every command that reads one")
  func checkpoint() throws {
    var copy = try ModelCopy("gpt2")
    copy.add(Self.evil)
    copy.configuration["activation_function"] = .string(Self.evil)
    try copy.write(to: "names", in: bench.folder)
    try run(["inspect", "names"])
    try run(["diff", "names", "models/gpt2"], 3)
    for command in [["verify"], ["convert"], ["export", "--to", "hf"], ["generate", "-p", "a"]] {
      let outcome = try Tool.run(command + ["names"], in: bench.folder)
      #expect(outcome.status > 0)
      try expectHarmless(outcome)
    }
    copy.remove(Self.evil)
    for (index, (key, value)) in [
      ("activation_function", JSONValue.string(Self.evil)), ("model_type", .string(Self.evil)),
      ("architectures", .array([.string(Self.evil)])), ("n_head", .string(Self.evil)),
      ("quantization_config", ["quant_method": .string(Self.evil)]),
    ].enumerated() {
      var other = copy
      other.configuration["activation_function"] = "gelu_new"
      other.configuration[key] = value
      try other.write(to: "settings\(index)", in: bench.folder)
      let outcome = try Tool.run("verify", "settings\(index)", in: bench.folder)
      guard outcome.status != 0 else { continue }
      try expectHarmless(outcome)
    }
  }

  @Test("the names of files and folders")
  func paths() throws {
    let name = Self.evil.replacing("/", with: "")
    try ModelCopy("gpt2").write(to: "all/\(name)", in: bench.folder)
    try run(["inspect", "all/\(name)"])
    try run(["verify", "all/\(name)"])
    try run(["batch", "all", "--dry-run", "--stages", "rewrite"])
    try run(["batch", "all", "--stages", "rewrite", "--output", name])
    try run(["all/\(name)", "--stages", "rewrite", "--dry-run"])
    try run(["export", "all/\(name)", "--to", "hf", "--force", "-o", "out\(name)"])
    try run(["inspect", "all/\(name)/none"], 66)
    try run(["diff", "all/\(name)", "all/\(name)/none"], 66)
    for broken in ["index.json", "x.safetensors"] {
      try bench.folder.write(Self.evil, to: "all/\(name)/\(broken)")
      try run(["verify", "all/\(name)/\(broken)"], 3)
    }
  }

  @Test("the words of an index, of labels and of a template")
  func words() throws {
    try ModelCopy("gpt2").write(to: "m", in: bench.folder)
    try bench.folder.write(
      FileForge.index([(Self.evil, Self.evil), ("b", "model.safetensors")]),
      to: "m/model.safetensors.index.json")
    try run(["inspect", "m"], 65)
    var images = try ModelCopy("vit")
    var labels: JSONObject = [:]
    for index in 0..<8 { labels["\(index)"] = .string("\(Self.evil)\(index)") }
    images.configuration["id2label"] = .object(labels)
    images.configuration["label2id"] = nil
    let folder = try images.write(to: "vit", in: bench.folder)
    let processor = try MappedFile(at: Fixtures.path("models/vit/preprocessor_config.json"))
    try bench.folder.write(processor.bytes.copied(), to: "vit/preprocessor_config.json")
    try run(["classify", folder, "--images", "data/shapes/t10k-images-idx3-ubyte"])
  }

  @Test("what a tokenizer's files say")
  func tokenizer() throws {
    let evil = JSONValue.string(Self.evil).text
    let files = [
      ("tokenizer.json", #"{"model":{"type":\#(evil)}}"#),
      ("tokenizer.json", #"{"model":{"type":"BPE","vocab":{\#(evil):9999999999},"merges":[]}}"#),
      ("tokenizer.json", #"{"model":{"type":"BPE","vocab":{},"merges":[\#(evil)]}}"#),
      (
        "tokenizer.json",
        #"{"pre_tokenizer":{"type":\#(evil)},"model":{"type":"BPE","vocab":{},"merges":[]}}"#
      ),
      ("tokenizer.json", #"{\#(evil):1,\#(evil):2}"#), ("tokenizer.json", Self.evil),
      ("tokenizer_config.json", #"{\#(evil):1,\#(evil):2}"#),
      ("tokenizer_config.json", #"{"eos_token":\#(evil),"tokenizer_class":\#(evil)}"#),
      ("vocab.json", #"{\#(evil):9999999999}"#), ("merges.txt", Self.evil),
    ]
    for (index, (name, text)) in files.enumerated() {
      let folder = "t\(index)"
      try ModelCopy("gpt2").write(to: folder, in: bench.folder)
      for own in ["tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt"]
      where own != name && !(own == "tokenizer.json" && !name.hasPrefix("tokenizer")) {
        let file = try MappedFile(at: Fixtures.path("models/gpt2/\(own)"))
        try bench.folder.write(file.bytes.copied(), to: "\(folder)/\(own)")
      }
      try bench.folder.write(text, to: "\(folder)/\(name)")
      for command in [["generate", "-p", "a"], ["export", "--to", "gguf"]] {
        let outcome = try Tool.run(command + [folder], in: bench.folder)
        if outcome.errors.contains("error") { try expectPrintable(outcome) }
      }
    }
  }

  @Test("what recipes, lists, prompts and data say")
  func settings() throws {
    let evil = JSONValue.string(Self.evil).text
    for text in [
      #"{\#(evil):1}"#, #"{"data":\#(evil)}"#, #"{"stages":[{"stage":\#(evil)}]}"#,
      #"{"stages":[{"stage":"distil",\#(evil):1}]}"#, Self.evil,
    ] {
      try bench.folder.write(text, to: "r.json")
      let outcome = try Tool.run("models/gpt2", "--recipe", "r.json", in: bench.folder)
      #expect(outcome.status > 0)
      try expectPrintable(outcome)
    }
    try bench.folder.write("\(Self.evil): 1\n", to: "r.yaml")
    try expectPrintable(try Tool.run("models/gpt2", "--recipe", "r.yaml", in: bench.folder))
    try bench.folder.write(Self.evil, to: "list.txt")
    try expectPrintable(try Tool.run("batch", "list.txt", "--dry-run", in: bench.folder))
    try bench.folder.write("label\tsentence\n\(Self.evil)\tx\n", to: "labels.tsv")
    try expectPrintable(
      try Tool.run(
        "eval", "models/bert", "--task", "glue", "--data", "labels.tsv", in: bench.folder))
    try bench.folder.write(numpy(Self.evil, "(1,)", [0]), to: "x.npy")
    try expectPrintable(
      try Tool.run("models/vit", "--data", "x.npy", "--steps", "1", in: bench.folder))
  }

  @Test("everything that a manifest says, in commands and in the card")
  func manifest() throws {
    #expect(
      try Tool.run(["models/gpt2", "--stages", "rewrite", "-q", "-o", "a.zst"], in: bench.folder)
        .status == 0)
    let reader = try ArtifactReader(at: bench.folder.path("a.zst"))
    var description = reader.manifest.description
    let digest = ContentDigest.of([1])
    description.producer = .init(name: Self.evil, version: Self.evil)
    description.provenance = Provenance(
      sources: [.init(name: Self.evil, bytes: 1, sha256: digest)],
      recipe: [Self.evil: .string(Self.evil)], seed: 1,
      data: .init(kind: Self.evil, sha256: digest, tokens: 1))
    description.stages = [
      .init(
        name: Self.evil, losses: [Self.evil: .string(Self.evil)],
        qualities: [Self.evil: .number(1)]),
      .init(name: Self.evil, losses: ["kl_before": .number(1), "kl_after": .number(1)]),
    ]
    description.architecture = .init(
      name: "gpt2",
      config: {
        var config = description.architecture.config
        config["_name_or_path"] = .string(Self.evil)
        config["auto_map"] = [Self.evil: .string(Self.evil)]
        return config
      }())
    let card = "---\nlicense: [\(Self.evil)\n---\n# \(Self.evil)\n"
    let files = try reader.carriedFiles.map {
      SidecarFile(name: $0.name, content: try reader.readFile($0.name))
    }
    _ = try ArtifactWriter.write(
      to: bench.folder.path("b.zst"), description: description,
      tensors: try reader.tensors.filter { $0.origin != .state }.map { tensor in
        ArtifactTensor(
          name: tensor.name, dtype: tensor.dtype, shape: tensor.shape, origin: tensor.origin,
          bytes: try reader.read(tensor.name))
      }, files: files + [SidecarFile(name: "README.md", content: Array(card.utf8))],
      options: ArtifactOptions())
    try run(["inspect", "b.zst"])
    let outcome = try Tool.run("export", "b.zst", "--to", "hf", "-o", "hf", in: bench.folder)
    #expect(outcome.status == 0)
    let readme = String(decoding: try bench.bytes("hf/README.md"), as: UTF8.self)
    try expectHarmless(.init(output: readme, errors: "", status: 0))
    #expect(!readme.contains("<script>") && !readme.contains("](http://b)"))
    #expect(!readme.contains("license:") && !readme.contains("base_model:"))
  }

  @Test("what is in a GGUF file")
  func gguf() throws {
    var forge = GGUFForge()
    for key in ["general.architecture", "general.name", Self.evil] { forge.add(key, Self.evil) }
    // Names of tensors are short there.
    forge.add(tensor: String(Self.evil.prefix(24)), .f32, [1], [0, 0, 0, 0])
    try bench.folder.write(forge.bytes, to: "m.gguf")
    for command in ["inspect", "verify"] {
      for json in [false, true] {
        let outcome = try Tool.run(
          [command, "m.gguf"] + (json ? ["--json"] : []), in: bench.folder)
        try expectHarmless(outcome, isJSON: json)
      }
    }
  }

  @Test("what a model writes is harmless on a terminal and exact in a pipe")
  func generated() throws {
    #expect(visible("a\u{1B}[2Jb\n\tc") == "a\\u{1B}[2Jb\n\tc")
    let prompt = "the\u{1B}[2Jcat"
    let piped = try Tool.run(
      ["generate", "models/gpt2", "-p", prompt, "--max-tokens", "2"], in: bench.folder)
    #expect(piped.output.hasPrefix(prompt))
    // 'script' gives the program a terminal; where there is none, nothing is asked.
    let shown = try Tool.shell(
      "command -v script >/dev/null || { echo none; exit; }\n"
        + "script -qec \"$hh generate models/gpt2 -p '\(prompt)' --max-tokens 2\" /dev/null",
      in: bench.folder)
    #expect(shown.output.hasPrefix("the\\u{1B}[2Jcat") || shown.output == "none\n", "\(shown)")
  }
}
