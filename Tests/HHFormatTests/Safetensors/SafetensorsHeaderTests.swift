// Headers that are accepted, and every kind of fault, named with its place.

import HHFormat
import HHTestSupport
import Testing

@Suite("SafetensorsHeader")
struct SafetensorsHeaderTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func open(_ bytes: [UInt8]) throws -> SafetensorsFile {
    try SafetensorsFile(at: try directory.write(bytes, to: "model.safetensors"))
  }

  private func contents(_ file: SafetensorsFile, _ tensor: TensorDescriptor) -> [UInt8] {
    file.bytes(of: tensor).copied()
  }

  @Test("a defective file is refused with its place and fault", arguments: SafetensorsDefect.all)
  func defect(_ defect: SafetensorsDefect) throws {
    let path = try directory.write(defect.bytes, to: "bad.safetensors")
    let error = #expect(throws: FormatError.self) { try SafetensorsFile(at: path) }
    #expect(error?.kind == .badData)
    #expect(error?.file == path)
    #expect(error?.place == defect.place)
    #expect(error?.problem.hasPrefix(defect.problem) == true, "\(error?.problem ?? "")")
    #expect(error?.problem.contains(", found ") == true, "\(error?.problem ?? "")")
  }

  @Test("a header that is not UTF-8 is refused")
  func notUTF8() throws {
    var bytes = FileForge.safetensors(
      header: #"{"Q":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}"#, data: [0])
    bytes[10] = 0xFF
    let error = #expect(throws: FormatError.self) { try open(bytes) }
    #expect(
      error?.problem == "expected a string of UTF-8, found other bytes (at byte 2 of the header)")
  }

  @Test("tensors come in the order of their data, whatever the order of the header")
  func order() throws {
    let file = try open(
      FileForge.safetensors(
        header: #"{"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]},"#
          + #""a":{"data_offsets":[0,1],"shape":[1],"dtype":"U8"}}"#, data: [1, 2, 3]))
    #expect(file.tensors.map(\.name) == ["a", "b"])
    #expect(contents(file, file.tensors[0]) == [1])
    #expect(contents(file, file.tensors[1]) == [2, 3])
  }

  @Test(
    "white space around the header and a header of any length are accepted",
    arguments: ["", " ", "\t\r\n ", String(repeating: "\n", count: 4096)])
  func whiteSpace(space: String) throws {
    for (head, tail) in [(space, ""), ("", space), (space, space)] {
      let header = head + #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"# + tail
      let file = try open(FileForge.safetensors(header: header, data: [0, 0, 128, 63]))
      #expect(contents(file, file.tensors[0]) == [0, 0, 128, 63])
    }
  }

  @Test(
    "surprising files that the official reader accepts",
    arguments: [
      ("{}", 0, 0), (#"{"__metadata__":null}"#, 0, 0), (#"{"__metadata__":{}}"#, 0, 0),
      (#"{"":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}"#, 1, 1),
      (#"{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"future":[{"a":1}]}}"#, 1, 1),
      (#"{"x":{"dtype":"F32","shape":[0,4611686018427387904],"data_offsets":[0,0]}}"#, 0, 1),
      (
        #"{"x":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"#
          + #""y":{"dtype":"F32","shape":[2,0],"data_offsets":[0,0]}}"#, 0, 2
      ),
      (#"{"x":{"dtype":"F4","shape":[2],"data_offsets":[0,1]}}"#, 1, 1),
    ])
  func accepted(header: String, count: Int, tensors: Int) throws {
    let file = try open(
      FileForge.safetensors(header: header, data: Array(repeating: 0, count: count)))
    #expect(file.tensors.count == tensors)
  }

  @Test("metadata keeps its order and its text")
  func metadata() throws {
    let file = try open(
      FileForge.safetensors(header: #"{"__metadata__":{"z":"1","a":"{\"k\":\"é\"}","é":""}}"#))
    #expect(file.metadata.map(\.key) == ["z", "a", "é"])
    #expect(file.metadata.map(\.value) == ["1", #"{"k":"é"}"#, ""])
  }

  @Test("names that differ only in their bytes are two tensors")
  func names() throws {
    let file = try open(
      FileForge.safetensors(
        header: #"{"\u00e9":{"dtype":"U8","shape":[],"data_offsets":[0,1]},"#
          + #""e\u0301":{"dtype":"U8","shape":[],"data_offsets":[1,2]}}"#, data: [1, 2]))
    #expect(file.tensors.map { Array($0.name.utf8) } == [[0xC3, 0xA9], [0x65, 0xCC, 0x81]])
  }

  @Test("a name in a message cannot control the terminal or flood it")
  func hostileNames() throws {
    let name = #"\u001b[2J\n"# + String(repeating: "x", count: 5000)
    let header = "{\"\(name)\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]}}"
    let error = #expect(throws: FormatError.self) {
      try open(FileForge.safetensors(header: header, data: Array(repeating: 0, count: 8)))
    }
    let text = try #require(error).description
    #expect(text.contains("\\u{1B}[2J\\u{A}xxx"))
    #expect(!text.unicodeScalars.contains("\u{1B}"))
    #expect(text.utf8.count < 600)
  }
}
