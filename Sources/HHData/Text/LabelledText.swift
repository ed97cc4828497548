// Examples of text tasks in files with a row for each.

package import HHFormat

/// Texts, or pairs of texts, each with what they are labelled with.
package struct LabelledText: Sendable {
  /// One example; `second` is nil where the task has single texts.
  package struct Example: Sendable, Equatable {
    package let first: String
    package let second: String?
    package let label: Double
  }

  package let examples: [Example]

  /// Reads classification examples: rows of named columns, under the names of GLUE's nine tasks, or
  /// CoLA's own file, which has no header. Labels are numbers of classes from 0, or their names.
  ///
  /// - Parameters:
  ///   - path: A tab- or comma-separated file with a header, or JSON.
  ///   - classes: The names of the model's classes, in order.
  ///   - columns: The names of the columns with texts; nil for the usual ones.
  /// - Throws: `unsupported` for a single class: such a head predicts a number, and always the same
  ///   class. `badData` where it is unclear which columns are meant, and for a row without a label.
  package init(
    classificationAt path: String, classes: [String], columns: [String]? = nil
  ) throws(FormatError) {
    guard classes.count > 1 else {
      throw FormatError(
        .unsupported, file: path,
        problem: "expected a model of two classes or more for labelled texts, found one whose head"
          + " gives a single number",
        remedy: "'hh-convert eval \(.task, "glue")' measures such a model")
    }
    var table = try TextTable(at: path, TextTable.Form(of: path) ?? .tabs)
    let words = ClassWords(classes)
    var (first, second, label) = (3, Int?.none, 1)
    if columns == nil, Self.isCoLA(table) {
      table = try TextTable(at: path, .tabs, hasHeader: false)
    } else {
      let found = try TextColumns(of: table, named: columns)
      guard let place = found.label else { throw TextColumns.unclear(table, "a column 'label'") }
      (first, second, label) = (found.first, found.second, place)
    }
    examples = try Self.examples(table) { (row) throws(FormatError) in
      Example(
        first: try table.text(row, first), second: try table.optionalText(row, second),
        label: try table.number(row, label, words.expectation) {
          words.number(of: $0).map(Double.init)
        })
    }
  }

  /// Reads pairs with a similarity: under names of columns, or as the STS benchmark has them: no
  /// header, the score in the fifth column, the texts in the sixth and seventh.
  package init(similarityAt path: String, columns: [String]? = nil) throws(FormatError) {
    let form = TextTable.Form(of: path) ?? .tabs
    let table = try TextTable(at: path, form, hasHeader: form == .json)
    let header = table.rows.first?.values.compactMap(\.self) ?? []
    if form == .json || columns != nil || header.contains(where: ["score", "label"].contains) {
      let table = try TextTable(at: path, form)
      let found = try TextColumns(of: table, named: columns)
      guard let label = found.label, let second = found.second else {
        throw TextColumns.unclear(table, "two columns of texts and one 'score' or 'label'")
      }
      examples = try Self.examples(table) { (row) throws(FormatError) in
        Example(
          first: try table.text(row, found.first), second: try table.text(row, second),
          label: try table.number(row, label, "a score", Self.score))
      }
      return
    }
    examples = try Self.examples(table) { (row) throws(FormatError) in
      guard row.values.count >= 7 else {
        throw TextTable.problem(
          path, row.place, "expected 7 columns, found \(row.values.count)")
      }
      return Example(
        first: try table.text(row, 5), second: try table.text(row, 6),
        label: try table.number(row, 4, "a score in the fifth column", Self.score))
    }
  }

  /// Whether a table is CoLA's own file, which has no header: source, label, the linguist's mark,
  /// sentence.
  private static func isCoLA(_ table: TextTable) -> Bool {
    TextTable.Form(of: table.path) != .commas && table.columns.count == 4
      && ["0", "1"].contains(table.columns[1]) && ["", "*"].contains(table.columns[2])
  }

  private static func score(_ text: String) -> Double? {
    Double(text).flatMap { $0.isFinite ? $0 : nil }
  }

  private static func examples(
    _ table: TextTable, _ example: (TextTable.Row) throws(FormatError) -> Example
  ) throws(FormatError) -> [Example] {
    guard !table.rows.isEmpty else {
      throw FormatError(.badData, file: table.path, problem: "expected examples, found none")
    }
    var examples: [Example] = []
    for row in table.rows { examples.append(try example(row)) }
    return examples
  }
}
