// A list of models with settings for each, in YAML or JSON.

package import HHFormat
internal import HHModel

/// The models of a batch as a file lists them:
///
///     settings: {steps: 100}        # for all of them
///     models:
///       - models/gpt2
///       - model: models/llama
///         output: llama-wide.hst    # in the folder for the artifacts
///         window: 64
///
/// Settings have the names of `convert`'s options; whoever reads those reads these.
package struct ModelList {
  /// The settings of one model.
  package struct Settings: Sendable, Equatable {
    /// Options by their names, those for all models first.
    package let options: [(name: String, value: JSONValue)]
    /// The list.
    package let file: String
    /// Which of its models it is: `models[2]`, with its line where that is known.
    package let place: String

    package static func == (a: Self, b: Self) -> Bool {
      a.file == b.file && a.place == b.place
        && a.options.elementsEqual(b.options) { $0.name == $1.name && $0.value == $1.value }
    }
  }

  /// One model.
  struct Entry {
    let model: String
    /// The artifact's name; nil for the model's.
    let output: String?
    let settings: Settings
  }

  let entries: [Entry]
  private let file: String

  /// Reads a list; nil for a file that is none by its name, or a JSON file without `models`, as the
  /// index of a checkpoint's shards.
  ///
  /// - Throws: `badData` naming the key or the model.
  init?(at path: String) throws(FormatError) {
    guard [".yaml", ".yml", ".json"].contains(where: path.hasSuffix) else { return nil }
    let file = try MappedFile(at: path)
    let (value, lines) = try RecipeText.parse(file.bytes.copied(), file: path, as: .list)
    guard !path.hasSuffix(".json") || value["models"] != nil else { return nil }
    self.file = path
    guard let members = value.object else {
      throw Self.problem(path, "", "expected the key 'models', found no keys")
    }
    if let key = members.keys.first(where: { $0 != "models" && $0 != "settings" }) {
      throw Self.problem(
        path, Self.place(key, lines), "expected 'models' and 'settings', found \(quoted(key))")
    }
    guard let items = members["models"]?.array, !items.isEmpty else {
      throw Self.problem(path, Self.place("models", lines), "expected a list of models, found none")
    }
    let common = members["settings"] ?? [:]
    guard let common = common.object else {
      throw Self.problem(
        path, Self.place("settings", lines),
        "expected settings by their names, found"
          + " \(common.excerpt)")
    }
    var entries: [Entry] = []
    for (index, item) in items.enumerated() {
      entries.append(
        try Self.entry(item, common, file: path, place: Self.place("models[\(index)]", lines)))
    }
    self.entries = entries
  }

  private static func entry(
    _ item: JSONValue, _ common: JSONObject, file: String, place: String
  ) throws(FormatError) -> Entry {
    func text(_ key: String, _ value: JSONValue?) throws(FormatError) -> String? {
      guard let value else { return nil }
      guard let text = value.string, !text.isEmpty else {
        throw problem(file, place, "'\(key)': expected a path, found \(value.excerpt)")
      }
      return text
    }
    let members = item.object ?? ["model": item]
    guard let model = try text("model", members["model"]) else {
      throw problem(file, place, "expected the key 'model', found none")
    }
    let output = try text("output", members["output"])
    if let output, output.contains("/") {
      throw problem(
        file, place,
        "'output': expected a name in the folder for the artifacts, found"
          + " \(quoted(output))")
    }
    let own = members.pairs.filter { $0.key != "model" && $0.key != "output" }
    let options = (common.pairs + own).map { (name: $0.key, value: $0.value) }
    return Entry(
      model: model, output: output,
      settings: Settings(options: options, file: file, place: place))
  }

  private static func place(_ key: String, _ lines: [String: Int]) -> String {
    lines[key].map { "line \($0), \(key)" } ?? key
  }

  private static func problem(_ file: String, _ place: String, _ text: String) -> FormatError {
    FormatError(.badData, file: file, place: place, problem: text)
  }

  /// An error about one of the list's models.
  func problem(_ place: String, _ text: String) -> FormatError {
    Self.problem(file, place, text)
  }
}
