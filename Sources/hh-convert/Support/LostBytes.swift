// A mapped file that loses bytes while they are read: which one it is, told within a signal handler.

import Glibc
import Synchronization

/// Whether a mapped file has lost bytes that were being read.
private let hasLostBytes = Atomic<Bool>(false)

/// Bytes that are read of a path.
private let lineCapacity = 8192

/// Room for a line of `/proc/self/maps`, a path being of at most 4,096 bytes.
///
/// Safe: it is made before the handler can run, and only the one thread that speaks writes to it.
private nonisolated(unsafe) let line = UnsafeMutableBufferPointer<UInt8>.allocate(
  capacity: lineCapacity)

/// Ends the process in one line where a mapped file loses bytes while they are read.
enum LostBytes {
  /// Takes SIGBUS: Swift's own handler would tell of a crash, and can hang.
  static func handle() {
    // Before a handler needs them.
    unsafe line.initialize(repeating: 0)
    hasLostBytes.store(false, ordering: .relaxed)
    var action = sigaction()
    // Safe: the handler only uses atomics, the buffer, and calls that are allowed in a signal handler:
    // open, read, write, pause and _exit. The text is in the program itself, and as long as it says.
    unsafe action.__sigaction_handler.sa_sigaction = { _, information, _ in
      // Several threads may meet it: one speaks, and ends the others.
      while hasLostBytes.exchange(true, ordering: .relaxed) { pause() }
      let address = unsafe UInt(bitPattern: information?.pointee._sifields._sigfault.si_addr)
      LostBytes.write("error: ")
      let length = LostBytes.pathLength(of: address)
      if length > 0 {
        _ = unsafe Glibc.write(STDERR_FILENO, line.baseAddress, length)
      } else {
        LostBytes.write("input")
      }
      LostBytes.write(
        """
        : expected the bytes that were there when it was opened, found fewer: another program \
        shortened a file that is being read, or its disk failed; nothing was written

        """)
      _exit(ExitStatus.io.rawValue)
    }
    action.sa_flags = SA_SIGINFO
    _ = unsafe sigaction(SIGBUS, &action, nil)
  }

  private static func write(_ text: StaticString) {
    _ = unsafe Glibc.write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
  }

  /// Puts the path of the file that is mapped at an address at the front of the buffer.
  ///
  /// - Returns: Its bytes; 0 where it cannot be found.
  private static func pathLength(of address: UInt) -> Int {
    let file = unsafe open("/proc/self/maps", O_RDONLY)
    guard file >= 0 else { return 0 }
    while true {
      // A line is `from-to rights offset device inode path`, with the addresses in hexadecimal.
      var bounds: (UInt, UInt) = (0, 0)
      var (field, length, byte) = (0, 0, UInt8(0))
      while unsafe read(file, &byte, 1) == 1, byte != 0x0A {
        switch (field, byte) {
        case (0, 0x2D): field = 1
        case (0, _): bounds.0 = bounds.0 << 4 | digit(byte)
        case (1, 0x20): field = 2
        case (1, _): bounds.1 = bounds.1 << 4 | digit(byte)
        // What follows is parted by one space, but for the path.
        case (2...5, 0x20): field += 1
        case (6, 0x20) where length == 0: break
        case (6, _) where length < lineCapacity:
          unsafe line[length] = byte
          length += 1
        default: break
        }
      }
      if field == 0 { return 0 }
      if bounds.0 <= address, address < bounds.1 { return length }
    }
  }

  private static func digit(_ byte: UInt8) -> UInt {
    UInt(byte < 0x3A ? byte &- 0x30 : byte &- 0x57)
  }
}
