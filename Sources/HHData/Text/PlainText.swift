// The text of a data file that is not labelled.

internal import HHFormat

/// The text of a file; of a table the texts of one column, a line end between them.
///
/// - Parameters:
///   - path: The file.
///   - columns: The name of the column; nil for `text` or `sentence`.
/// - Returns: The text, without a byte order mark before it.
/// - Throws: `badData` where it is unclear which column is meant.
func plainText(at path: String, _ columns: [String]?) throws(FormatError) -> String {
  guard let form = TextTable.Form(of: path) else {
    guard columns == nil else {
      throw FormatError(
        .badData, file: path,
        problemText:
          "expected rows with columns for \(.column) (.tsv, .csv, .json, .jsonl), found text")
    }
    return try readText(at: path)
  }
  let table = try TextTable(at: path, form)
  let found = try TextColumns(of: table, named: columns)
  guard found.second == nil else {
    throw TextColumns.unclear(table, "one column of text")
  }
  var texts: [String] = []
  for row in table.rows { texts.append(try table.text(row, found.first)) }
  return texts.joined(separator: "\n")
}
