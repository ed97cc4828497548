// The schemas are sound, and a broken one says where.

import HHCompute
import HHFormat
import HHTestSupport
import Testing

@Suite("ArchitectureSchema")
struct ArchitectureSchemaTests {
  @Test("all four architectures parse")
  func all() throws {
    let schemas = try ArchitectureSchema.all()
    #expect(schemas.map(\.architecture) == ["gpt2", "bert", "vit", "llama"])
    #expect(schemas.map(\.kind) == [.decoder, .encoder, .image, .decoder])
    #expect(ArchitectureSchema.names(of: schemas) == "gpt2, bert, vit or llama")
    for schema in schemas {
      #expect(try ArchitectureSchema.named(schema.architecture).modelTypes == schema.modelTypes)
    }
    #expect(
      throws: FormatError(
        .unsupported, file: "t5",
        problem: "unknown architecture: expected gpt2, bert, vit or llama, found 't5'")
    ) { try ArchitectureSchema.named("t5") }
  }

  @Test("roles and names are unique, ties and shapes refer to what exists")
  func references() throws {
    for schema in try ArchitectureSchema.all() {
      let roles = schema.tensors.map(\.role)
      #expect(Set(roles).count == roles.count, "\(schema.architecture)")
      let names = schema.tensors.flatMap(\.names) + schema.dropped.map(\.name)
      #expect(Set(names).count == names.count, "\(schema.architecture)")
      let gguf = schema.tensors.compactMap(\.gguf)
      #expect(Set(gguf).count == gguf.count, "\(schema.architecture)")
      let known = Set(
        schema.configuration.map(\.name) + [
          "headSize", "queryWidth", "keyValueWidth", "positionCount", "labelCount",
        ])
      for tensor in schema.tensors {
        #expect(tensor.tiedTo.map { roles.contains($0) } ?? true, "\(tensor.role)")
        for name in tensor.shape.compactMap(\.name) {
          #expect(known.contains(name), "\(schema.architecture) \(tensor.role) \(name)")
        }
        if case .when(let condition) = tensor.presence { #expect(known.contains(condition)) }
        #expect(tensor.names.allSatisfy { $0.contains("{layer}") == tensor.isPerLayer })
      }
      let groups = schema.tensors.compactMap {
        if case .group(let name) = $0.presence { name } else { nil }
      }
      #expect(!schema.heads.isEmpty)
      for head in schema.heads {
        #expect(roles.contains(head.role) && head.groups.allSatisfy(groups.contains))
      }
      for end in schema.residualOutputs {
        #expect(roles.contains { $0.hasSuffix(end) }, "\(schema.architecture) \(end)")
      }
    }
  }

  private static let minimal = """
    {"architecture":"a","modelTypes":["a"],"kind":"decoder","block":{"norm":"rms",
    "normPlacement":"before","positions":"rotary","mlp":"plain","embeddingNorm":false,
    "finalNorm":true},"detect":["x"],"prefixes":[""],"classPrefix":"A","heads":[{"suffix":"H","loader":"L",
    "role":"r"}],"initializerRange":0.5,"configuration":[{"name":"n","keys":["k"],
    "type":"integer","default":3}],"tensors":[{"role":"r","names":["x"],"shape":[2,"n","3*n"],
    "stored":"input-output","when":"n"}]}
    """

  private func parse(_ text: String) throws -> ArchitectureSchema {
    try ArchitectureSchema(parsing: Array(text.utf8), file: "schema")
  }

  @Test("a minimal schema is read as it says")
  func minimal() throws {
    let schema = try parse(Self.minimal)
    #expect(schema.block.norm == "rms" && schema.initializerRange == 0.5)
    #expect(schema.configuration.map(\.isInferable) == [true])
    #expect(schema.requires.isEmpty && schema.dropped.isEmpty && schema.renames.isEmpty)
    let tensor = try #require(schema.tensors.first)
    #expect(tensor.shape.map(\.factor) == [2, 1, 3])
    #expect(tensor.shape.map(\.name) == [nil, "n", "n"])
    #expect(tensor.presence == .when("n"))
    #expect(tensor.isInputMajor && tensor.tiedTo == nil && tensor.gguf == nil)
  }

  @Test(
    "a malformed schema names the key",
    arguments: [
      (#""architecture":"a""#, #""architecture":1"#, "key 'architecture'", "expected a string"),
      (#""architecture":"a","#, "", "key 'architecture'", "expected a string"),
      (#""kind":"decoder""#, #""kind":"x""#, "key 'kind'", "expected one of the known words"),
      (#""modelTypes":["a"]"#, #""modelTypes":[1]"#, "key 'modelTypes'", "expected strings"),
      (#""prefixes":[""]"#, #""prefixes":{}"#, "key 'prefixes'", "expected a list"),
      (#""finalNorm":true"#, #""finalNorm":1"#, "key 'finalNorm'", "expected true or false"),
      (#""norm":"rms","#, "", "key 'norm'", "expected a string"),
      (#""type":"integer""#, #""type":"int""#, "key 'type'", "expected one of the known words"),
      (#""role":"r","#, "", "key 'role'", "expected a string"),
      (#"[2,"n","3*n"]"#, #"[2.5]"#, "key 'shape'", "expected a number or a name"),
      (#""classPrefix":"A","#, "", "key 'classPrefix'", "expected a string"),
      (#""heads":[{"suffix":"H""#, #""heads":[{"suffix":1"#, "key 'suffix'", "expected a string"),
      (#""initializerRange":0.5,"#, "", "key 'initializerRange'", "expected a number"),
      (#""loader":"L","#, "", "key 'loader'", "expected a string"),
      (#""block":{"#, #""blocks":{"#, "key 'block'", "expected a value, found none"),
    ])
  func malformed(original: String, change: String, place: String, problem: String) throws {
    #expect(Self.minimal.contains(original))
    let text = Self.minimal.replacing(original, with: change)
    #expect(throws: FormatError(.badData, file: "schema", place: place, problem: problem)) {
      try parse(text)
    }
  }

  @Test("text that is no JSON is an error with its position")
  func notJSON() throws {
    let error = try #require(throws: FormatError.self) { try parse("{]") }
    #expect(error.problem.hasPrefix("byte 1: "))
  }
}
