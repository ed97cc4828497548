import HHTestSupport
import Testing

@testable import HHFormat

@Suite("Confinement")
struct ConfinementTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  @Test("a link that leads outside is told with its target")
  func escapes() throws {
    let secret = try folder.write("x", to: "secret")
    let own = try folder.write("x", to: "model/sub/file")
    try folder.write("x", to: "model-other/file")
    let confinement = try Confinement(to: folder.path("model"))
    #expect(try confinement.escape(of: own) == nil)
    let link = try folder.link("model/link", to: "../secret")
    #expect(try confinement.escape(of: link) == secret)
    // A folder whose name begins alike is another one.
    #expect(try confinement.escape(of: folder.path("model-other/file")) != nil)
    #expect(throws: FormatError.self) { try confinement.escape(of: folder.path("model/none")) }
    try confinement.requireOwn(own)
    let error = #expect(throws: FormatError.self) { try confinement.requireOwn(link) }
    #expect(error?.file == link && error?.problem.contains("a link to '\(secret)'") == true)
  }

  @Test("several folders are allowed together, and the root allows everything")
  func roots() throws {
    let file = try folder.write("x", to: "b/file")
    try folder.write("x", to: "a/file")
    let both = try Confinement(to: folder.path("a"), folder.path("b"))
    #expect(try both.escape(of: file) == nil)
    #expect(try Confinement(to: folder.path("a")).escape(of: file) == file)
    #expect(try Confinement(to: "/").escape(of: file) == nil)
  }

  @Test("the blobs beside the snapshots of a Hugging Face cache are inside")
  func cache() throws {
    try folder.write("x", to: "models--m/blobs/0123")
    try folder.write("x", to: "other/file")
    let link = try folder.link("models--m/snapshots/r/w", to: "../../blobs/0123")
    let confinement = try Confinement(to: folder.path("models--m/snapshots/r"))
    #expect(try confinement.escape(of: link) == nil)
    #expect(try confinement.escape(of: folder.path("other/file")) == folder.path("other/file"))
  }
}
