// Path arithmetic.

import HHFormat
import Testing

@Suite("Paths")
struct PathsTests {
  @Test(
    "folder and last part",
    arguments: [
      ("a/b", "a", "b"), ("/a/b", "/a", "b"), ("/a", "/", "a"), ("a", ".", "a"), ("", ".", ""),
      ("a/", "a", ""), ("é/ü", "é", "ü"),
    ])
  func parts(path: String, folder: String, name: String) {
    #expect(directory(of: path) == folder)
    #expect(lastComponent(of: path) == name)
  }

  @Test(
    "a name in a folder",
    arguments: [(".", "x", "x"), ("/", "x", "/x"), ("a", "x", "a/x"), ("a/", "x", "a/x")])
  func joined(folder: String, name: String, path: String) {
    #expect(join(folder, name) == path)
  }
}
