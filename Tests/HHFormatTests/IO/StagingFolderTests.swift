// Outputs that appear whole or not at all.

import Foundation
import Glibc
import HHFormat
import HHTestSupport
import Synchronization
import Testing

@Suite("StagingFolder")
struct StagingFolderTests {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func contents(_ name: String = ".") throws -> [String] {
    try directoryEntries(of: folder.path(name))
  }

  @Test("a folder appears with all its files")
  func publish() throws {
    let staging = try StagingFolder(for: folder.path("out/"), replacing: false)
    try staging.write([1, 2], to: "a.safetensors")
    try staging.write([3], to: "config.json")
    #expect(try !contents().contains("out"))
    try staging.publish()
    #expect(try contents() == ["out"])
    #expect(try contents("out") == ["a.safetensors", "config.json"])
  }

  @Test("a file appears alone")
  func publishFile() throws {
    let staging = try StagingFolder(for: folder.path("out"), replacing: false)
    try staging.write([1, 2], to: "some name")
    try staging.publish(file: "some name")
    #expect(try contents() == ["out"])
    #expect(try MappedFile(at: folder.path("out")).count == 2)
  }

  @Test("what is not published goes")
  func discard() throws {
    do {
      let staging = try StagingFolder(for: folder.path("out"), replacing: false)
      try staging.write([1, 2], to: "a")
      #expect(try contents().count == 1)
    }
    #expect(try contents() == [])
  }

  @Test("an older export is replaced as a whole, a file too")
  func replace() throws {
    try folder.write("old", to: "out/config.json")
    try folder.write("old", to: "out/model.safetensors")
    try folder.write("old", to: "file")
    let staging = try StagingFolder(for: folder.path("out"), replacing: true)
    try staging.write([1], to: "config.json")
    try staging.publish()
    #expect(try contents("out") == ["config.json"])
    let second = try StagingFolder(for: folder.path("file"), isFile: true, replacing: true)
    try second.write([1], to: "x")
    try second.publish(file: "x")
    #expect(try contents() == ["file", "out"])
    #expect(try MappedFile(at: folder.path("file")).count == 1)
  }

  @Test("the name of a folder that is replaced is never without a folder, and keeps its mode")
  func exchange() throws {
    try folder.write("old", to: "out/config.json")
    try #require(unsafe chmod(folder.path("out"), 0o700) == 0)
    let path = folder.path("out")
    let isDone = Atomic(false)
    let absences = Atomic(0)
    let watcher = Thread {
      while !isDone.load(ordering: .relaxed) {
        if unsafe access(path, F_OK) != 0 { absences.add(1, ordering: .relaxed) }
      }
    }
    watcher.start()
    for round in 0..<200 {
      let staging = try StagingFolder(for: path, replacing: true)
      try staging.write([UInt8(round)], to: "config.json")
      try staging.publish()
    }
    isDone.store(true, ordering: .relaxed)
    #expect(absences.load(ordering: .relaxed) == 0)
    #expect(try contents() == ["out"] && contents("out") == ["config.json"])
    var status = stat()
    // Safe: the status outlives the call.
    try #require(unsafe stat(path, &status) == 0)
    #expect(status.st_mode & 0o777 == 0o700)
  }

  @Test("what appeared meanwhile is not replaced")
  func race() throws {
    let staging = try StagingFolder(for: folder.path("out"), replacing: false)
    try staging.write([1], to: "config.json")
    try folder.write("theirs", to: "out/config.json")
    #expect(failure(of: staging).contains("exists already"))
    let second = try StagingFolder(for: folder.path("file"), isFile: true, replacing: false)
    try second.write([1], to: "x")
    try folder.write("theirs", to: "file")
    #expect(failure(of: second, file: "x").contains("exists already"))
    #expect(try contents() == ["file", "out"])
    #expect(try MappedFile(at: folder.path("file")).count == 6)
  }

  @Test(
    "a name that cannot be taken is refused at once",
    arguments: [
      ("there", false, "exists already"), ("notes", true, "expected a model's folder"),
      ("tree", true, "found the folder 'sub'"), ("", true, "expected the name"),
      ("..", true, "expected the name"), ("absent/out", false, "cannot be created"),
      ("there/x", false, "cannot be created"), ("there", true, "expected a folder to replace"),
      ("link", true, "expected a folder to replace"), ("link/", true, "expected a folder to"),
      (String(repeating: "x", count: 256), false, "File name too long"),
    ])
  func refusals(_ name: String, _ replacing: Bool, _ problem: String) throws {
    try folder.write("", to: "there")
    try folder.write("", to: "notes/notes.txt")
    try folder.write("", to: "tree/config.json")
    try folder.write("", to: "tree/sub/x")
    try folder.write("", to: "model/config.json")
    try folder.link("link", to: "model")
    let before = try contents()
    #expect {
      _ = try StagingFolder(for: name.isEmpty ? "" : folder.path(name), replacing: replacing)
    } throws: { error in
      (error as? FormatError)?.kind == .cannotCreate && "\(error)".contains(problem)
    }
    #expect(try contents() == before)
  }

  @Test("one file takes the place of a file only, or of a link to one")
  func files() throws {
    try folder.write("old", to: "model/config.json")
    try folder.link("folder", to: "model")
    try folder.link("file", to: "model/config.json")
    for name in ["model", "folder", "/dev/null"] {
      let path = name.hasPrefix("/") ? name : folder.path(name)
      let error = #expect(throws: FormatError.self) {
        _ = try StagingFolder(for: path, isFile: true, replacing: true)
      }
      #expect(error?.problem == "expected a file to replace, found a folder or a device")
    }
    let staging = try StagingFolder(for: folder.path("file"), isFile: true, replacing: true)
    try staging.write([1], to: "x")
    try staging.publish(file: "x")
    #expect(try MappedFile(at: folder.path("file")).count == 1)
    #expect(try MappedFile(at: folder.path("model/config.json")).count == 3)
  }

  /// What publishing fails with.
  private func failure(of staging: consuming StagingFolder, file: String? = nil) -> String {
    do throws(FormatError) {
      if let file { try staging.publish(file: file) } else { try staging.publish() }
      return ""
    } catch {
      return error.description
    }
  }
}
