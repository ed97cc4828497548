// A recipe: what is done to a model, stage by stage, with every setting.

internal import HHData
package import HHFormat
internal import HHTraining

/// A recipe that says what it means: every key is known, every default filled in, no two settings
/// contradict each other. Whether this version can run it is asked by `options`.
package struct Recipe: Sendable, Equatable {
  /// The recipe's file or name, for messages.
  package let file: String
  /// What the recipe is for; nil where it does not say.
  package var description: String? { json["description"]?.string }
  /// Whether the recipe trains a model without a teacher, in place of converting one.
  package var trains: Bool { stages.contains { $0.name == "train" } }
  /// The stages in order.
  package let stages: [RecipeStage]
  /// The recipe with every default written out, keys in the schema's order.
  package let json: JSONValue
  /// The line of each key of the text, such as `stages[0].window`, the first being 1.
  let lines: [String: Int]

  /// Reads a recipe from the bytes of a YAML file, or a JSON file where `file` is named so.
  ///
  /// - Throws: `badData` for text that is neither, and for the first key that is unknown, has a
  ///   value that the schema does not allow, or contradicts another.
  package init(parsing bytes: [UInt8], file: String) throws(FormatError) {
    let (value, lines) = try RecipeText.parse(bytes, file: file)
    try self.init(value, file: file, lines: lines)
  }

  /// Completes and checks a recipe that is parsed already.
  init(_ value: JSONValue, file: String, lines: [String: Int] = [:]) throws(FormatError) {
    (self.file, self.lines) = (file, lines)
    json = Self.withLengths(try RecipeSchema(for: file, lines: lines).completed(value))
    stages = (json["stages"]?.array ?? []).map { RecipeStage($0) }
    try checkOrder()
    try checkSettings()
  }

  /// The recipe that a conversion follows without one.
  package static func standard() throws(FormatError) -> Recipe {
    try Recipe(.object([:]), file: "the standard recipe")
  }

  /// The recipe in a file or, where there is none, the shipped one of a name.
  package static func named(_ name: String) throws(FormatError) -> Recipe {
    if isPresent(name) {
      let mapped = try MappedFile(at: name)
      let bytes = mapped.bytes.copied()
      return try Recipe(parsing: bytes, file: name)
    }
    if let bytes = ShippedRecipes.all.first(where: { $0.name == name })?.bytes {
      return try Recipe(parsing: bytes, file: name)
    }
    let names = ShippedRecipes.all.map(\.name)
    throw FormatError(
      .missingInput, file: name,
      problem: "expected a file or one of the recipes \(names.joined(separator: ", ")),"
        + " found neither",
      hint: nearestName(to: name, among: names).map { "did you mean '\($0)'?" })
  }

  /// Where the recipe says what a setting is: its file, the line and the key; nil where it does not.
  package func place(of setting: SettingKey) -> String? {
    guard let key = setting.key else { return nil }
    let index = stages.firstIndex { $0.name == setting.stage }
    guard setting.stage == nil || index != nil else { return nil }
    let path = index.map { "stages[\($0)].\(key)" } ?? key
    return lines[path].map { "\(file): line \($0): key '\(path)'" }
  }

  /// The recipe as YAML, every default written out.
  package func yaml() throws(FormatError) -> String { try RecipeText.yaml(json, file: file) }

  /// The recipe with the number of steps of each stage that names neither steps nor epochs.
  private static func withLengths(_ recipe: JSONValue) -> JSONValue {
    guard var members = recipe.object, let stages = members["stages"]?.array else { return recipe }
    members["stages"] = .array(
      stages.map { stage in
        guard var settings = stage.object, settings["steps"] == .null,
          settings["epochs"] == .null
        else { return stage }
        settings["steps"] = TrainingSettings(.distil).steps.json
        return .object(settings)
      })
    return .object(members)
  }
}
