// Which models a batch converts, and where each of them goes.

package import HHFormat

/// One model of a batch. It depends on no other, and its artifact is all that it leaves.
package struct BatchUnit: Sendable, Equatable {
  /// The model's path.
  package let model: String
  /// The artifact's path.
  package let output: String
  /// The settings that a list gives the model, and where they stand; nil for none.
  package let settings: ModelList.Settings?

  /// Creates a unit.
  package init(model: String, output: String, settings: ModelList.Settings? = nil) {
    self.model = model
    self.output = output
    self.settings = settings
  }
}

/// The units of a batch: a function of the paths that were given and of the names below them.
package enum WorkList {
  /// The units that paths stand for, in their order, each model once.
  ///
  /// A folder stands for every checkpoint in it, a `.txt` file for the paths in its lines (`#`
  /// begins a comment), a list in YAML or JSON for its models, anything else for itself.
  ///
  /// - Throws: `missingInput` where a path does not exist or a folder holds no model; `badData` for a
  ///   list with a model twice; `cannotCreate` where two models would have the same output.
  package static func units(of paths: [String], outputFolder: String) throws(FormatError)
    -> [BatchUnit]
  {
    var units: [BatchUnit] = []
    var known: Set<String> = []
    for path in paths {
      if let list = try ModelList(at: path) {
        for entry in list.entries {
          guard known.insert(try identity(of: entry.model)).inserted else {
            throw list.problem(
              entry.settings.place, "expected each model once, found \(quoted(entry.model)) twice")
          }
          let name = entry.output ?? modelName(ofPath: entry.model) + artifactSuffix
          units.append(
            BatchUnit(
              model: entry.model, output: join(outputFolder, name), settings: entry.settings))
        }
        continue
      }
      for model in try models(of: [path]) {
        guard known.insert(try identity(of: model)).inserted else { continue }
        let name = modelName(ofPath: model) + artifactSuffix
        units.append(BatchUnit(model: model, output: join(outputFolder, name)))
      }
    }
    try checkOutputs(of: units)
    return units
  }

  private static func models(of paths: [String]) throws(FormatError) -> [String] {
    var found: [String] = []
    for path in paths {
      if path.hasSuffix(".txt") {
        for line in try lines(of: path) { found += try models(at: line, isListed: true) }
      } else {
        found += try models(at: path, isListed: false)
      }
    }
    return found
  }

  /// A path in a list that does not exist is a model all the same: its own conversion will fail.
  private static func models(at path: String, isListed: Bool) throws(FormatError) -> [String] {
    let kind: PathKind
    do throws(FormatError) {
      kind = try PathKind(of: path)
    } catch {
      guard isListed else { throw error }
      return [path]
    }
    guard kind == .directory else { return [path] }
    let found = try CheckpointSearch.checkpoints(below: path)
    if found.isEmpty {
      throw FormatError(
        .missingInput, file: path,
        problem: "expected a folder with models, found no safetensors or GGUF file in it")
    }
    return found
  }

  private static func lines(of path: String) throws(FormatError) -> [String] {
    let file = try MappedFile(at: path)
    guard let text = String(validating: file.bytes.copied(), as: UTF8.self) else {
      throw FormatError(.badData, file: path, problem: "expected UTF-8 text, found other bytes")
    }
    let lines = text.split(whereSeparator: \.isNewline).map { line in
      let line = line.drop { $0.isWhitespace }
      return String(line.reversed().drop { $0.isWhitespace }.reversed())
    }.filter { !$0.isEmpty && !$0.hasPrefix("#") }
    if lines.isEmpty {
      throw FormatError(.badData, file: path, problem: "expected a path in each line, found none")
    }
    return lines
  }

  /// The same for every path to a model; one that does not exist is known by its name.
  private static func identity(of path: String) throws(FormatError) -> String {
    do {
      return try resolvedPath(path)
    } catch  where error.kind == .missingInput {
      return path
    }
  }

  private static func checkOutputs(of units: [BatchUnit]) throws(FormatError) {
    var models: [String: String] = [:]
    for unit in units {
      guard let other = models.updateValue(unit.model, forKey: unit.output) else { continue }
      throw FormatError(
        .cannotCreate, file: unit.output,
        problem: "expected one model of this name, found \(quoted(other)) and"
          + " \(quoted(unit.model))",
        hint: "rename one of them, or convert it by itself with -o")
    }
  }
}
