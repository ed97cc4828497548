// One index for each thing that can be wrong with one, and what a reader must say.

package import HHFormat
import Testing

/// A defective `model.safetensors.index.json` beside two sound shards, and the error it must give.
package struct IndexDefect: Sendable, CustomTestStringConvertible {
  /// What is wrong.
  package let name: String
  /// The index.
  package let text: String
  /// `place` of the error.
  package let place: String
  /// What the error's `problem` starts with.
  package let problem: String
  /// The error's kind.
  package let kind: FormatError.Kind

  package var testDescription: String { name }

  private init(
    _ name: String, _ text: String, at place: String = "", _ problem: String,
    kind: FormatError.Kind = .badData
  ) {
    self.name = name
    self.text = text
    self.place = place
    self.problem = problem
    self.kind = kind
  }

  /// The shards that lie beside every index: their names and the tensors of one byte they hold.
  package static let shards: [(file: String, tensors: [String])] = [
    ("one.safetensors", ["a", "b"]), ("two.safetensors", ["c"]),
  ]

  /// What lies beside them: a link out of the folder, to a shard with a tensor 'x'.
  package static let link = "link.safetensors"

  /// Every defect.
  package static let all: [IndexDefect] = texts + maps + names + disagreements

  private static let texts: [IndexDefect] = [
    IndexDefect("empty file", "", "invalid JSON at byte 0: expected a JSON value, found the end"),
    IndexDefect("list", "[]", "expected a JSON object, found another type"),
    IndexDefect("cut short", "{\"weight_map\":{\"a\":", "invalid JSON at byte 19: expected a JSON"),
    IndexDefect("text behind", "{}x", "invalid JSON at byte 2: expected the end of the document"),
    IndexDefect("zero behind", "{}\0", "invalid JSON at byte 2: expected the end of the document"),
    IndexDefect(
      "map twice", #"{"weight_map":{"a":"f"},"weight_map":{"a":"g"}}"#,
      "invalid JSON at byte 24: expected each key once, found 'weight_map' twice"),
    IndexDefect(
      "too deep", "{\"metadata\":" + String(repeating: "{\"a\":", count: 1000),
      "invalid JSON at byte 327: expected at most 64 levels of nesting"),
    IndexDefect(
      "lone surrogate", #"{"weight_map":{"\ud800":"one.safetensors"}}"#,
      "invalid JSON at byte 16: expected a pair of surrogates, found one alone"),
    IndexDefect(
      "control character", "{\"weight_map\":{\"a\n\":\"one.safetensors\"}}",
      "invalid JSON at byte 17: expected an escape for a control character"),
  ]

  private static let maps: [IndexDefect] = [
    IndexDefect(
      "no map", "{}", at: "key 'weight_map'", "expected an object of file names, found none"),
    IndexDefect(
      "map is a list", #"{"weight_map":[]}"#, at: "key 'weight_map'",
      "expected an object of file names, found another type"),
    IndexDefect(
      "map is null", #"{"weight_map":null}"#, at: "key 'weight_map'",
      "expected an object of file names, found another type"),
    IndexDefect(
      "empty map", #"{"weight_map":{}}"#, at: "key 'weight_map'",
      "expected at least one tensor, found none"),
    IndexDefect(
      "file name is a number", #"{"weight_map":{"a":1}}"#, at: "tensor 'a'",
      "expected a file name, found another type"),
    IndexDefect(
      "file name is a list", #"{"weight_map":{"a":["one.safetensors"]}}"#, at: "tensor 'a'",
      "expected a file name, found another type"),
    IndexDefect(
      "tensor twice", #"{"weight_map":{"a":"f","\u0061":"g"}}"#,
      "invalid JSON at byte 23: expected each key once, found 'a' twice"),
  ]

  private static let names: [IndexDefect] = [
    "/etc/passwd", "//etc/passwd", "../x.safetensors", "a/../../x", "..", ".", "", "a//b", "./a",
    "a/", "/", "a\0b", "a/..", "a/./b",
  ].map { name in
    IndexDefect(
      "file name \(quoted(name))",
      FileForge.index([("a", "one.safetensors"), ("t", name)]), at: "tensor 't'",
      "expected a file name inside the index's folder, found \(quoted(name))")
  }

  private static func placed(_ changes: [(String, String)]) -> String {
    let sound = shards.flatMap { shard in shard.tensors.map { (tensor: $0, file: shard.file) } }
    var placements = sound.filter { placement in !changes.contains { $0.0 == placement.tensor } }
    placements += changes.filter { !$0.1.isEmpty }.map { (tensor: $0.0, file: $0.1) }
    return FileForge.index(placements)
  }

  private static let disagreements: [IndexDefect] = [
    IndexDefect(
      "link out of the folder", placed([("x", link)]), at: "shard '\(link)'",
      "expected a file inside the index's folder, found a link to '"),
    IndexDefect(
      "missing shard", placed([("x", "three.safetensors")]), at: "shard 'three.safetensors'",
      "expected the file that holds 'x', found none", kind: .missingInput),
    IndexDefect(
      "name of 300 bytes", placed([("x", String(repeating: "x", count: 300))]),
      at: "shard \(quoted(String(repeating: "x", count: 300)))",
      "expected the file that holds 'x', found none", kind: .missingInput),
    IndexDefect(
      "tensor without an entry", placed([("b", "")]), at: "tensor 'b'",
      "expected 'one.safetensors', which holds it, found no entry"),
    IndexDefect(
      "tensor in another shard", placed([("b", "two.safetensors")]), at: "tensor 'b'",
      "expected 'one.safetensors', which holds it, found 'two.safetensors'"),
    IndexDefect(
      "entry without a tensor", placed([("x", "one.safetensors")]), at: "tensor 'x'",
      "expected it in 'one.safetensors', found no such tensor there"),
    IndexDefect(
      "entries without tensors", placed([("x", "one.safetensors"), ("y", "two.safetensors")]),
      at: "tensor 'x'",
      "expected it in 'one.safetensors', found no such tensor there (nor 1 more)"),
  ]
}
