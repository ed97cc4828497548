// Translating a GGUF file's names and keys into those of a safetensors checkpoint.

/// A translated GGUF model: its tensors as a checkpoint shows them, and a `config.json` in memory.
struct GGUFModel {
  let views: [GGUFView]
  let configuration: JSONObject

  /// Translates a model's files, of which the first has the metadata. A model of an unknown
  /// architecture keeps its names, so that it can be inspected.
  init(_ files: [GGUFFile]) throws(FormatError) {
    let metadata = files[0]
    guard let architecture = try metadata.string("general.architecture") else {
      throw metadata.error("general.architecture", "expected the model's architecture, found none")
    }
    let schema = try ArchitectureSchema.all().first {
      $0.ggufArchitecture == architecture || $0.hedgehogArchitecture == architecture
    }
    let names = try schema.map { (schema) throws(FormatError) in
      try GGUFNames(schema: schema, architecture: architecture, metadata: metadata)
    }
    var views: [GGUFView] = []
    for (number, file) in files.enumerated() {
      for tensor in file.tensors {
        try Self.checkByteOrder(tensor, file)
        views +=
          try names?.views(of: tensor, file: number, path: file.path)
          ?? [GGUFView(tensor, file: number)]
      }
    }
    try Self.checkNames(views, files)
    self.views = views
    guard let schema else {
      configuration = ["model_type": .string(architecture)]
      return
    }
    configuration = try GGUFConfiguration(
      schema: schema, architecture: architecture, metadata: metadata, views: views, files: files
    ).configuration()
  }

  private static func checkByteOrder(
    _ tensor: GGUFTensor, _ file: GGUFFile
  ) throws(FormatError) {
    guard file.header.isBigEndian, tensor.type.wordsPerBlock == nil else { return }
    throw FormatError(
      .unsupported, file: file.path, place: "tensor \(quoted(tensor.name))",
      problem: "expected a type whose big-endian form is defined, found \(tensor.type.name)")
  }

  /// Refuses two tensors that stand for the same one, such as a fused matrix and its parts.
  private static func checkNames(
    _ views: [GGUFView], _ files: [GGUFFile]
  ) throws(FormatError) {
    var seen: [ByteKey: String] = [:]
    for view in views {
      let name = ByteKey(view.descriptor.name)
      if let other = seen.updateValue(view.tensor.name, forKey: name) {
        throw FormatError(
          .badData, file: files[view.file].path, place: "tensor \(quoted(view.tensor.name))",
          problem: "expected one tensor for \(quoted(name.text)), found \(quoted(other)) too")
      }
    }
  }
}

extension GGUFView {
  /// A tensor as the file has it, under another name, with leading extents of 1 up to `rank`.
  init(_ tensor: GGUFTensor, file: Int, name: String? = nil, rank: Int = 0) {
    // ggml drops outer extents of 1, such as that of a matrix with one row.
    let missing = max(0, rank - tensor.shape.count)
    self.init(
      tensor, file: file, name: name ?? tensor.name,
      shape: Array(repeating: 1, count: missing) + tensor.shape, rows: nil, order: .asStored)
  }

  /// A tensor or some of its rows in another order, with `shape` as the result's shape.
  init(
    _ tensor: GGUFTensor, file: Int, name: String, shape: [Int], rows: Range<Int>?, order: Order
  ) {
    let rows = rows ?? 0..<(tensor.shape.first ?? 1)
    let dtype = tensor.type.dtype
    // As float32 a quantised tensor has at most 32 times as many bytes: this cannot overflow.
    let size = shape.reduce(1, *) * ((dtype ?? .f32).bitWidth / 8)
    self.init(
      descriptor: TensorDescriptor(
        name: name, dtype: dtype ?? .f32, shape: shape, byteRange: 0..<size),
      file: file, tensor: tensor, rows: rows, order: order)
  }
}
