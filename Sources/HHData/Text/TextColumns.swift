// Which columns of a table hold the texts, and which the label.

internal import HHFormat

/// The columns of a table that matter to a task.
struct TextColumns {
  /// The text, or the first of a pair.
  let first: Int
  /// The second text of a pair.
  let second: Int?
  /// What the texts are labelled with.
  let label: Int?

  /// Names of two columns that are a pair, in the models' order: GLUE's, as its own files and as
  /// Hugging Face's data sets have them.
  private static let pairs = [
    ["sentence1", "sentence2"], ["question1", "question2"], ["premise", "hypothesis"],
    ["question", "sentence"], ["#1 String", "#2 String"],
  ]
  private static let singles = ["sentence", "text"]
  /// Names under which texts go elsewhere. A file that has one of them beside the columns above may
  /// be meant in another way, and a text that is passed over is worse than a refusal.
  private static let others = [
    "title", "content", "body", "document", "review", "passage", "context", "answer", "query",
    "abstract", "description", "utterance", "headline", "summary", "dialogue",
  ]
  private static let labels = ["label", "gold_label", "is_duplicate", "Quality", "score"]

  /// Finds the columns. `names` are those of the texts where the user gave them.
  ///
  /// - Throws: `badData` with the columns found where it is unclear which of them hold the texts.
  init(of table: TextTable, named names: [String]? = nil) throws(FormatError) {
    func index(_ name: String) -> Int? { table.columns.firstIndex(of: name) }
    let found = Self.labels.filter { index($0) != nil }
    label = found.first.flatMap(index)
    guard found.count <= 1 else { throw Self.unclear(table, "one column of labels") }
    let texts: [String]
    if let names {
      for name in names where index(name) == nil {
        throw FormatError(
          .badData, file: table.path, place: "line 1",
          problemText:
            """
            expected the column \(quoted(name)) that \(.column) names, found \
            \(Self.list(table.columns))
            """)
      }
      guard (1...2).contains(names.count) else {
        throw Self.unclear(table, "one or two names in \(.column)")
      }
      texts = names
    } else {
      let candidates = Set(
        (Self.pairs.flatMap(\.self) + Self.singles + Self.others).filter { index($0) != nil })
      let known = Self.pairs + Self.singles.map { [$0] }
      guard let match = known.first(where: { Set($0) == candidates }) else {
        throw Self.unclear(
          table,
          "columns 'sentence' or 'text', or a pair of GLUE's such as 'sentence1' and 'sentence2'")
      }
      texts = match
    }
    guard let first = texts.first.flatMap(index) else { throw Self.unclear(table, "a text") }
    self.first = first
    second = texts.count == 2 ? index(texts[1]) : nil
  }

  private static func list(_ columns: [String]) -> String {
    columns.isEmpty ? "none" : columns.map { quoted($0) }.joined(separator: ", ")
  }

  static func unclear(_ table: TextTable, _ expected: SettingText) -> FormatError {
    FormatError(
      .badData, file: table.path, place: "line 1",
      problemText: "expected \(expected), found \(list(table.columns))",
      remedy: "rename the columns, or name them: \(.column, "NAME"), or NAME,NAME for pairs")
  }
}
