// Changes single bytes of sound files, a million times by default, and reads each result.
//
//     mutate [COUNT [READER]]
//
// Every result is refused with an error, or accepted and the same after it was written and read
// again; none takes a second or 256 MB beyond what the process started with. Prints a line for
// each reader. The same count gives the same files.

import Glibc
import HHTestSupport
import ReaderProbes

@main
struct Mutate {
  /// What became of the mutations of one reader's seeds.
  private struct Tally {
    var refused = 0
    var accepted = 0
    var slowest = Duration.zero
  }

  /// Longest time that one file may take.
  private static let limit = Duration.seconds(1)
  /// Most address space that the process may take beyond what it had at the start.
  private static let allowance: UInt = 256 << 20

  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard let count = Int(arguments.first ?? "1000000"), count > 0, arguments.count <= 2,
      let readers = arguments.count == 2
        ? Reader(rawValue: arguments.last ?? "").map({ [$0] }) : Reader.allCases
    else {
      print("usage: mutate [COUNT [\(Reader.allCases.map(\.rawValue).joined(separator: "|"))]]")
      exit(64)
    }
    let seeds = try readers.map { (reader: $0, files: try $0.probe.seeds()) }
    let all = seeds.reduce(0) { sum, seed in seed.files.reduce(sum) { $0 + 255 * $1.count } }
    try limitMemory()
    print("reader           files    refused   accepted    slowest")
    var (total, failures) = (Tally(), 0)
    for (reader, files) in seeds {
      let folder = try TemporaryDirectory()
      let probe = try reader.probe.init(in: folder)
      var tally = Tally()
      for (number, file) in files.enumerated() {
        // Each seed gets a share of the mutations by its size.
        let share = (min(count, all) * 255 * file.count + all - 1) / all
        for mutation in Mutations(of: file, count: share) {
          do {
            try examine(mutation.bytes, with: probe, &tally)
          } catch {
            failures += 1
            print("\(reader) seed \(number), byte \(mutation.offset): \(error)")
          }
        }
      }
      report(reader.rawValue, tally)
      total.refused += tally.refused
      total.accepted += tally.accepted
      total.slowest = max(total.slowest, tally.slowest)
    }
    report("all", total)
    print("peak memory \(try peakMemory())")
    guard failures == 0 else {
      print("\(failures) broken promises")
      exit(1)
    }
  }

  private static func examine(
    _ bytes: [UInt8], with probe: any ReaderProbe, _ tally: inout Tally
  ) throws {
    // Ends the process where a file takes for ever.
    alarm(20)
    var verdict = Verdict.refused
    let time = try ContinuousClock().measure { verdict = try probe.verdict(on: bytes) }
    switch verdict {
    case .refused: tally.refused += 1
    case .accepted: tally.accepted += 1
    }
    tally.slowest = max(tally.slowest, time)
    guard time < limit else { throw Slow(time: time) }
  }

  private static func report(_ name: String, _ tally: Tally) {
    func column(_ text: String, _ width: Int) -> String {
      String(repeating: " ", count: max(1, width - text.count)) + text
    }
    let milliseconds = Int(tally.slowest / .milliseconds(1))
    print(
      name + column("\(tally.refused + tally.accepted)", 22 - name.count)
        + column("\(tally.refused)", 11) + column("\(tally.accepted)", 11)
        + column("\(milliseconds) ms", 11))
  }

  /// Lets no allocation succeed that would go beyond the allowance: it would end the process.
  private static func limitMemory() throws {
    guard let pages = UInt(try word(0, ofLine: "", in: "/proc/self/statm")) else { return }
    let most = pages * UInt(sysconf(Int32(_SC_PAGESIZE))) + allowance
    var limit = rlimit(rlim_cur: most, rlim_max: most)
    // Safe: the call only reads the limits.
    guard unsafe setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0 else {
      throw ProbeFailure.system("setrlimit")
    }
  }

  private static func peakMemory() throws -> String {
    "\(try word(1, ofLine: "VmHWM:", in: "/proc/self/status")) kB"
  }

  /// A word of the first line of a file that begins as given.
  private static func word(_ index: Int, ofLine start: String, in path: String) throws -> String {
    // Files of /proc have no size, so they cannot be mapped.
    guard let file = unsafe fopen(path, "r") else { throw ProbeFailure.system("fopen") }
    defer { _ = unsafe fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    // Safe: the call writes at most `count` bytes, a final zero among them.
    while unsafe fgets(&line, Int32(line.count), file) != nil {
      let text = String(
        decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      let words = text.split { $0.isWhitespace }
      if text.hasPrefix(start), words.indices.contains(index) { return String(words[index]) }
    }
    return ""
  }
}

/// A file that took too long.
private struct Slow: Error, CustomStringConvertible {
  let time: Duration
  var description: String { "expected less than a second, found \(time)" }
}
