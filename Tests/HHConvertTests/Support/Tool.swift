// Running the built program as a user does: a working folder, arguments, streams, exit status.

import Foundation
import Glibc
import HHFormat
import HHTestSupport
import Testing

/// The program that this package builds.
enum Tool {
  /// What one run printed and how it ended.
  struct Outcome {
    let output: String
    let errors: String
    /// The exit status; 128 and the signal's number where a signal ended the process.
    let status: Int32

    /// The lines of standard output.
    var lines: [String] { output.split(separator: "\n").map(String.init) }
  }

  /// The binary, which lies beside the test bundle.
  static var path: String {
    get throws { join(directory(of: try resolvedPath("/proc/self/exe")), "hh-convert") }
  }

  /// Runs the program to its end in `folder`.
  static func run(_ arguments: String..., in folder: TemporaryDirectory) throws -> Outcome {
    try run(arguments, in: folder)
  }

  /// Runs the program to its end in `folder`.
  static func run(_ arguments: [String], in folder: TemporaryDirectory) throws -> Outcome {
    try execute(try path, arguments, in: folder)
  }

  /// Runs a line of shell, in which `$hh` is the program.
  static func shell(_ line: String, in folder: TemporaryDirectory) throws -> Outcome {
    // Debian's sh, dash, can miss the end of a process that its 'wait' waits for, and waits for ever.
    try execute("/bin/bash", ["-c", "hh=\(try path)\n\(line)"], in: folder)
  }

  private static func execute(
    _ program: String, _ arguments: [String], in folder: TemporaryDirectory
  ) throws -> Outcome {
    let process = prepared(program, arguments, in: folder)
    // Files, not pipes: nobody has to read one stream while the other fills.
    let logs = try TemporaryDirectory()
    try logs.write("", to: "output")
    try logs.write("", to: "errors")
    process.standardOutput = try FileHandle(forWritingTo: URL(filePath: logs.path("output")))
    process.standardError = try FileHandle(forWritingTo: URL(filePath: logs.path("errors")))
    try process.run()
    process.waitUntilExit()
    return Outcome(
      output: try String(contentsOfFile: logs.path("output"), encoding: .utf8),
      errors: try String(contentsOfFile: logs.path("errors"), encoding: .utf8),
      status: status(of: process))
  }

  /// Runs the program with `--json`, sends it signals as soon as a line of standard output contains
  /// `mark`, and waits for its end. Before the last of several signals `between` is called.
  static func run(
    _ arguments: [String], in folder: TemporaryDirectory, until mark: String,
    then signals: Int32..., between: () throws -> Void = {}
  ) throws -> Outcome {
    let process = prepared(
      "/usr/bin/env", try Self.hearingSignals + arguments + ["--json"], in: folder)
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    var seen = Data()
    var isSent = false
    while case let data = output.fileHandleForReading.availableData, !data.isEmpty {
      seen += data
      guard !isSent, String(decoding: seen, as: UTF8.self).contains(mark) else { continue }
      for (index, signal) in signals.enumerated() {
        if index > 0, index == signals.count - 1 { try between() }
        isSent = kill(process.processIdentifier, signal) == 0
      }
    }
    process.waitUntilExit()
    #expect(isSent, "the mark '\(mark)' was never printed")
    return Outcome(
      output: String(decoding: seen, as: UTF8.self),
      errors: String(
        decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self),
      status: status(of: process))
  }

  /// Arguments of `env` that run the program with signals as a terminal gives them: where the tests
  /// run under nohup or in the background, some would else be ignored.
  static var hearingSignals: [String] {
    get throws { ["--default-signal=HUP,INT,TERM,QUIT,USR1", try path] }
  }

  private static func prepared(
    _ program: String, _ arguments: [String], in folder: TemporaryDirectory
  ) -> Process {
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    process.currentDirectoryURL = URL(filePath: folder.path)
    return process
  }

  private static func status(of process: Process) -> Int32 {
    process.terminationReason == .uncaughtSignal
      ? 128 + process.terminationStatus : process.terminationStatus
  }
}
