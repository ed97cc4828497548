// This program once more, in a process of its own.

import Glibc
import HHData
import HHFormat

/// A run of this program whose crash takes nothing else down.
///
/// Its standard output comes line by line through a pipe, its standard error is kept. It is in a
/// process group of its own, so that Ctrl-C reaches it only through `stop`, and only once: a second
/// signal would end it without cleaning up. It ends with this process, even where that is killed.
@safe
final class ChildProcess {
  /// How a process ended.
  enum End: Equatable {
    case exited(Int32)
    case signalled(Int32)
  }

  /// The reading end of the pipe; becomes readable at the end too.
  let output: Int32
  private let process: pid_t
  private let errors: Int32
  /// Bytes of a line that has not ended yet.
  private var pending: [UInt8] = []
  private var isStopped = false

  /// Starts the program with arguments.
  init(_ arguments: [String]) throws(FormatError) {
    var ends: [Int32] = [-1, -1]
    // Safe: pipe fills the two elements.
    guard unsafe pipe(&ends) == 0 else { throw Self.failure("pipe") }
    output = ends[0]
    defer { close(ends[1]) }
    errors = Self.temporaryFile()
    guard errors >= 0 else { throw Self.failure("tmpfile") }
    // A process that inherited the writing end would keep the pipe from ending.
    for descriptor in ends + [errors] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    process = try Self.spawn(arguments, output: ends[1], errors: errors)
  }

  deinit {
    close(output)
    close(errors)
  }

  /// Asks the process to stop; once.
  func stop(by signal: Int32) {
    guard !isStopped else { return }
    isStopped = true
    kill(process, signal)
  }

  /// The lines that have come since the last call, where `output` is readable; nil at the end.
  func readLines() -> [String]? {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    // Safe: read fills at most the buffer.
    let count = unsafe buffer.withUnsafeMutableBytes {
      unsafe read(output, $0.baseAddress, $0.count)
    }
    if count < 0 && errno == EINTR { return [] }
    guard count > 0 else { return nil }
    pending += buffer[..<count]
    var lines: [String] = []
    while let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
      lines.append(String(decoding: pending[..<end], as: UTF8.self))
      pending.removeSubrange(...end)
    }
    return lines
  }

  /// Waits for the end; gives how it ended and what was written to standard error.
  func wait() -> (end: End, errors: String) {
    var status: Int32 = 0
    // Safe: the call fills the status.
    while unsafe waitpid(process, &status, 0) < 0 && errno == EINTR {}
    // The layout of a wait status, of which the macros are not visible to Swift.
    let signal = status & 0x7F
    return (signal == 0 ? .exited(status >> 8 & 0xFF) : .signalled(signal), standardError)
  }

  private var standardError: String {
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    // Safe: pread fills at most the buffer.
    let count = unsafe bytes.withUnsafeMutableBytes {
      unsafe pread(errors, $0.baseAddress, $0.count, 0)
    }
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }

  /// A file without a name. A pipe would not do: nobody empties it while the process runs.
  private static func temporaryFile() -> Int32 {
    // Safe: the stream is closed once its descriptor has been copied.
    guard let stream = unsafe tmpfile() else { return -1 }
    defer { unsafe fclose(stream) }
    return unsafe dup(fileno(stream))
  }

  private static func spawn(
    _ arguments: [String], output: Int32, errors: Int32
  ) throws(FormatError) -> pid_t {
    var actions = unsafe posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    // Safe (all below): the structures live until the end of this function, which initialises and
    // destroys them; the argument texts are copies that are freed at its end.
    unsafe posix_spawn_file_actions_init(&actions)
    unsafe posix_spawnattr_init(&attributes)
    var words = unsafe (["hh-convert"] + arguments).map { unsafe strdup($0) } + [nil]
    var variables = unsafe Self.variables
    defer {
      unsafe posix_spawn_file_actions_destroy(&actions)
      unsafe posix_spawnattr_destroy(&attributes)
      unsafe words.forEach { unsafe free($0) }
      unsafe variables.forEach { unsafe free($0) }
    }
    unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    unsafe posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    unsafe posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)
    unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
    unsafe posix_spawnattr_setpgroup(&attributes, 0)
    var process: pid_t = 0
    // The link leads to this program even where its file was replaced meanwhile.
    let code = unsafe posix_spawn(
      &process, "/proc/self/exe", &actions, &attributes, &words, &variables)
    guard code == 0 else {
      errno = code
      throw failure("posix_spawn")
    }
    return process
  }

  /// Copies of the environment's variables, for the caller to free, and one more with the number of
  /// this process.
  private static var variables: [UnsafeMutablePointer<CChar>?] {
    let name = Launcher.parentVariable + "="
    // Safe: the environment ends with a null pointer, and nobody changes it meanwhile.
    var variables = unsafe [strdup("\(name)\(getpid())")]
    var next = unsafe environ
    while let entry = unsafe next.pointee {
      let isOwn = unsafe strncmp(entry, name, name.utf8.count) == 0
      if !isOwn { unsafe variables.append(strdup(entry)) }
      unsafe next += 1
    }
    return unsafe variables + [nil]
  }

  /// In a process that `batch` started: ends it with that one.
  static func followParent() {
    guard let parent = environmentVariable(Launcher.parentVariable).flatMap({ pid_t($0) }) else {
      return
    }
    endWithParent(parent)
  }

  private static func failure(_ call: String) -> FormatError {
    let code = errno
    // The system may have room for another process later.
    return FormatError(
      code == EAGAIN || code == ENOMEM ? .exhausted : .io, file: "/proc/self/exe",
      problem: "\(call) failed: \(systemMessage(code))")
  }
}
