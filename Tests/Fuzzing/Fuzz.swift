// Feeds a reader with bytes that libFuzzer makes up; scripts/fuzz builds and runs it.
//
//     HH_READER=READER fuzz [libFuzzer's arguments]
//     HH_READER=READER HH_SEEDS=FOLDER fuzz            writes the reader's seeds as a corpus
//
// The main function is libFuzzer's, which calls the two functions below.

import Glibc
import HHFormat
import HHTestSupport
import ReaderProbes

/// The probe that is fed. libFuzzer sets up and calls from one thread.
nonisolated(unsafe) private var probe: (any ReaderProbe)?

/// Called once, before the first input.
@_cdecl("LLVMFuzzerInitialize")
func initialize(_ count: OpaquePointer?, _ arguments: OpaquePointer?) -> Int32 {
  guard let reader = variable("HH_READER").flatMap(Reader.init(rawValue:)) else {
    print("HH_READER: expected \(Reader.allCases.map(\.rawValue).joined(separator: ", "))")
    exit(64)
  }
  do {
    if let folder = variable("HH_SEEDS") {
      for (number, bytes) in try reader.probe.seeds().enumerated() {
        var file = try AtomicFile(at: join(folder, "seed-\(number)"), replacing: true)
        try file.write(bytes.raw)
        try file.commit()
      }
      exit(0)
    }
    unsafe probe = try reader.probe.init(in: try TemporaryDirectory())
  } catch {
    print(error)
    exit(70)
  }
  return 0
}

/// Called for each input.
@_cdecl("LLVMFuzzerTestOneInput")
func test(_ data: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
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

private func variable(_ name: String) -> String? {
  // Safe: nothing changes the environment while it is copied.
  unsafe getenv(name).map { unsafe String(cString: $0) }
}
