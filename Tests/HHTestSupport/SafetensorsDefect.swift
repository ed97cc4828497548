// One safetensors file for each thing that can be wrong with one, and what a reader must say.

import HHFormat
import Testing

/// A defective file and the error it must give.
package struct SafetensorsDefect: Sendable, CustomTestStringConvertible {
  /// What is wrong.
  package let name: String
  /// The file.
  package let bytes: [UInt8]
  /// `place` of the error.
  package let place: String
  /// What the error's `problem` starts with.
  package let problem: String
  /// Whether the official reader accepts the file: then the rule is our own.
  package let isOurRule: Bool

  package var testDescription: String { name }

  /// A defect in the header's text, with `count` bytes of data behind it.
  private init(
    _ name: String, _ header: String, data count: Int = 4, length: UInt64? = nil,
    at place: String, _ problem: String, isOurRule: Bool = false
  ) {
    self.name = name
    bytes = FileForge.safetensors(
      header: header, data: Array(repeating: 0, count: count), length: length)
    self.place = place
    self.problem = problem
    self.isOurRule = isOurRule
  }

  /// A defect in the entry of tensor 'x', which has `count` bytes of data.
  private init(
    entry: String, _ name: String, data count: Int = 4, _ problem: String, isOurRule: Bool = false
  ) {
    self.init(
      name, "{\"x\":\(entry)}", data: count, at: "tensor 'x'", problem, isOurRule: isOurRule)
  }

  /// A defect in the offsets or shapes of tensors 'a' and 'b'.
  private init(
    _ name: String, a: (String, String, Int, Int), b: (String, String, Int, Int),
    data count: Int, at place: String, _ problem: String
  ) {
    func entry(_ key: String, _ value: (String, String, Int, Int)) -> String {
      "\"\(key)\":{\"dtype\":\"\(value.0)\",\"shape\":\(value.1),"
        + "\"data_offsets\":[\(value.2),\(value.3)]}"
    }
    self.init(
      name, "{\(entry("a", a)),\(entry("b", b))}", data: count, at: place, problem)
  }

  /// Every defect.
  package static let all: [SafetensorsDefect] = lengths + json + entries + layouts + ours

  private static let valid = #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#

  private static let lengths: [SafetensorsDefect] = [
    SafetensorsDefect(
      "length beyond the cap", valid, length: 100_000_001, at: "header",
      "expected a length of at most 100000000 bytes, found 100000001"),
    SafetensorsDefect(
      "length of 64 ones", valid, length: .max, at: "header",
      "expected a length of at most 100000000 bytes, found 18446744073709551615"),
    SafetensorsDefect(
      "length whose sum with 8 overflows", valid, length: UInt64(Int64.max) - 3, at: "header",
      "expected a length of at most 100000000 bytes, found 9223372036854775804"),
    SafetensorsDefect(
      "length beyond the file", valid, length: 1000, at: "header",
      "expected a length of at most 58, the rest of the file, found 1000"),
    SafetensorsDefect(
      "length one beyond the file", "{}", data: 0, length: 3, at: "header",
      "expected a length of at most 2, the rest of the file, found 3"),
  ]

  private static let json: [SafetensorsDefect] = [
    SafetensorsDefect("empty header", "", data: 0, at: "header", "expected '{', found the end"),
    SafetensorsDefect("array", "[]", data: 0, at: "header", "expected '{', found '['"),
    SafetensorsDefect("number", "1", data: 0, at: "header", "expected '{', found '1'"),
    SafetensorsDefect("cut short", "{", data: 0, at: "header", "expected a quoted key"),
    SafetensorsDefect(
      "NUL padding", "{}\0\0", data: 0, at: "header", "expected the end of the document"),
    SafetensorsDefect(
      "text behind", "{} {}", data: 0, at: "header", "expected the end of the document"),
    SafetensorsDefect(
      "byte order mark", "\u{FEFF}{}", data: 0, at: "header", "expected '{', found the byte 239"),
    SafetensorsDefect(
      "comma at the end", "{\"__metadata__\":{},}", data: 0, at: "header", "expected a quoted key"),
    SafetensorsDefect(
      "metadata with a number", #"{"__metadata__":{"a":1}}"#, data: 0,
      at: "header key '__metadata__'", "expected a string as the value of 'a', found"),
    SafetensorsDefect(
      "metadata with an object", #"{"__metadata__":{"a":{}}}"#, data: 0,
      at: "header key '__metadata__'", "expected a string as the value of 'a', found"),
    SafetensorsDefect(
      "metadata is an array", #"{"__metadata__":[]}"#, data: 0,
      at: "header key '__metadata__'", "expected '{', found '['"),
    SafetensorsDefect(
      "metadata twice", #"{"__metadata__":{},"__metadata__":{}}"#, data: 0,
      at: "header key '__metadata__'", "expected each key once, found '__metadata__' twice"),
  ]

  private static let entries: [SafetensorsDefect] = [
    SafetensorsDefect(entry: "[]", "entry is an array", "expected '{', found '['"),
    SafetensorsDefect(entry: "null", "entry is null", "expected '{', found 'n'"),
    SafetensorsDefect(
      entry: #"{"shape":[1],"data_offsets":[0,4]}"#, "no dtype",
      "expected the field 'dtype', found none"),
    SafetensorsDefect(
      entry: #"{"dtype":"F32","data_offsets":[0,4]}"#, "no shape",
      "expected the field 'shape', found none"),
    SafetensorsDefect(
      entry: #"{"dtype":"F32","shape":[1]}"#, "no offsets",
      "expected the field 'data_offsets', found none"),
    SafetensorsDefect(
      entry: #"{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}"#, "dtype twice",
      "expected each key once, found 'dtype' twice"),
    SafetensorsDefect(
      entry: #"{"dtype":"F32","shape":[1],"sh\u0061pe":[1],"data_offsets":[0,4]}"#, "shape twice",
      "expected each key once, found 'shape' twice"),
    SafetensorsDefect(
      entry: #"{"dtype":"F33","shape":[1],"data_offsets":[0,4]}"#, "unknown dtype",
      "expected a dtype among BOOL, F4, F6_E2M3"),
    SafetensorsDefect(
      entry: #"{"dtype":"f32","shape":[1],"data_offsets":[0,4]}"#, "dtype in lower case",
      "expected a dtype among"),
    SafetensorsDefect(
      entry: #"{"dtype":32,"shape":[1],"data_offsets":[0,4]}"#, "dtype is a number",
      "expected a string as dtype, found"),
    SafetensorsDefect(
      entry: #"{"dtype":"F32","shape":1,"data_offsets":[0,4]}"#, "shape is a number",
      "expected '[', found '1'"),
    SafetensorsDefect(
      entry: #"{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}"#, "negative extent",
      "expected an integer of at least 0, found '-'"),
    SafetensorsDefect(
      entry: #"{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}"#, "extent with a fraction",
      "expected an integer of at least 0, found '.'"),
    SafetensorsDefect(
      entry: #"{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}"#, "extent in quotes",
      "expected an integer of at least 0, found '\"'"),
    SafetensorsDefect(
      entry: #"{"dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,4]}"#,
      "extent above 64 bits", "expected an integer of at most 64 bits"),
    SafetensorsDefect(
      entry: #"{"dtype":"F32","shape":[1],"data_offsets":[0]}"#, "one offset",
      "expected two numbers in data_offsets, found 1"),
    SafetensorsDefect(
      entry: #"{"dtype":"F32","shape":[1],"data_offsets":[0,4,4]}"#, "three offsets",
      "expected at most 2 numbers in data_offsets, found more"),
    SafetensorsDefect(
      entry: #"{"dtype":"F32","shape":[1],"data_offsets":[0,4.0]}"#, "offset with a fraction",
      "expected an integer of at least 0, found '.'"),
    SafetensorsDefect(
      entry: #"{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}"#, "negative offset",
      "expected an integer of at least 0, found '-'"),
    SafetensorsDefect(
      entry: #"{"dtype":"F32","shape":[2],"data_offsets":[0,4]}"#, "size is not the shape's",
      "shape [2] of F32: expected 8 bytes, found 4 in data_offsets [0, 4]"),
    SafetensorsDefect(
      entry: #"{"dtype":"F32","shape":[0],"data_offsets":[0,4]}"#, "bytes without elements",
      "shape [0] of F32: expected 0 bytes, found 4"),
    SafetensorsDefect(
      entry: #"{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}"#,
      "shape that overflows",
      "shape [4294967296, 4294967296] of F32: expected a size of at most 63 bits, found more"),
    SafetensorsDefect(
      entry: #"{"dtype":"F32","shape":[4611686018427387904,4,0],"data_offsets":[0,0]}"#,
      "shape that overflows before its zero", data: 0,
      "shape [4611686018427387904, 4, 0] of F32: expected a size of at most 63 bits, found more"),
    SafetensorsDefect(
      entry: #"{"dtype":"F64","shape":[1152921504606846976],"data_offsets":[0,4]}"#,
      "bits that overflow",
      "shape [1152921504606846976] of F64: expected a size of at most 63 bits, found more"),
    SafetensorsDefect(
      entry: #"{"dtype":"F4","shape":[3],"data_offsets":[0,2]}"#, "half a byte left over", data: 2,
      "shape [3] of F4: expected a whole number of bytes, found 12 bits"),
    SafetensorsDefect(
      entry: #"{"dtype":"F6_E2M3","shape":[2],"data_offsets":[0,2]}"#, "six-bit elements", data: 2,
      "shape [2] of F6_E2M3: expected a whole number of bytes, found 12 bits"),
    SafetensorsDefect(
      entry: #"{"dtype":"F32","shape":[1],"data_offsets":[4,8]}"#, "hole in front", data: 8,
      "data_offsets: expected to begin at 0, found 4"),
    SafetensorsDefect(
      entry: #"{"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551615]}"#,
      "offset above 63 bits",
      "expected at most 9223372036854775807 in data_offsets, found 18446744073709551615"),
  ]

  private static let layouts: [SafetensorsDefect] = [
    SafetensorsDefect(
      "overlap", a: ("F32", "[2]", 0, 8), b: ("F32", "[1]", 4, 8), data: 8, at: "tensor 'b'",
      "data_offsets: expected to begin at 8, the end of 'a', found 4"),
    SafetensorsDefect(
      "the same bytes twice", a: ("F32", "[1]", 0, 4), b: ("F32", "[1]", 0, 4), data: 4,
      at: "tensor 'b'", "data_offsets: expected to begin at 4, the end of 'a', found 0"),
    SafetensorsDefect(
      "hole between", a: ("F32", "[1]", 0, 4), b: ("F32", "[1]", 8, 12), data: 12,
      at: "tensor 'b'", "data_offsets: expected to begin at 4, the end of 'a', found 8"),
    SafetensorsDefect(
      "end before begin", a: ("F32", "[1]", 0, 4), b: ("F32", "[0]", 4, 0), data: 4,
      at: "tensor 'b'", "data_offsets: expected an end of at least 4, found 0"),
    SafetensorsDefect(
      "file too short", a: ("F32", "[1]", 0, 4), b: ("F32", "[2]", 4, 12), data: 11,
      at: "after tensor 'b'", "expected 12 bytes of tensor data, found 11"),
    SafetensorsDefect(
      "bytes at the end", a: ("F32", "[1]", 0, 4), b: ("F32", "[2]", 4, 12), data: 13,
      at: "after tensor 'b'", "expected 12 bytes of tensor data, found 13"),
    SafetensorsDefect(
      "bytes without tensors", "{}", data: 1, at: "after the header",
      "expected 0 bytes of tensor data, found 1"),
  ]

  private static let ours: [SafetensorsDefect] = [
    SafetensorsDefect(
      "name twice",
      #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"#
        + #""\u0078":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, at: "tensor 'x'",
      "expected each key once, found 'x' twice", isOurRule: true),
    SafetensorsDefect(
      "metadata key twice", #"{"__metadata__":{"a":"1","a":"2"}}"#, data: 0,
      at: "header key '__metadata__'", "expected each key once, found 'a' twice", isOurRule: true),
    SafetensorsDefect(
      entry:
        "{\"dtype\":\"F32\",\"shape\":[\(Array(repeating: "1", count: 17).joined(separator: ","))],"
        + "\"data_offsets\":[0,4]}", "rank 17",
      "expected at most 16 numbers in shape, found more", isOurRule: true),
    SafetensorsDefect(
      entry: "{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"future\":"
        + String(repeating: "[", count: 63) + String(repeating: "]", count: 63) + "}", "too deep",
      "expected at most 64 levels of nesting", isOurRule: true),
    SafetensorsDefect(
      entry: #"{"dtype":"F32","shape":[1],"data_offsets":[0,4],"future":{"a":1,"a":1}}"#,
      "key twice in a field of the future", "expected each key once, found 'a' twice",
      isOurRule: true),
  ]
}
