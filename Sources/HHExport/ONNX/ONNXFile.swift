// An ONNX model on disk: one protobuf message, with the weights in it or in files beside it.

internal import HHFormat

/// A model that is laid out and ready to be written.
struct ONNXFile {
  /// The name of the model's file.
  static let name = "model.onnx"
  /// The most bytes of a protobuf message, and so of a model with its weights inside.
  static let maximumBytes = Int(Int32.max)

  let weights: [ONNXWeight]
  /// Everything before the weights: the model's own fields, and the graph's.
  let beginning: ProtobufMessage
  /// For each weight what stands before its bytes, or says where they lie.
  let frames: [ProtobufMessage]
  /// For each weight where it lies beside the model; empty where weights lie inside.
  let places: [Place]

  /// Where a weight's bytes are.
  struct Place {
    let file: String
    let offset: Int
  }

  /// Bytes of the model's own file.
  let byteCount: Int

  /// Lays out a model: `fields` are the model's own but for the graph. Weights lie inside, or where
  /// `besides` in files of at most `limit` bytes, but that a larger weight has one to itself.
  init(_ graph: ONNXGraph, name: String, fields: ProtobufMessage, besides: Bool, limit: Int?) {
    weights = graph.weights
    let places = besides ? Self.places(of: graph.weights, limit: limit) : []
    let frames = graph.weights.enumerated().map { index, weight in
      besides ? Self.reference(weight, places[index]) : Self.frame(weight)
    }
    let small = graph.message(name: name)
    let inside = besides ? 0 : graph.weights.reduce(0) { $0 + $1.byteCount }
    let graphCount = small.bytes.count + frames.reduce(inside) { $0 + $1.bytes.count }
    beginning = ProtobufMessage {
      $0.append(fields)
      $0.beginning(7, byteCount: graphCount)
      $0.append(small)
    }
    (self.places, self.frames) = (places, frames)
    byteCount = beginning.bytes.count + frames.reduce(inside) { $0 + $1.bytes.count }
  }

  private static func frame(_ weight: ONNXWeight) -> ProtobufMessage {
    let tensor = ProtobufMessage {
      $0.append(weight.beginning)
      $0.beginning(9, byteCount: weight.byteCount)
    }
    return ProtobufMessage {
      $0.beginning(5, byteCount: tensor.bytes.count + weight.byteCount)
      $0.append(tensor)
    }
  }

  private static func reference(_ weight: ONNXWeight, _ place: Place) -> ProtobufMessage {
    let tensor = ProtobufMessage {
      $0.append(weight.beginning)
      for (key, value) in [
        ("location", place.file), ("offset", "\(place.offset)"), ("length", "\(weight.byteCount)"),
      ] {
        $0.message(
          13,
          ProtobufMessage {
            $0.text(1, key)
            $0.text(2, value)
          })
      }
      $0.integer(14, 1)
    }
    return ProtobufMessage { $0.message(5, tensor) }
  }

  /// Weights begin at pages, so that a runtime can map them.
  private static let alignment = 4096

  /// The names are those that optimum and transformers.js look for.
  private static func places(of weights: [ONNXWeight], limit: Int?) -> [Place] {
    var (file, end) = (0, 0)
    return weights.map { weight in
      var offset = (end + alignment - 1) / alignment * alignment
      if let limit, end > 0, offset + weight.byteCount > limit {
        file += 1
        offset = 0
      }
      end = offset + weight.byteCount
      return Place(file: "\(name)_data" + (file == 0 ? "" : "_\(file)"), offset: offset)
    }
  }

  /// Writes the model into a folder. `content` is called once for each weight, in order, and gives its
  /// bytes to the sink.
  func write(
    to folder: borrowing StagingFolder, content: (Int, ByteSink) throws(FormatError) -> Void
  ) throws(FormatError) {
    var file = try AtomicFile(at: folder.path(Self.name), replacing: false)
    try file.write(beginning.bytes.raw)
    for index in weights.indices {
      let frame = frames[index].bytes
      try file.write(frame.raw)
      guard places.isEmpty else { continue }
      try content(index) { bytes throws(FormatError) in try file.write(bytes) }
    }
    try file.commit()
    var first = 0
    while first < places.count {
      let name = places[first].file
      let end = places[first...].firstIndex { $0.file != name } ?? places.count
      var file = try AtomicFile(at: folder.path(name), replacing: false)
      for index in first..<end {
        let gap = [UInt8](repeating: 0, count: places[index].offset - file.byteCount)
        try file.write(gap.raw)
        try content(index) { bytes throws(FormatError) in try file.write(bytes) }
      }
      try file.commit()
      first = end
    }
  }
}
