// How a run failed, for programs that look at its folder: `last-error.json`.

internal import Glibc
internal import HHFormat

/// The last failure of a run.
package struct RunFailure: Sendable {
  /// The name of its file in the folder of the run.
  package static let fileName = "last-error.json"

  private let sentence: String
  private let status: Int32

  /// Takes the error's sentence and the exit status.
  package init(sentence: String, status: Int32) {
    (self.sentence, self.status) = (sentence, status)
  }

  /// What the file holds.
  private var json: JSONValue {
    .object([
      "error": .string(sentence), "status": .integer(Int(status)), "time": .string(Self.time),
    ])
  }

  /// The time of day in UTC, such as `2026-11-30T22:49:08Z`.
  private static var time: String {
    var text = [CChar](repeating: 0, count: 32)
    // Safe: all values outlive the calls, which write at most the bytes of the array.
    let count = unsafe text.withUnsafeMutableBufferPointer { buffer -> Int in
      var (seconds, parts) = unsafe (Glibc.time(nil), tm())
      guard let base = buffer.baseAddress, unsafe gmtime_r(&seconds, &parts) != nil
      else { return 0 }
      return unsafe strftime(base, buffer.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
    }
    return String(decoding: text.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// Writes the file, whole or not at all.
  fileprivate func write(to path: String) throws(FormatError) {
    var file = try AtomicFile(at: path, replacing: true)
    try file.write(Array("\(json.text)\n".utf8).raw)
    try file.commit()
  }
}

extension RunFolder {
  /// Notes how the run failed, or with nil that it has not. What cannot be noted, as on a full disk,
  /// is not: the failure itself is what counts.
  package func record(_ failure: RunFailure?) {
    let path = join(path, RunFailure.fileName)
    guard let failure else { return removeFile(at: path) }
    do { try failure.write(to: path) } catch { return }
  }
}
