// A sample of what scripts/mutate does at length: changed bytes are refused or survive a round trip.

import Foundation
import HHFormat
import HHTestSupport
import ReaderProbes
import Testing

extension Reader {
  /// Whether a file of the format shows where it ends. A SentencePiece model is a list of pieces, and
  /// a table one of rows, of which any number will do.
  fileprivate var showsItsEnd: Bool { self != .sentencepiece && self != .text }
}

@Suite("Readers under mutation")
struct ReaderProbeTests {
  /// How many mutations of each seed, and about how many prefixes, are tried.
  private static let count =
    Int(ProcessInfo.processInfo.environment["HH_MUTATIONS"] ?? "").map { max($0, 50) } ?? 80

  @Test("the seeds themselves are sound, and none of their prefixes is", arguments: Reader.allCases)
  func seeds(reader: Reader) throws {
    let probe = try reader.probe.init(in: try TemporaryDirectory())
    for (number, seed) in try reader.probe.seeds().enumerated() {
      #expect(try probe.verdict(on: seed) == .accepted, "seed \(number)")
      // Padding behind the last tensor and a line feed behind a document may be missing.
      let end = (seed.lastIndex { $0 != 0 && $0 != 0x0A } ?? -1) + 1
      for length in stride(from: 0, to: seed.count, by: max(1, seed.count / Self.count)) {
        let verdict = try probe.verdict(on: Array(seed.prefix(length)))
        #expect(
          verdict == .refused || !reader.showsItsEnd || length >= end,
          "seed \(number), \(length) bytes")
      }
    }
  }

  @Test(
    "a changed byte is refused, or makes a file that is read, written and read alike",
    arguments: Reader.allCases)
  func mutations(reader: Reader) throws {
    let probe = try reader.probe.init(in: try TemporaryDirectory())
    for (number, seed) in try reader.probe.seeds().enumerated() {
      var verdicts: [Verdict] = []
      for mutation in Mutations(of: seed, count: Self.count) {
        do {
          verdicts.append(try probe.verdict(on: mutation.bytes))
        } catch {
          Issue.record("seed \(number), byte \(mutation.offset): \(error)")
        }
      }
      #expect(verdicts.contains(.refused))
    }
  }

  @Test("what fuzzing found worth keeping breaks no promise", arguments: Reader.allCases)
  func corpus(reader: Reader) throws {
    let probe = try reader.probe.init(in: try TemporaryDirectory())
    for (name, bytes) in try tarFiles(at: Fixtures.path("fuzz/\(reader.rawValue).tar")) {
      #expect(throws: Never.self, "\(name)") { try probe.verdict(on: bytes) }
    }
  }

  @Test("the mutations of a file are 255 for each byte, all different")
  func everyMutation() {
    let file: [UInt8] = [7, 0, 255, 1]
    let all = Set(Mutations(of: file, count: .max).map(\.bytes))
    #expect(all.count == 255 * 4 && !all.contains(file))
    #expect(Set(Mutations(of: file, count: 10).map(\.offset)) == [0, 1, 2, 3])
  }
}
