// Models whose files change while they are read.

import Foundation
import HHCompute
import HHFormat
import HHTestSupport
import HHTraining
import Testing

@testable import HHExport
@testable import HHPipeline

@Suite("Source files")
struct SourceFilesTests {
  private let directory: TemporaryDirectory
  private let model: String

  init() throws {
    directory = try TemporaryDirectory()
    model = try ModelCopy("gpt2").write(to: "gpt2", in: directory)
    try age()
  }

  /// Makes the files old: their clocks are coarse, and a write right after another might bear the
  /// same time.
  private func age() throws {
    for name in ["model.safetensors", "config.json"] {
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSince1970: 1_000_000)],
        ofItemAtPath: join(model, name))
    }
  }

  /// Writes the last byte of a file anew, in place.
  private func overwrite(_ name: String) throws {
    let file = try FileHandle(forUpdating: URL(filePath: join(model, name)))
    let end = try file.seekToEnd()
    try file.seek(toOffset: end - 1)
    try file.write(contentsOf: Data([name == "config.json" ? UInt8(ascii: "}") : 0]))
    try file.close()
  }

  private func expectRefusal(of name: String, _ body: () throws -> Void) {
    do {
      try body()
      Issue.record("\(name) was changed")
    } catch {
      let error = error as? FormatError
      #expect(error?.kind == .badData)
      #expect(error?.file == join(model, name))
      #expect(error?.problem.hasPrefix("changed while it was read: expected ") == true)
    }
    #expect((try? directoryEntries(of: directory.path)) == ["gpt2"])
  }

  @Test(
    "a conversion of files that are written to meanwhile writes nothing",
    arguments: ["model.safetensors", "config.json"], [false, true])
  func conversion(name: String, distils: Bool) throws {
    var options = ConversionOptions(model: model, threads: ThreadPolicy.threads)
    options.output = directory.path("gpt2.hh")
    options.length = 16
    options.distillation.steps = 2
    if !distils { options.stages = [.rewrite] }
    let conversion = try Conversion(options)
    expectRefusal(of: name) {
      _ = try conversion.run { if case .progress(.stage("write")) = $0 { try overwrite(name) } }
    }
    try age()
    let another = try Conversion(options)
    expectRefusal(of: name) {
      _ = try another.run { if case .progress(.written) = $0 { try overwrite(name) } }
    }
    // Reading is no change.
    _ = try Conversion(options).run { _ in }
    #expect(try Completion(of: options) == .done)
  }

  @Test("an export of files that are written to meanwhile writes nothing")
  func export() throws {
    var options = ExportOptions(source: model, target: .safetensors)
    options.output = directory.path("copy.safetensors")
    let export = try Export(options)
    expectRefusal(of: "model.safetensors") {
      try overwrite("model.safetensors")
      _ = try export.run { _ in }
    }
  }

  @Test("only a write into the file that was opened is a change of it")
  func differences() throws {
    let path = join(model, "config.json")
    let identity = try #require(FileIdentity(of: path))
    _ = try Data(contentsOf: URL(filePath: path))
    #expect(identity.change(until: FileIdentity(of: path)) == nil)
    try overwrite("config.json")
    let written = identity.change(until: FileIdentity(of: path))
    #expect(written == "expected no change since it was opened, found a later one")
    let file = try FileHandle(forUpdating: URL(filePath: path))
    try file.truncate(atOffset: 1)
    #expect(identity.change(until: FileIdentity(of: path))?.hasSuffix("bytes, found 1") == true)
    try FileManager.default.removeItem(atPath: path)
    #expect(identity.change(until: FileIdentity(of: path)) == nil)
    // The removed file is still open, so that the new one cannot be given its number.
    try directory.write("{}", to: "gpt2/config.json")
    #expect(identity.change(until: FileIdentity(of: path)) == nil)
    try file.close()
  }
}
