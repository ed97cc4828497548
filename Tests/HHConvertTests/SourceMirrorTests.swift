// Every source has tests under its own name, or is listed with the reason why not.

import Foundation
import HHTestSupport
import Testing

@Suite("Sources have their tests")
struct SourceMirrorTests {
  /// The names of the Swift files below a folder of the package, without folders and ending.
  private static func names(below folder: String) throws -> Set<String> {
    let files = try #require(FileManager.default.enumerator(atPath: "\(Fixtures.root)/\(folder)"))
    return Set(
      files.compactMap { file in
        let name = (file as? NSString)?.lastPathComponent
        return name.flatMap { $0.hasSuffix(".swift") ? String($0.dropLast(6)) : nil }
      })
  }

  /// The names of the test files that stand for a source: an extension's tests may be with its
  /// type's, so that `A+B` has `ABTests` or `ATests`.
  private static func namesakes(_ source: String) -> [String] {
    let type = source.prefix { $0 != "+" }
    return [source.replacing("+", with: "") + "Tests", type + "Tests"]
  }

  private let sources: Set<String>
  private let tests: Set<String>
  private let listed = UnmirroredSources.declarations.merging(UnmirroredSources.testedElsewhere) {
    first, _ in first
  }

  init() throws {
    sources = try Self.names(below: "Sources")
    tests = try Self.names(below: "Tests")
  }

  private func isMirrored(_ source: String) -> Bool {
    Self.namesakes(source).contains { tests.contains($0) }
  }

  @Test("a source without tests of its name is listed")
  func complete() {
    #expect(sources.count > 300 && tests.count > 100)
    let missing = sources.filter { !isMirrored($0) && listed[$0] == nil }.sorted()
    #expect(
      missing.isEmpty,
      "write \(missing.map { "\(Self.namesakes($0)[0]).swift" }.joined(separator: ", "))")
  }

  @Test("what is listed is there and has no tests of its name")
  func current() {
    let gone = listed.keys.filter { !sources.contains($0) || isMirrored($0) }.sorted()
    #expect(gone.isEmpty, "take these out of UnmirroredSources")
    let both = Set(UnmirroredSources.declarations.keys)
      .intersection(UnmirroredSources.testedElsewhere.keys)
    #expect(both.isEmpty)
  }

  @Test("the suites that stand in for others exist")
  func standIns() {
    let missing = Set(UnmirroredSources.testedElsewhere.values).subtracting(tests)
    #expect(missing.isEmpty)
  }
}
