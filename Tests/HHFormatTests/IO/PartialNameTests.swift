// What killed processes left behind goes; what living ones write stays.

import Foundation
import Glibc
import HHTestSupport
import Testing

@testable import HHFormat

@Suite("PartialName")
struct PartialNameTests {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func entries() throws -> [String] { try directoryEntries(of: folder.path) }

  /// The number of a process that has ended.
  private static func deadProcess() throws -> pid_t {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/true")
    try process.run()
    process.waitUntilExit()
    return process.processIdentifier
  }

  private func name(_ output: String, host: String = PartialName.hostName, _ process: pid_t)
    -> String
  { ".\(output).\(host).\(process).partial" }

  @Test("a file and a folder of a killed process go when their output is written again")
  func abandoned() throws {
    let dead = try Self.deadProcess()
    try folder.write("half", to: name("out", dead))
    try folder.write("half", to: ".out.\(PartialName.hostName).\(dead)-3.partial")
    try folder.write("half", to: "\(name("model", dead))/model.safetensors")
    var file = try AtomicFile(at: folder.path("out"), replacing: false)
    try file.commit()
    #expect(try entries() == [name("model", dead), "out"])
    let staging = try StagingFolder(for: folder.path("model"), replacing: false)
    try staging.publish()
    #expect(try entries() == ["model", "out"])
  }

  @Test("what may still be needed stays: of a living process, another machine, another output")
  func needed() throws {
    let dead = try Self.deadProcess()
    let names = [
      name("out", getppid()), name("out", host: "elsewhere", dead), name("other", dead),
      ".out.\(dead).partial", ".out.partial", ".out.\(PartialName.hostName).x.partial",
      name("out", dead) + ".txt",
    ]
    for name in names { try folder.write("half", to: name) }
    var file = try AtomicFile(at: folder.path("out"), replacing: false)
    try file.commit()
    #expect(
      try entries() == (names + ["out"]).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
    removeAbandoned(in: folder.path)
    #expect(try !entries().contains(name("other", dead)))
  }

  @Test("what somebody holds the lock of stays, whatever process its name tells of")
  func locked() throws {
    let path = try folder.write("half", to: name("out", try Self.deadProcess()))
    let lock = try #require(try FileLock(of: path))
    removeAbandoned(in: folder.path)
    #expect(try entries().count == 1)
    withExtendedLifetime(lock) {}
  }

  @Test("a process that is killed while it writes leaves nothing that the next one does not remove")
  func killed() async throws {
    await #expect(processExitsWith: .signal(SIGKILL)) { [folder = folder.path as String] in
      var file = try AtomicFile(at: folder + "/out", replacing: false)
      try file.write([1, 2, 3].raw)
      let staging = try StagingFolder(for: folder + "/model", replacing: false)
      try staging.write([1], to: "config.json")
      kill(getpid(), SIGKILL)
      try staging.publish()
      try file.commit()
    }
    #expect(try entries().count == 2)
    _ = try AtomicFile(at: folder.path("out"), replacing: false)
    _ = try StagingFolder(for: folder.path("model"), replacing: false)
    #expect(try entries().isEmpty)
  }
}
