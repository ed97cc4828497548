// Models of the Hugging Face hub that were downloaded before, by the name they have there.

internal import Foundation

/// The cache that Hugging Face's programs keep on this machine.
struct HubCache {
  /// The folder with one entry for each repository; nil where there is no home folder either.
  let folder: String?

  /// Finds the folder as Hugging Face's programs do.
  init(environment: [String: String] = ProcessInfo.processInfo.environment) {
    func given(_ key: String) -> String? { environment[key].flatMap { $0.isEmpty ? nil : $0 } }
    let caches = given("XDG_CACHE_HOME") ?? given("HOME").map { join($0, ".cache") }
    let home = given("HF_HOME") ?? caches.map { join($0, "huggingface") }
    folder = given("HF_HUB_CACHE") ?? given("HUGGINGFACE_HUB_CACHE") ?? home.map { join($0, "hub") }
  }

  /// Whether a text may be the name of a model on the hub: `model` or `organisation/model`.
  static func isName(_ text: String) -> Bool {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    return parts.count <= 2 && !text.contains("..") && !text.contains("--")
      && parts.allSatisfy { part in
        part.utf8.first.map { isLetter($0) } ?? false
          && part.utf8.allSatisfy { isLetter($0) || "-_.".utf8.contains($0) }
      }
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: false
    }
  }

  /// The folder of a model's files as they are on the hub's main branch, or of the only revision that
  /// is here; nil where the model was not downloaded.
  func snapshot(of name: String) -> String? {
    guard let folder, Self.isName(name) else { return nil }
    let entry = join(folder, "models--" + name.replacing("/", with: "--"))
    let snapshots = join(entry, "snapshots")
    do {
      let revisions = try directoryEntries(of: snapshots)
      let only = revisions.count == 1 ? revisions[0] : ""
      let main = try mainRevision(of: entry)
      let revision = main ?? only
      return revisions.contains(revision) ? join(snapshots, revision) : nil
    } catch {
      return nil
    }
  }

  /// The revision that an entry's main branch stands at; nil where none is noted.
  private func mainRevision(of entry: String) throws(FormatError) -> String? {
    let notes = join(entry, "refs")
    guard try directoryEntries(of: entry).contains("refs"),
      try directoryEntries(of: notes).contains("main")
    else { return nil }
    let file = try MappedFile(at: join(notes, "main"))
    let bytes = file.bytes.extracting(first: 64).copied()
    return String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
