// Files carried inside artifacts.

import HHTestSupport
import Testing

@testable import HHFormat

@Suite("CarriedFile")
struct SidecarFileTests {
  private let folder: TemporaryDirectory
  private let path: String

  init() throws {
    folder = try TemporaryDirectory()
    path = folder.path("a.zst")
    try ArtifactSamples.write(
      to: path, tensors: ArtifactSamples.fewTensors(), files: ArtifactSamples.files)
  }

  @Test("what goes in comes out, and is no tensor of the model")
  func roundTrip() throws {
    let reader = try ArtifactReader(at: path)
    #expect(reader.carriedFiles.map(\.name) == ArtifactSamples.files.map(\.name))
    for file in ArtifactSamples.files {
      #expect(try reader.readFile(file.name) == file.content)
    }
    let checkpoint = try Checkpoint(opening: path)
    let tensors = ArtifactSamples.fewTensors()
    #expect(checkpoint.tensors.map(\.name) == tensors.filter { $0.origin != .state }.map(\.name))
    #expect(try SidecarFiles(of: checkpoint).files == ArtifactSamples.files)
    #expect(try ArtifactVerifier.verify(at: path).tensors == tensors.count + 3)
  }

  @Test("a file that is not carried is an error that says so")
  func unknown() throws {
    let reader = try ArtifactReader(at: path)
    let error = #expect(throws: FormatError.self) { try reader.readFile("vocab.json") }
    #expect(error?.place == "file 'vocab.json'")
  }

  @Test(
    "a name that leads out of a folder is never written", arguments: ["../x", "/x", "..", "a/b"])
  func escapingName(name: String) throws {
    let error = #expect(throws: FormatError.self) {
      try ArtifactSamples.write(
        to: folder.path("b.zst"), tensors: [], files: [.init(name: name, content: [1])])
    }
    #expect(error?.problem.contains("plain name") == true)
    #expect(try directoryEntries(of: folder.path) == ["a.zst"])
  }
}
