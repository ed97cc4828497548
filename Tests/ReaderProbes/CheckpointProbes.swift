// The readers of checkpoints: safetensors, indexes and GGUF.

internal import HHData
import HHFormat
internal import HHModel
package import HHTestSupport

/// One tensor with its bytes, as a checkpoint shows it.
private struct Content: Equatable {
  let name: [UInt8]
  let dtype: DType
  let shape: [Int]
  let bytes: [UInt8]
}

extension Checkpoint {
  /// Every tensor, used in each way that a checkpoint offers.
  fileprivate func contents() throws -> [Content] {
    try promised("reading the tensors") {
      try tensors.map { tensor in
        let bytes = try withBytes(of: tensor.name) { (raw) throws(FormatError) in raw.copied() }
        if tensor.dtype.isComputable {
          var floats = [Float](repeating: 0, count: tensor.elementCount)
          var span = floats.mutableSpan
          try readFloats(of: tensor.name, into: &span)
        }
        let nonFinite = try firstNonFinite(tensor.name)
        if let nonFinite, nonFinite >= tensor.elementCount {
          throw ProbeFailure("element \(nonFinite) of shape \(tensor.shape)")
        }
        try require(bytes.count == tensor.byteCount, "\(bytes.count) bytes of \(tensor)")
        return Content(
          name: Array(tensor.name.utf8), dtype: tensor.dtype, shape: tensor.shape, bytes: bytes)
      }
    }
  }
}

/// Reads `model.safetensors`; what is accepted is written and read again.
package struct SafetensorsProbe: ReaderProbe {
  private let folder: TemporaryDirectory

  package init(in folder: TemporaryDirectory) { self.folder = folder }

  package static func seeds() throws -> [[UInt8]] {
    var forge = FileForge(seed: 1)
    let spaced = FileForge.safetensors(
      header: " {\"a\": {\"dtype\":\"U8\", \"shape\":[2], \"data_offsets\":[0,2], \"new\":[{}]},\n"
        + "\"b\\u00e9\":{\"data_offsets\":[2,2],\"dtype\":\"F6_E3M2\",\"shape\":[0]}} ",
      data: [1, 2])
    return [
      try forge.safetensors(
        [
          ("wéights", .f32, [2, 3]), ("half", .bf16, [5]), ("empty", .f16, [0, 7]),
          ("scalar", .i64, []), ("flags", .bool, [3]),
        ], metadata: [("format", "pt"), ("note", "a \"b\"")]),
      try forge.safetensors(DType.allCases.map { ($0.rawValue, $0, [8]) }),
      spaced, try SafetensorsWriter.header(tensors: [], metadata: []),
    ]
  }

  package func read(_ bytes: [UInt8]) throws {
    let path = try folder.write(bytes, to: "model.safetensors")
    let contents = try Checkpoint(opening: path).contents()
    let file = try promised("opening it again") { try SafetensorsFile(at: path) }
    let copy = folder.path("copy.safetensors")
    let again = try promised("writing it") {
      try SafetensorsWriter.write(
        to: copy,
        tensors: zip(file.tensors, contents).map { ($0.name, $0.dtype, $0.shape, $1.bytes) },
        metadata: file.metadata.map { ($0.key, $0.value) }, replacing: true)
      return try Checkpoint(opening: copy)
    }
    try require(try again.contents() == contents, "the copy has other tensors")
    let metadata = again.files[0].metadata
    try require(
      metadata.elementsEqual(file.metadata) {
        ByteKey($0.key) == ByteKey($1.key) && $0.value == $1.value
      },
      "the copy has other metadata")
  }
}

/// Reads `model.safetensors.index.json` beside two shards.
package struct IndexProbe: ReaderProbe {
  private let folder: TemporaryDirectory

  package init(in folder: TemporaryDirectory) throws {
    self.folder = folder
    var forge = FileForge(seed: 2)
    for shard in IndexDefect.shards {
      try folder.write(
        try forge.safetensors(shard.tensors.map { ($0, .u8, [1]) }), to: shard.file)
    }
  }

  package static func seeds() throws -> [[UInt8]] {
    let placements = IndexDefect.shards.flatMap { shard in
      shard.tensors.map { (tensor: $0, file: shard.file) }
    }
    return [
      Array(FileForge.index(placements).utf8),
      Array(
        "{ \"weight_map\" : { \"\\u0061\":\"one.safetensors\", \"b\":\"one.safetensors\",\n\"c\":\"two.safetensors\" } }\n"
          .utf8),
    ]
  }

  package func read(_ bytes: [UInt8]) throws {
    let path = try folder.write(bytes, to: "model.safetensors.index.json")
    let contents = try Checkpoint(opening: path).contents()
    let again = try promised("writing it") {
      let text = JSONValue.object(try JSONObject(contentsOf: path)).text
      return try Checkpoint(opening: try folder.write(text, to: "copy.index.json"))
    }
    try require(try again.contents() == contents, "the copy has other tensors")
  }
}

/// Reads a GGUF file as a model, with its tokenizer.
package struct GGUFProbe: ReaderProbe {
  private let folder: TemporaryDirectory

  package init(in folder: TemporaryDirectory) { self.folder = folder }

  package func read(_ bytes: [UInt8]) throws {
    let path = try folder.write(bytes, to: "model.gguf")
    // Most changes leave a file that is no model; opening it as one is an error like any other.
    do throws(FormatError) { _ = try OpenedModel(opening: path) } catch {}
    let checkpoint = try Checkpoint(opening: path)
    _ = try checkpoint.contents()
    let file = checkpoint.ggufFiles[0]
    for entry in file.header.metadata {
      if let array = entry.value.array {
        switch array.elementType {
        case .string: _ = try file.strings(entry.key)
        case .bool: continue
        default: _ = try file.floats(entry.key)
        }
      }
    }
    if let tokenizer = try TokenizerLoader.load(from: file) { use(tokenizer) }
    if !file.header.isBigEndian { try roundTrip(file) }
  }

  /// Writes what a little-endian file holds and reads it again.
  private func roundTrip(_ file: GGUFFile) throws {
    // The format allows 64 bytes in a name, ggml and so our writer one less.
    guard file.tensors.allSatisfy({ $0.name.utf8.count < 64 }) else { return }
    let copy = folder.path("copy.gguf")
    let again = try promised("writing it") {
      try GGUFWriter.write(
        to: copy, metadata: try file.keyValues(),
        tensors: file.tensors.map { .init(name: $0.name, type: $0.type, shape: $0.shape) },
        replacing: true
      ) { (index, sink) throws(FormatError) in try sink(file.bytes(of: file.tensors[index])) }
      return try GGUFFile(at: copy)
    }
    // Keys about the parts of a split model are left out of a file that has all.
    let kept = try file.keyValues().filter { !$0.key.hasPrefix("split.") }
    try require(try again.keyValues() == kept, "the copy has other metadata")
    try require(
      again.tensors.elementsEqual(file.tensors) { a, b in
        ByteKey(a.name) == ByteKey(b.name) && a.type == b.type && a.shape == b.shape
          && again.bytes(of: a).copied() == file.bytes(of: b).copied()
      }, "the copy has other tensors")
  }
}
