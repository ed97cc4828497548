// The end of a process for which the system has no more memory.

internal import Glibc

/// Ends the process in one line, with the status for what may go well another time (75, as in
/// `sysexits.h`): a run goes on from its last checkpoint, where there is more memory.
func endForWantOfMemory(byteCount: Int) -> Never {
  var text =
    "error: memory: expected \(byteCount) bytes more, found that the system has none left\n"
    + "hint: a lower --max-memory, a shorter --length or smaller batches take less\n"
  // Safe: the bytes are the text's, and only read.
  text.withUTF8 { _ = unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
  _exit(75)
}
