import Glibc
import HHTestSupport
import Testing

@testable import HHFormat

@Suite("AtomicFile")
struct AtomicFileTests {
  private let folder: TemporaryDirectory
  private let path: String

  init() throws {
    folder = try TemporaryDirectory()
    path = folder.path("out")
  }

  private func entries() throws -> [String] { try directoryEntries(of: folder.path) }
  private func content() throws -> [UInt8] { try ArtifactSamples.content(of: path) }

  @Test("the name appears with the commit, whole")
  func commit() throws {
    var file = try AtomicFile(at: path, replacing: false)
    let pieces: [[UInt8]] = [[1, 2], [], [3]]
    for piece in pieces { try file.write(piece.raw) }
    #expect(file.byteCount == 3)
    #expect(try entries() == [".out.\(PartialName.hostName).\(getpid()).partial"])
    try file.commit()
    #expect(try entries() == ["out"])
    #expect(try content() == [1, 2, 3])
  }

  @Test(
    "a file that is replaced leaves its mode to the new one", arguments: [0o600, 0o640] as [mode_t])
  func mode(_ mode: mode_t) throws {
    try folder.write("secret", to: "out")
    try #require(unsafe chmod(path, mode) == 0)
    var file = try AtomicFile(at: path, replacing: true)
    try file.write([1].raw)
    try file.commit()
    var status = stat()
    // Safe: the status outlives the call.
    try #require(unsafe stat(path, &status) == 0)
    #expect(status.st_mode & 0o777 == mode && status.st_size == 1)
  }

  @Test("without a commit nothing stays")
  func abandoned() throws {
    do {
      var file = try AtomicFile(at: path, replacing: false)
      try file.write([1].raw)
    }
    #expect(try entries().isEmpty)
    var file = try AtomicFile(at: path, replacing: false)
    file.discard()
    file.discard()
    #expect(try entries().isEmpty)
  }

  @Test("an existing file is refused at once, or replaced only by the commit")
  func existing() throws {
    try folder.write([9], to: "out")
    let error = #expect(throws: FormatError.self) { _ = try AtomicFile(at: path, replacing: false) }
    #expect(error?.kind == .cannotCreate)
    #expect(try entries() == ["out"])
    var file = try AtomicFile(at: path, replacing: true)
    try file.write([1, 2].raw)
    #expect(try content() == [9])
    try file.commit()
    #expect(try content() == [1, 2])
    #expect(try entries() == ["out"])
  }

  @Test("a file that appears meanwhile is not replaced")
  func appearedMeanwhile() throws {
    var file = try AtomicFile(at: path, replacing: false)
    try file.write([1].raw)
    try folder.write([9], to: "out")
    do throws(FormatError) {
      try file.commit()
      Issue.record("the file was replaced")
    } catch {
      #expect(error.kind == .cannotCreate)
    }
    #expect(try content() == [9])
    #expect(try entries() == ["out"])
  }

  @Test("two writers of one name do not share a sibling")
  func twoWriters() throws {
    var first = try AtomicFile(at: path, replacing: true)
    var second = try AtomicFile(at: path, replacing: true)
    #expect(try entries().count == 2)
    try first.write([1].raw)
    try second.write([2].raw)
    try first.commit()
    try second.commit()
    #expect(try content() == [2])
    #expect(try entries() == ["out"])
  }

  @Test(
    "a folder, a device and a missing folder are no outputs", arguments: ["", "/", "/dev/null"])
  func notAFile(output: String) throws {
    let error = #expect(throws: FormatError.self) {
      _ = try AtomicFile(at: output, replacing: true)
    }
    #expect(error?.kind == .cannotCreate)
    let inside = folder.path("missing/out")
    let other = #expect(throws: FormatError.self) {
      _ = try AtomicFile(at: inside, replacing: true)
    }
    #expect(other?.kind == .cannotCreate)
  }

  @Test("bytes that were written can be replaced, and writing goes on at the end")
  func overwrite() throws {
    var file = try AtomicFile(at: folder.path("out"), replacing: false)
    try file.write(Array("....weights".utf8).raw)
    try file.overwrite(at: 0, Array("head".utf8).raw)
    try file.write(Array(".".utf8).raw)
    #expect(file.byteCount == 12)
    try file.commit()
    #expect(try content() == Array("headweights.".utf8))
  }

  @Test("a name as long as names may be")
  func longName() throws {
    let name = String(repeating: "\u{e9}", count: 127)
    var file = try AtomicFile(at: folder.path(name), replacing: false)
    try file.commit()
    #expect(try entries() == [name])
  }

  @Test("a name that is too long, or that a dangling link has, is refused at once")
  func unusableNames() throws {
    try folder.link("link", to: "nowhere")
    for (name, problem) in [
      (String(repeating: "x", count: 256), "File name too long"), ("link", "exists already"),
    ] {
      let error = #expect(throws: FormatError.self) {
        _ = try AtomicFile(at: folder.path(name), replacing: false)
      }
      #expect(error?.kind == .cannotCreate)
      #expect(error?.problem.contains(problem) == true, "\(String(describing: error))")
    }
    #expect(try entries() == ["link"])
  }

  @Test("a full disk is an error, the old file stays and nothing else does")
  func fullDisk() async throws {
    try folder.write("precious", to: "out")
    // A limit on the size of files stands in for a full disk. It holds for a whole process, so a
    // process of its own gets it.
    await #expect(processExitsWith: .success) { [folder = folder.path as String] in
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 5000, rlim_max: 5000)
      // Safe: the limit outlives the call.
      guard unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0 else {
        exit(2)
      }
      do throws(FormatError) {
        _ = try ArtifactWriter.write(
          to: folder + "/out", description: ArtifactSamples.description,
          tensors: ArtifactSamples.tensors(), options: ArtifactOptions(replacing: true))
        exit(3)
      } catch {
        guard error.kind == .io, error.problem.contains("no space left") else { exit(4) }
      }
    }
    #expect(try entries() == ["out"])
    #expect(try content() == Array("precious".utf8))
  }
}
