// Which files go with a model, and that they do.

import Glibc
import HHTestSupport
import Testing

@testable import HHFormat

@Suite("SidecarFiles")
struct SidecarFilesTests {
  private let folder: TemporaryDirectory

  init() throws {
    folder = try TemporaryDirectory()
    var forge = FileForge(seed: 3)
    try folder.write(forge.safetensors([("a", .f32, [2])]), to: "model/model.safetensors")
  }

  private var sidecars: SidecarFiles {
    get throws { try SidecarFiles(of: Checkpoint(opening: folder.path("model"))) }
  }

  @Test("tokenizer, settings, licences and card go along, everything else stays")
  func names() throws {
    let wanted = [
      "LICENSE", "LICENSE.txt", "NOTICE.md", "README.md", "USE_POLICY.md", "chat_template.jinja",
      "generation_config.json", "merges.txt", "tokenizer.json", "tokenizer.model", "vocab.json",
    ]
    let others = [
      "config.json", "train.py", "pytorch_model.bin", "LICENSES/MIT", "x.tokenizer.json",
      "license.py", "chat_template.py",
    ]
    for name in wanted + others { try folder.write("{}", to: "model/\(name)") }
    let found = try sidecars
    #expect(found.files.map(\.name) == wanted)
    #expect(found.files.allSatisfy { $0.content == Array("{}".utf8) })
    #expect(found.skipped.isEmpty)
  }

  @Test("a link that leads out of the folder is refused: whoever made it chose what it shows")
  func linksOut() throws {
    let secret = try folder.write("key", to: "secret/id_rsa")
    try folder.write("mine", to: "model/sub/own")
    try folder.link("model/NOTICE", to: "sub/own")
    #expect(try sidecars.files.map(\.name) == ["NOTICE"])
    try folder.link("model/LICENSE", to: "../secret/id_rsa")
    let error = #expect(throws: FormatError.self) { try sidecars }
    #expect(error?.kind == .badData && error?.file == folder.path("model/LICENSE"))
    #expect(error?.problem.contains("found a link to '\(secret)'") == true)
  }

  @Test("the links of a Hugging Face cache, and into one, are its own")
  func cacheLinks() throws {
    let digest = String(repeating: "0a", count: 20)
    try folder.write("{}", to: "hub/models--m/blobs/\(digest)")
    let snapshot = "hub/models--m/snapshots/r"
    var forge = FileForge(seed: 3)
    try folder.write(
      forge.safetensors([("a", .f32, [2])]), to: "\(snapshot)/model.safetensors")
    try folder.link("\(snapshot)/vocab.json", to: "../../blobs/\(digest)")
    try folder.link("model/vocab.json", to: folder.path("hub/models--m/blobs/\(digest)"))
    let inside = try SidecarFiles(of: Checkpoint(opening: folder.path(snapshot)))
    #expect(inside.files.map(\.name) == ["vocab.json"])
    #expect(try sidecars.files.map(\.name) == ["vocab.json"])
  }

  @Test("folders stay behind, and pipes are refused before anybody waits for them")
  func special() throws {
    try folder.write("", to: "model/LICENSES/MIT")
    #expect(try sidecars.files.isEmpty)
    // Safe: the path is passed as a C string.
    #expect(unsafe mkfifo(folder.path("model/LICENSE"), 0o600) == 0)
    let error = #expect(throws: FormatError.self) { try sidecars }
    #expect(error?.problem == "expected a file, found a pipe")
  }

  @Test("a file that is too large stays behind, and is named")
  func tooLarge() throws {
    let path = try folder.write("", to: "model/tokenizer.json")
    // Safe: the path is passed as a C string.
    let status = unsafe truncate(path, SidecarRules.maximumSize + 1)
    #expect(status == 0)
    let found = try sidecars
    #expect(found.files.isEmpty)
    #expect(found.skipped.map(\.name) == ["tokenizer.json"])
    #expect(found.skipped.map(\.bytes) == [SidecarRules.maximumSize + 1])
  }

  @Test("the metadata of a GGUF model goes along, every type of value")
  func gguf() throws {
    let path = Fixtures.path("golden/gguf/gpt2-base.gguf")
    let checkpoint = try Checkpoint(opening: path)
    let file = try #require(try SidecarFiles(of: checkpoint).files.last)
    #expect(file.name == "gguf.json")
    let document = try JSONValue(parsing: file.content)
    let header = try #require(checkpoint.ggufFiles.first?.header)
    #expect(document["version"]?.integer == header.version)
    #expect(document["metadata"]?.object?.keys == header.metadata.map(\.key))
    #expect(
      document["metadata"]?["general.architecture"]
        == .object(["type": .string("string"), "value": .string("gpt2")]))
  }

  @Test("values of every type and byte order keep their bits", arguments: ["little", "big"])
  func values(order: String) throws {
    let file = try GGUFFile(at: Fixtures.path("golden/gguf/values-\(order).gguf"))
    let text = JSONValue.object(try file.metadataJSON()).text
    let metadata = try #require(try JSONValue(parsing: Array(text.utf8))["metadata"]?.object)
    #expect(metadata.count == file.header.metadata.count)
    for (key, value) in file.header.metadata {
      let entry = try #require(metadata[key])
      #expect(entry["type"]?.string == "\(value.type)")
      if case .array(let array) = value {
        let elements = try file.elements(of: array, key)
        #expect(entry["value"]?.array?.count == elements.count)
        for (json, element) in zip(entry["value"]?.array ?? [], elements) {
          #expect(isSame(json, element), "\(key)")
        }
      } else {
        #expect(isSame(try #require(entry["value"]), value), "\(key)")
      }
    }
  }

  /// Whether JSON gives a value back bit for bit.
  private func isSame(_ json: JSONValue, _ value: GGUFValue) -> Bool {
    switch value {
    case .float32(let value):
      if let bits = json.string { return UInt32(bits.dropFirst(2), radix: 16) == value.bitPattern }
      return json.double.map { Float($0).bitPattern } == value.bitPattern
    case .float64(let value):
      if let bits = json.string { return UInt64(bits.dropFirst(2), radix: 16) == value.bitPattern }
      return json.double?.bitPattern == value.bitPattern
    case .uint64(let value):
      if case .unsigned(let number) = json { return number == value }
      return json.integer.flatMap { UInt64(exactly: $0) } == value
    case .bool(let value): return json.bool == value
    case .string(let value): return json.string == value
    default: return json.integer == value.integer
    }
  }
}
