// Messages of a user, a line of standard input each.

import Glibc
import HHFormat

/// The lines of standard input. At a terminal each is asked for with a mark.
struct MessageInput {
  private let descriptor: Int32
  private let isTerminal: Bool
  private var bytes: [UInt8] = []
  private var isAtEnd = false
  private var number = 0

  /// Bytes of the longest line.
  private static let maximumLength = 1 << 20

  /// Reads from a descriptor, which is that of standard input.
  init(descriptor: Int32 = STDIN_FILENO) {
    self.descriptor = descriptor
    isTerminal = isatty(descriptor) == 1
  }

  /// The next line with text; nil at the end.
  ///
  /// - Throws: `PipelineError.interrupted` when a signal comes, `FormatError` for what is no text.
  mutating func next() throws -> String? {
    while true {
      if isTerminal { Terminal.writeError("> ") }
      guard let line = try nextLine() else {
        if isTerminal { Terminal.writeError("\n") }
        return nil
      }
      guard let text = String(validating: line, as: UTF8.self) else {
        throw problem("expected UTF-8, found other bytes")
      }
      if text.contains(where: { !$0.isWhitespace }) { return text }
    }
  }

  private mutating func nextLine() throws -> ArraySlice<UInt8>? {
    var searched = 0
    while true {
      if let end = bytes[searched...].firstIndex(of: 0x0A) { return takeLine(to: end) }
      searched = bytes.count
      guard searched <= Self.maximumLength else {
        number += 1
        throw problem("expected at most \(Format.bytes(Self.maximumLength)), found more")
      }
      if isAtEnd { return bytes.isEmpty ? nil : takeLine(to: bytes.count) }
      try readMore()
    }
  }

  private mutating func takeLine(to end: Int) -> ArraySlice<UInt8> {
    let line = bytes[..<end]
    bytes.removeFirst(min(end + 1, bytes.count))
    number += 1
    return line.last == 0x0D ? line.dropLast() : line
  }

  /// Waits for more bytes; a signal meanwhile is heard.
  private mutating func readMore() throws {
    var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    // A signal that comes just before the call does not end it, so it must not last.
    // Safe: the call reads and writes one element, which is there.
    while unsafe poll(&wanted, 1, 200) <= 0 { try Interrupts.check() }
    try Interrupts.check()
    var part = [UInt8](repeating: 0, count: 4096)
    // Safe: as many bytes are read as the array has.
    let count = unsafe read(descriptor, &part, part.count)
    guard count >= 0 || errno == EINTR else {
      throw FormatError(
        .io, file: "standard input", problem: "read failed: \(systemMessage(errno))")
    }
    isAtEnd = count == 0
    bytes += part.prefix(max(0, count))
  }

  private func problem(_ problem: String) -> FormatError {
    FormatError(.badData, file: "standard input", place: "line \(number)", problem: problem)
  }
}
