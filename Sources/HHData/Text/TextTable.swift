// Files whose rows have named columns: tab-separated, comma-separated, JSON and JSON lines.

internal import HHFormat

/// The rows of a file with named columns.
struct TextTable: Sendable {
  /// How a file separates its values.
  enum Form: Sendable {
    /// A row a line, values as they are between tabs; a header names the columns.
    case tabs
    /// RFC 4180: values between commas, in double quotes where need be; a header names the columns.
    case commas
    /// An array of objects, or an object a line.
    case json

    /// The form that a file's name asks for; nil for any other name.
    init?(of path: String) {
      let name = path.lowercased()
      if name.hasSuffix(".tsv") {
        self = .tabs
      } else if name.hasSuffix(".csv") {
        self = .commas
      } else if [".jsonl", ".ndjson", ".json"].contains(where: name.hasSuffix) {
        self = .json
      } else {
        return nil
      }
    }
  }

  /// One row.
  struct Row: Sendable {
    /// Where it lies, such as `line 3`.
    let place: String
    /// A value for each column; nil where the row has none that is a text or a number.
    let values: [String?]
  }

  /// The names of the columns: the header, or the keys of the first object.
  let columns: [String]
  /// The rows behind the header.
  let rows: [Row]
  /// The file.
  let path: String

  /// Reads a file. A file without a header is read with columns that have no names.
  ///
  /// - Throws: `badData` for a row with another number of values than the header, for JSON that is
  ///   none, and for a column named twice.
  init(at path: String, _ form: Form, hasHeader: Bool = true) throws(FormatError) {
    self.path = path
    let text = try readText(at: path)
    if form == .json {
      (columns, rows) = try JSONRows(path).table(text)
      return
    }
    var rows = form == .tabs ? Self.tabbed(text) : try Self.commaSeparated(text, path)
    guard hasHeader else {
      (columns, self.rows) = ([], rows)
      return
    }
    let header = rows.isEmpty ? [] : rows.removeFirst().values.map { $0 ?? "" }
    for (index, name) in header.enumerated()
    where !name.isEmpty && header[..<index].contains(name) {
      throw Self.problem(path, "line 1", "expected each column once, found \(quoted(name)) twice")
    }
    for row in rows where row.values.count != header.count {
      // A tab at the end of a line is an empty value too many, which does no harm.
      let isPadded =
        row.values.count > header.count
        && row.values[header.count...].allSatisfy { $0 == "" }
      guard isPadded else {
        throw Self.problem(
          path, row.place, "expected \(header.count) columns, found \(row.values.count)")
      }
    }
    (columns, self.rows) = (header, rows)
  }

  /// The text of a row's column.
  func text(_ row: Row, _ column: Int) throws(FormatError) -> String {
    guard let text = row.values[column] else {
      let name = columns.indices.contains(column) ? " under the key \(quoted(columns[column]))" : ""
      throw Self.problem(path, row.place, "expected text\(name), found none")
    }
    return text
  }

  /// The text of a row's column, nil without a column.
  func optionalText(_ row: Row, _ column: Int?) throws(FormatError) -> String? {
    guard let column else { return nil }
    return try text(row, column)
  }

  /// The number that a row's column stands for; `expected` says which are.
  func number(
    _ row: Row, _ column: Int, _ expected: String, _ number: (String) -> Double?
  ) throws(FormatError) -> Double {
    guard let number = row.values[column].flatMap(number) else {
      throw Self.problem(
        path, row.place, "expected \(expected), found \(quoted(row.values[column] ?? "none"))")
    }
    return number
  }

  static func problem(_ path: String, _ place: String, _ text: String) -> FormatError {
    FormatError(.badData, file: path, place: place, problem: text)
  }

  private static func tabbed(_ text: String) -> [Row] {
    text.utf8Lines.enumerated().compactMap { index, line in
      guard !line.isEmpty else { return nil }
      let fields = line.utf8.split(separator: 0x09, omittingEmptySubsequences: false)
      let values = fields.map { String?(String(Substring($0))) }
      return Row(place: "line \(index + 1)", values: values)
    }
  }

  private static func commaSeparated(_ text: String, _ path: String) throws(FormatError) -> [Row] {
    var reader = CommaReader(bytes: Array(text.utf8))
    var rows: [Row] = []
    while let row = reader.next() {
      guard let values = row.values else {
        throw problem(path, "line \(row.line)", "expected an end of the quoted value, found none")
      }
      if values.count > 1 || values.first?.isEmpty == false {
        rows.append(Row(place: "line \(row.line)", values: values))
      }
    }
    return rows
  }
}

extension TextTable {
  /// Whether a file is a table of labelled texts: any table but one with texts and no label. What
  /// is wrong with the columns is for the reader of labelled texts to say.
  static func hasLabels(at path: String, _ columns: [String]?) throws(FormatError) -> Bool {
    guard let form = Form(of: path) else { return false }
    let table = try TextTable(at: path, form)
    let found = try? TextColumns(of: table, named: columns)
    return found.map { $0.label != nil } ?? true
  }
}
