// The JSON index beside a file of golden tensors.

import HHFormat
import HHTestSupport
import Testing

/// The cases that `fixtures/golden/NAME.json` lists.
func goldenIndex(_ name: String) throws -> [JSONValue] {
  let file = try MappedFile(at: Fixtures.path("golden/\(name).json"))
  return try #require(JSONValue(parsing: file.bytes.octets).array)
}
