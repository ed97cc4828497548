// The tensors of a file as a table in which equal layers share a line.

internal import HHFormat

/// Lines of tensors, those of equal layers together.
struct TensorTable {
  private struct Row {
    /// The name and the note around the number of the layer.
    let parts: [Substring]
    let note: String
    let dtype: String
    let shape: [Int]
    var layers: [Int]
  }

  private var rows: [Row] = []

  /// Puts tensors into rows, in the order of their first; with `isCollapsed` false each has its own.
  init(_ tensors: [Inspection.Tensor], isCollapsed: Bool) {
    var known: [String: Int] = [:]
    for tensor in tensors {
      let (parts, layer) = Self.split(tensor.name)
      let note = layer.map { Self.without($0, in: tensor.note) } ?? tensor.note
      let key = "\(parts.joined(separator: "\u{0}"))\u{0}\(tensor.dtype)\u{0}\(tensor.shape)\(note)"
      if isCollapsed, let layer, let index = known[key] {
        rows[index].layers.append(layer)
        continue
      }
      known[key] = rows.count
      rows.append(
        Row(
          parts: parts, note: isCollapsed ? note : tensor.note, dtype: tensor.dtype.rawValue,
          shape: tensor.shape, layers: layer.map { [$0] } ?? []))
    }
  }

  /// A line per row, its columns aligned.
  var lines: [String] {
    let cells = rows.map { row in
      [
        excerpt(row.parts.joined(separator: Format.ranges(row.layers))), row.dtype, "\(row.shape)",
        row.layers.count > 1
          ? row.note : row.note.replacing("{n}", with: Format.ranges(row.layers)),
      ]
    }
    let widths = (0..<3).map { column in cells.map { $0[column].count }.max() ?? 0 }
    return cells.map { row in
      (zip(row, widths).map { cell, width in
        cell + String(repeating: " ", count: width - cell.count)
      } + [row[3]]).joined(separator: "  ")
    }
  }

  /// A name around its first number, which is the layer's, and that number.
  private static func split(_ name: String) -> (parts: [Substring], layer: Int?) {
    let words = name.split(separator: ".", omittingEmptySubsequences: false)
    guard
      let place = words.firstIndex(where: { word in
        !word.isEmpty && word.count < 7 && word.allSatisfy { $0.isASCII && $0.isNumber }
          && (word == "0" || word.first != "0")
      }), let layer = Int(words[place])
    else { return ([name[...]], nil) }
    let word = words[place]
    return ([name[..<word.startIndex], name[word.endIndex...]], layer)
  }

  /// A role in which `{n}` stands for the layer.
  private static func without(_ layer: Int, in note: String) -> String {
    note.split(separator: ".", omittingEmptySubsequences: false)
      .map { $0 == "\(layer)" ? "{n}" : String($0) }.joined(separator: ".")
  }
}
