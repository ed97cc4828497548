// Outputs that would cost someone an input.

import HHFormat
import HHTestSupport
import Testing

@Suite("protect")
struct OutputPathsTests {
  let folder: TemporaryDirectory

  /// A model's folder, one with links in place of its files, and a link to the first.
  init() throws {
    folder = try TemporaryDirectory()
    try folder.write("", to: "model/weights")
    try folder.link("snapshot/weights", to: "../model/weights")
    try folder.link("link", to: "model")
  }

  @Test(
    "an output that is the input, or a folder that holds it, is refused",
    arguments: [
      ("model/weights", "model/weights", "'"), ("model/weights", "model", "a folder with '"),
      ("model/weights", "model/", "a folder with '"), ("model", "link", "'"),
      ("link/weights", "model/weights", "'"), ("model/weights", "link", "a folder with '"),
      ("link/weights", "link", "a folder with '"),
      ("snapshot/weights", "snapshot", "a folder with '"),
      ("snapshot/weights", "snapshot/weights", "'"), ("snapshot/weights", "model/weights", "'"),
      ("snapshot/weights", "model", "a folder with '"), ("link", "link", "'"),
      ("new", "new", "'"), ("new", "model/../new/", "'"), ("model/new", "model", "a folder with '"),
    ])
  func refused(_ input: String, _ output: String, _ found: String) throws {
    let (input, output) = (folder.path(input), folder.path(output))
    let error = #expect(throws: FormatError.self) { try protect([input], from: output) }
    #expect(error?.kind == .cannotCreate && error?.file == output)
    #expect(
      error?.problem.hasPrefix("expected another name than the inputs', found that of \(found)")
        == true, "\(String(describing: error))")
  }

  @Test(
    "any other output is not",
    arguments: [
      ("model/weights", "model/weight"), ("model/weights", "mod"), ("model", "model/new"),
      ("model/weights", "snapshot"), ("model/weights", "new"), ("new", "newer"),
      ("absent/x", "absent/x"),
    ])
  func allowed(_ input: String, _ output: String) throws {
    try protect([folder.path(input)], from: folder.path(output))
  }
}
