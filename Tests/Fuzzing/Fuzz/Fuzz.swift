// Feeds a reader with bytes that libFuzzer makes up; scripts/fuzz builds and runs it.
//
//     fuzz READER --seeds FOLDER     writes the reader's seeds as a corpus
//     fuzz READER [libFuzzer's arguments]

import CFuzzer
import Glibc
import HHFormat
import HHTestSupport
import ReaderProbes

/// The probe that the callback feeds, which can carry nothing of its own. Set once, before the
/// first call; libFuzzer calls from one thread.
nonisolated(unsafe) private var probe: (any ReaderProbe)?

@main
struct Fuzz {
  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count > 1, let reader = Reader(rawValue: arguments[1]) else {
      print("usage: fuzz \(Reader.allCases.map(\.rawValue).joined(separator: "|")) …")
      exit(64)
    }
    let folder = try TemporaryDirectory()
    if arguments.count == 4, arguments[2] == "--seeds" {
      try writeSeeds(of: reader, to: arguments[3])
      return
    }
    unsafe probe = try reader.probe.init(in: folder)
    exit(run([arguments[0]] + arguments.dropFirst(2)))
  }

  private static func run(_ arguments: [String]) -> Int32 {
    var count = Int32(arguments.count)
    // Safe: the copies live as long as the process, which ends when the driver returns.
    var pointers = unsafe arguments.map { unsafe strdup($0) } + [nil]
    return unsafe pointers.withUnsafeMutableBufferPointer { buffer in
      var base = unsafe buffer.baseAddress
      return unsafe LLVMFuzzerRunDriver(&count, &base) { data, size in
        // Safe: libFuzzer lends `size` bytes for the call, which copies them.
        let bytes = unsafe [UInt8](UnsafeBufferPointer(start: data, count: size))
        do {
          _ = try unsafe probe?.verdict(on: bytes)
        } catch {
          print("broken promise: \(error)")
          abort()
        }
        return 0
      }
    }
  }

  private static func writeSeeds(of reader: Reader, to folder: String) throws {
    for (number, bytes) in try reader.probe.seeds().enumerated() {
      var file = try AtomicFile(at: join(folder, "seed-\(number)"), replacing: true)
      try file.write(bytes.raw)
      try file.commit()
    }
  }
}
