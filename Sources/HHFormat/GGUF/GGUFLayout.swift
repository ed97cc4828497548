// How a GGUF file stores the tensors of a checkpoint; `GGUFNames` and `GGUFView` undo it.

/// Names, shapes and row orders of a model's tensors in a GGUF file.
package struct GGUFLayout: Sendable {
  /// One tensor of the file.
  package struct Tensor: Sendable {
    /// The tensor's role in the model.
    package let role: String
    /// The tensor in the checkpoint.
    package let source: TensorDescriptor
    /// Its name in the file.
    package let name: String
    /// Its row-major shape in the file.
    package let shape: [Int]
    let order: GGUFView.Order

    init(role: String, source: TensorDescriptor, name: String, order: GGUFView.Order, fixed: Int) {
      self.role = role
      self.source = source
      self.name = name
      self.order = order
      // Leading extents of 1, with which other frameworks broadcast, do not exist in GGUF.
      shape = order == .transposed ? source.shape.reversed() : Array(source.shape.dropFirst(fixed))
    }
  }

  /// The tensors in the checkpoint's order.
  package let tensors: [Tensor]

  /// The names of feature map parameters, with `{layer}` for the layer's number: in a GGUF file,
  /// and as roles, which are also their names in an artifact.
  package static let mapNames: [(gguf: String, name: String)] = [
    ("q.weight", "query.weight"), ("q.bias", "query.bias"), ("k.weight", "key.weight"),
    ("k.bias", "key.bias"), ("window", "window"),
  ].map { ("blk.{layer}.attn_fmap_\($0)", "layers.{layer}.attention.feature_map.\($1)") }

  /// Whether a tensor of this name in a checkpoint is a parameter of a feature map.
  package static func isMap(_ name: String) -> Bool {
    let pattern = splitLayer(name, after: "layers").pattern
    return mapNames.contains { $0.name == pattern }
  }

  /// Lays out a model's tensors.
  ///
  /// - Parameters:
  ///   - names: The model's tensors by role.
  ///   - maps: The parameters of feature maps, named by their roles.
  package init(_ names: NameMap, maps: [TensorDescriptor] = []) {
    let specs = Dictionary(
      names.schema.tensors.map { ($0.role, $0) }, uniquingKeysWith: { first, _ in first })
    var tensors: [Tensor] = []
    for entry in names.entries {
      let (pattern, layer) = splitLayer(entry.role, after: "layers")
      guard let spec = specs[pattern], let name = spec.gguf else { continue }
      let order: GGUFView.Order =
        if entry.isInputMajor, entry.tensor.shape.count == 2 {
          .transposed
        } else if let heads = names.schema.rotatedHeads(
          entry.role, queries: names.hyperparameters.integer("headCount"),
          keys: names.hyperparameters.integer("keyValueHeadCount"))
        {
          .interleaved(heads: heads)
        } else {
          .asStored
        }
      tensors.append(
        Tensor(
          role: entry.role, source: entry.tensor,
          name: name.replacing("{layer}", with: layer), order: order,
          fixed: spec.shape.prefix { $0.name == nil && $0.factor == 1 }.count))
    }
    for map in maps {
      let (pattern, layer) = splitLayer(map.name, after: "layers")
      guard let name = Self.mapNames.first(where: { $0.name == pattern })?.gguf else { continue }
      tensors.append(
        Tensor(
          role: map.name, source: map, name: name.replacing("{layer}", with: layer),
          order: .asStored, fixed: 0))
    }
    self.tensors = tensors
  }
}

extension GGUFLayout.Tensor {
  /// Whether the tensor is an extension that only hh-convert reads: its name begins with `hh.`.
  package var isHedgehogExtension: Bool { name.hasPrefix("hh.") }

  /// Extent of the first dimension; 1 for a scalar.
  package var rowCount: Int { shape.first ?? 1 }
  /// Elements of a row.
  package var columnCount: Int { shape.dropFirst().reduce(1, *) }

  /// Some rows of the stored tensor, gathered from the checkpoint's bytes.
  func rows(_ range: Range<Int>, of bytes: RawSpan) -> [UInt8] {
    let width = source.dtype.bitWidth / 8
    if order == .asStored {
      let rowBytes = columnCount * width
      return bytes.extracting(range.lowerBound * rowBytes..<range.upperBound * rowBytes).copied()
    }
    return switch width {
    case 1: gather(range, of: bytes, as: UInt8.self)
    case 2: gather(range, of: bytes, as: UInt16.self)
    case 4: gather(range, of: bytes, as: UInt32.self)
    default: gather(range, of: bytes, as: UInt64.self)
    }
  }

  private func gather<Element: FixedWidthInteger & BitwiseCopyable>(
    _ range: Range<Int>, of bytes: RawSpan, as type: Element.Type
  ) -> [UInt8] {
    let (rows, columns) = (rowCount, columnCount)
    let width = MemoryLayout<Element>.size
    precondition(bytes.byteCount == rows * columns * width, "gather: the tensor's bytes")
    var elements = [Element](repeating: 0, count: range.count * columns)
    var output = elements.mutableSpan
    switch order {
    case .transposed:
      // Column by column, so that one cache line of the source serves all of the rows.
      for column in 0..<columns {
        for row in range {
          // Safe: row and column are inside the shape whose size was checked above.
          output[(row - range.lowerBound) * columns + column] = unsafe bytes.unsafeLoadUnaligned(
            fromByteOffset: (column * rows + row) * width, as: Element.self)
        }
      }
    case .asStored, .interleaved:
      for row in range {
        let start = sourceRow(row) * columns
        for column in 0..<columns {
          // Safe: as above; `sourceRow` is a permutation of the rows.
          output[(row - range.lowerBound) * columns + column] = unsafe bytes.unsafeLoadUnaligned(
            fromByteOffset: (start + column) * width, as: Element.self)
        }
      }
    }
    // Safe: integers have no padding.
    return unsafe elements.span.bytes.copied()
  }

  /// The checkpoint's row that a row of the file holds; see `GGUFView.Order`.
  func sourceRow(_ row: Int) -> Int {
    guard case .interleaved(let heads) = order else { return row }
    let size = rowCount / heads
    let (head, place) = (row / size, row % size)
    return head * size + place % 2 * (size / 2) + place / 2
  }
}

/// A name or role without its layer's number, which follows `word`: with `blk`,
/// `blk.3.attn_q.weight` gives `blk.{layer}.attn_q.weight` and 3. Other names stay as they are,
/// with an empty layer.
func splitLayer(_ name: String, after word: Substring) -> (pattern: String, layer: String) {
  var parts = name.split(separator: ".", omittingEmptySubsequences: false)
  guard let place = parts.firstIndex(of: word), place + 1 < parts.count,
    let layer = Int(parts[place + 1]), "\(layer)" == parts[place + 1]
  else { return (name, "") }
  parts[place + 1] = "{layer}"
  return (parts.joined(separator: "."), "\(layer)")
}

extension ArchitectureSchema {
  /// The number of heads of a projection whose rows a GGUF file stores in the order of
  /// `GGUFView.Order.interleaved`, given the numbers of query and key heads; nil for other tensors.
  func rotatedHeads(_ role: String, queries: Int, keys: Int) -> Int? {
    guard block.positions == "rotary" else { return nil }
    if role.contains(".attention.query.") { return queries }
    return role.contains(".attention.key.") ? keys : nil
  }

  /// The name of the architecture with linear attention in a GGUF file. No other program mistakes
  /// it for the softmax model.
  package var hedgehogArchitecture: String { Self.hedgehogPrefix + architecture }
  /// The prefix of all architecture names with linear attention.
  static let hedgehogPrefix = "hedgehog-"
}
