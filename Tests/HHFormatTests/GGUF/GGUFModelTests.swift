// Models that are not sound are refused with file, place and fault.

import HHFormat
import HHTestSupport
import Testing

@Suite("GGUFModel")
struct GGUFModelTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test(
    "a model that is not sound is refused with file, place and fault",
    arguments: GGUFModelDefect.all)
  func defect(_ defect: GGUFModelDefect) throws {
    for file in defect.files { try directory.write(file.bytes, to: file.name) }
    let error = #expect(throws: FormatError.self) {
      try Checkpoint(opening: directory.path(defect.files[0].name))
    }
    #expect(error?.kind == defect.kind)
    #expect(error?.file == directory.path(defect.file))
    #expect(error?.place == defect.place)
    #expect(error?.problem.hasPrefix(defect.problem) == true, "\(error?.problem ?? "")")
  }
}
