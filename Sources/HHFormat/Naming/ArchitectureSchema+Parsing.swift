// Reading an architecture schema from its JSON text.

extension ArchitectureSchema {
  /// Parses a schema; every missing or mistyped key is an error that names it.
  package init(parsing bytes: [UInt8], file: String) throws(FormatError) {
    let reader = SchemaReader(file: file)
    let root: JSONValue
    do {
      root = try JSONValue(parsing: bytes)
    } catch {
      throw FormatError(.badData, file: file, problem: "byte \(error.offset): \(error.problem)")
    }
    architecture = try reader.string(root, "architecture")
    modelTypes = try reader.strings(root, "modelTypes")
    kind = try reader.choice(root, "kind")
    let block = try reader.member(root, "block")
    self.block = Block(
      norm: try reader.string(block, "norm"),
      normPlacement: try reader.string(block, "normPlacement"),
      positions: try reader.string(block, "positions"), mlp: try reader.string(block, "mlp"),
      embeddingNorm: try reader.bool(block, "embeddingNorm"),
      finalNorm: try reader.bool(block, "finalNorm"))
    detect = try reader.strings(root, "detect")
    prefixes = try reader.strings(root, "prefixes")
    classPrefix = try reader.string(root, "classPrefix")
    heads = try reader.list(root, "heads").map { (item) throws(FormatError) in
      Head(
        suffix: try reader.string(item, "suffix"), aliases: try reader.strings(item, "aliases"),
        loader: try reader.string(item, "loader"),
        role: try reader.string(item, "role"), groups: try reader.strings(item, "groups"))
    }
    initializerRange = try reader.number(root, "initializerRange")
    residualOutputs = try reader.strings(root, "residualOutputs")
    ggufArchitecture = root["ggufArchitecture"]?.string ?? architecture
    ggufPrefix = root["ggufPrefix"]?.string ?? prefixes.first ?? ""
    renames = try reader.list(root, "renames").map { (item) throws(FormatError) in
      (from: try reader.string(item, "from"), to: try reader.string(item, "to"))
    }
    configuration = try reader.list(root, "configuration").map { (item) throws(FormatError) in
      ConfigurationKey(
        name: try reader.string(item, "name"), keys: try reader.strings(item, "keys"),
        type: try reader.choice(item, "type"), fallback: item["default"] ?? .null,
        isInferable: item["inferable"]?.bool ?? true,
        gguf: try reader.strings(item, "gguf"),
        isRequiredInGGUF: item["ggufRequired"]?.bool ?? false,
        ggufWritten: try reader.strings(item, "ggufWritten"))
    }
    requires = try reader.list(root, "requires").map { (item) throws(FormatError) in
      (key: try reader.string(item, "key"), value: try reader.member(item, "value"))
    }
    tensors = try reader.list(root, "tensors").map { (item) throws(FormatError) in
      try Tensor(item, reader)
    }
    dropped = try reader.list(root, "dropped").map { (item) throws(FormatError) in
      (name: try reader.string(item, "name"), why: try reader.string(item, "why"))
    }
  }
}

extension ArchitectureSchema.Tensor {
  fileprivate init(_ item: JSONValue, _ reader: SchemaReader) throws(FormatError) {
    role = try reader.string(item, "role")
    names = try reader.strings(item, "names")
    shape = try reader.list(item, "shape").map { (extent) throws(FormatError) in
      try ArchitectureSchema.Extent(extent, reader)
    }
    presence =
      if let condition = item["when"]?.string {
        .when(condition)
      } else if let group = item["group"]?.string { .group(group) } else { .required }
    tiedTo = item["tiedTo"]?.string
    isInputMajor = item["stored"]?.string == "input-output"
    gguf = item["gguf"]?.string
    ggufRead = item["ggufRead"]?.string
  }
}

extension ArchitectureSchema.Extent {
  fileprivate init(_ item: JSONValue, _ reader: SchemaReader) throws(FormatError) {
    if let number = item.integer {
      self.init(factor: number, name: nil)
      return
    }
    guard let text = item.string else { throw reader.problem("shape", "a number or a name") }
    let parts = text.split(separator: "*")
    if parts.count == 2, let factor = Int(parts[0]) {
      self.init(factor: factor, name: String(parts[1]))
    } else {
      self.init(factor: 1, name: text)
    }
  }
}

/// Typed access to the members of a schema.
private struct SchemaReader {
  let file: String

  func problem(_ key: String, _ expected: String) -> FormatError {
    FormatError(.badData, file: file, place: "key '\(key)'", problem: "expected \(expected)")
  }
  func member(_ value: JSONValue, _ key: String) throws(FormatError) -> JSONValue {
    guard let member = value[key] else { throw problem(key, "a value, found none") }
    return member
  }
  func string(_ value: JSONValue, _ key: String) throws(FormatError) -> String {
    guard let text = value[key]?.string else { throw problem(key, "a string") }
    return text
  }
  func number(_ value: JSONValue, _ key: String) throws(FormatError) -> Double {
    guard let number = value[key]?.double else { throw problem(key, "a number") }
    return number
  }
  func bool(_ value: JSONValue, _ key: String) throws(FormatError) -> Bool {
    guard let truth = value[key]?.bool else { throw problem(key, "true or false") }
    return truth
  }
  func strings(_ value: JSONValue, _ key: String) throws(FormatError) -> [String] {
    try list(value, key).map { (item) throws(FormatError) in
      guard let text = item.string else { throw problem(key, "strings") }
      return text
    }
  }
  /// The elements of a list; an absent list is empty.
  func list(_ value: JSONValue, _ key: String) throws(FormatError) -> [JSONValue] {
    guard let member = value[key] else { return [] }
    guard let items = member.array else { throw problem(key, "a list") }
    return items
  }
  func choice<T: RawRepresentable<String>>(_ value: JSONValue, _ key: String) throws(FormatError)
    -> T
  {
    guard let choice = T(rawValue: try string(value, key)) else {
      throw problem(key, "one of the known words")
    }
    return choice
  }
}
