// Writing to the standard streams and asking what they are.

import Glibc
import HHFormat

/// The process's standard streams.
enum Terminal {
  /// Opens what cannot be written to in the place of every standard stream that is closed: a file
  /// opened later would get the stream's number, and with it all that is printed.
  static func ensureStandardStreams() {
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO]
    where fcntl(descriptor, F_GETFD) < 0 {
      // The lowest free number is this one, as those below it are taken.
      // Safe: the path is passed as a C string.
      guard unsafe open("/dev/null", O_RDONLY) == descriptor else {
        exit(ExitStatus.io.rawValue)
      }
    }
  }

  /// Whether standard error is a terminal that shows a live line.
  static var isLive: Bool { isatty(STDERR_FILENO) == 1 }

  /// Columns of the terminal on standard error.
  static var width: Int {
    var size = winsize()
    // Safe: `size` is a valid destination for the duration of the call.
    let result = unsafe ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size)
    return result == 0 && size.ws_col > 20 ? Int(size.ws_col) : 80
  }

  /// Writes to standard output what is a command's result; a failure ends the command.
  static func print(_ text: String) throws(ReportedFailure) {
    try printExactly(visible(text))
  }

  /// Writes to standard output what a model wrote: exactly where a file or a program takes it, and
  /// harmlessly where a terminal does.
  static func print(written text: String) throws(ReportedFailure) {
    try printExactly(isTerminal ? visible(text) : text)
  }

  private static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

  private static func printExactly(_ text: String) throws(ReportedFailure) {
    let code = write(text, to: STDOUT_FILENO)
    // A reader that went away has seen enough.
    guard code == 0 || code == EPIPE else {
      throw ReportedFailure(
        message: "standard output: write failed: \(systemMessage(code))", status: .io)
    }
  }

  /// Writes to standard output what goes along with a result. No failure here is a reason to lose
  /// a conversion.
  static func show(_ text: String) { _ = write(visible(text), to: STDOUT_FILENO) }

  /// Writes to standard output a part of what a model writes, as it comes.
  static func show(written text: String) {
    _ = write(isTerminal ? visible(text) : text, to: STDOUT_FILENO)
  }

  /// Writes to standard error.
  static func writeError(_ text: String) { _ = write(visible(text), to: STDERR_FILENO) }

  /// Writes a line to standard error over the one that the cursor is on, which stays there.
  static func showLiveLine(_ text: String) {
    clearLiveLine()
    writeError(String(inline(text).prefix(width - 1)))
  }

  /// Clears the line that the cursor is on.
  static func clearLiveLine() { _ = write("\r\u{1B}[K", to: STDERR_FILENO) }

  /// Writes all of a text; gives the system's error number, or 0.
  private static func write(_ text: String, to descriptor: Int32) -> Int32 {
    var text = text
    return text.withUTF8 { bytes in
      var written = 0
      while written < bytes.count {
        // Safe: the range lies inside the borrowed bytes.
        let count = unsafe Glibc.write(
          descriptor, bytes.baseAddress?.advanced(by: written), bytes.count - written)
        if count < 0 && errno == EINTR { continue }
        if count <= 0 { return errno }
        written += count
      }
      return 0
    }
  }
}
