// The forged defects of all formats together.

import HHFormat
import HHTestSupport
import Testing

@Suite("Hostile files")
struct HostileFilesTests {
  @Test("there are more than two hundred, each with a name and content of its own")
  func distinct() throws {
    let safetensors = SafetensorsDefect.all.map { ("safetensors, \($0.name)", $0.bytes) }
    let indexes = IndexDefect.all.map { ("index, \($0.name)", Array($0.text.utf8)) }
    let configurations = try ConfigurationDefect.all.map { defect in
      let path = Fixtures.path("golden/forward/\(defect.golden)/config.json")
      let file = try MappedFile(at: path)
      let text = String(decoding: file.bytes.copied(), as: UTF8.self)
      return ("configuration, \(defect.name)", defect.bytes(from: text))
    }
    let gguf = GGUFDefect.all.map { ("GGUF, \($0.name)", $0.bytes) }
    let models = GGUFModelDefect.all.map { defect in
      ("GGUF model, \(defect.name)", defect.files.flatMap { Array($0.name.utf8) + $0.bytes })
    }
    let all = safetensors + indexes + configurations + gguf + models
    #expect(all.count > 200)
    #expect(Set(all.map(\.0)).count == all.count)
    // Two formats may share a defect such as an empty file.
    let contents = [
      safetensors.map(\.1), indexes.map(\.1), configurations.map(\.1), gguf.map(\.1),
      models.map(\.1),
    ]
    for contents in contents { #expect(Set(contents).count == contents.count) }
  }
}
