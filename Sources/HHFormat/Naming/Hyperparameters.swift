// The numbers that describe one model: read from its configuration, or inferred from its tensors.

/// Hyper-parameters of a model under the schema's own names, all checked for type and range.
package struct Hyperparameters: Sendable {
  private var values: JSONObject = [:]
  /// The configuration's path, or the checkpoint's where there is none; errors name it.
  package let file: String
  /// The spelling of each name in `config.json`, for messages.
  private var spelling: [String: String] = [:]

  /// Largest hyper-parameter that is believed: beyond it a product of a few could overflow.
  private static let limit = 1 << 31

  /// Resolves every hyper-parameter of a schema.
  ///
  /// A value comes from the configuration; else from the tensors' shapes (`observed`); else it is
  /// the class default, unless there is no configuration at all and nothing can tell the value:
  /// then the error names what to supply.
  package init(
    schema: ArchitectureSchema, configuration: JSONObject?, configurationPath: String?,
    checkpointPath: String, observed: [String: Int]
  ) throws(FormatError) {
    file = configurationPath ?? checkpointPath
    for key in schema.configuration {
      spelling[key.name] = key.spelling(in: configuration)
    }
    if let configuration {
      for rule in schema.requires {
        let found = configuration[rule.key]
        if let found, found != .null, found != rule.value {
          throw FormatError(
            .unsupported, file: file, place: "key '\(rule.key)'",
            problem: "expected \(rule.value.text), found \(found.excerpt)")
        }
      }
    } else {
      let unknown = schema.configuration.filter { !$0.isInferable }.map { key($0.name) }
      if !unknown.isEmpty {
        throw FormatError(
          .badData, file: checkpointPath,
          problem: "no config.json beside this \(schema.architecture) checkpoint, and its tensors"
            + " do not tell \(unknown.map { "'\($0)'" }.joined(separator: ", "))",
          remedy:
            """
            put config.json beside it, or give those keys in a JSON file with \
            \(.configuration, "FILE")
            """)
      }
    }
    for key in schema.configuration {
      if let given = configuration.flatMap({ key.value(in: $0) }) {
        values[key.name] = try checked(given, key)
      } else if let value = observed[key.name], configuration == nil || key.type.isInteger {
        guard value < Self.limit else { throw tooLarge(value, key) }
        values[key.name] = key.type == .boolean ? .bool(value != 0) : .integer(value)
      } else if case .string(let expression) = key.fallback, key.type.isInteger {
        values[key.name] = .integer(try evaluate(expression))
      } else {
        values[key.name] = key.fallback
      }
    }
    if schema.block.positions == "rotary", let configuration {
      let rotary = try RotaryParameters(
        configuration, maximumPositions: integer("maximumPositions"), file: file)
      for key in schema.configuration where key.name == "ropeBase" {
        values[key.name] =
          try rotary.base.map { (base) throws(FormatError) in
            try checked(base, key)
          } ?? key.fallback
      }
      values["ropeScaling"] = rotary.scaling.map { .object($0) } ?? .null
    }
    if let labels = observed["labelCount"] { values["labelCount"] = .integer(labels) }
    for key in schema.configuration where key.type.isInteger && integer(key.name) < 1 {
      throw FormatError(
        .badData, file: file, place: "key '\(self.key(key.name))'",
        problem: "expected at least 1, found \(integer(key.name))")
    }
    try derive()
  }

  /// A whole number; 0 where the architecture has no such hyper-parameter.
  package func integer(_ name: String) -> Int { values[name]?.integer ?? 0 }
  /// A number; 0 where the architecture has no such hyper-parameter.
  package func number(_ name: String) -> Double { values[name]?.double ?? 0 }
  /// A truth value; false where the architecture has no such hyper-parameter.
  package func bool(_ name: String) -> Bool { values[name]?.bool ?? false }
  /// A word; empty where the architecture has no such hyper-parameter.
  package func string(_ name: String) -> String { values[name]?.string ?? "" }
  /// Any value as it was read.
  package func value(_ name: String) -> JSONValue? { values[name] }
  /// How `config.json` spells a hyper-parameter.
  package func key(_ name: String) -> String { spelling[name] ?? name }

  /// The value of an extent of a schema's shape, or nil where it names nothing known.
  package func extent(_ extent: ArchitectureSchema.Extent) -> Int? {
    guard let name = extent.name else { return extent.factor }
    return values[name]?.integer.map { $0 * extent.factor }
  }

  private func checked(_ value: JSONValue, _ key: ArchitectureSchema.ConfigurationKey)
    throws(FormatError) -> JSONValue
  {
    var value = value
    // Square images and patches may be written as [height, width].
    if key.type == .side, let sides = value.array, sides.count == 2, sides[0] == sides[1] {
      value = sides[0]
    }
    let fits =
      switch key.type {
      case .integer, .side: value.integer.map { (0..<Self.limit).contains($0) } ?? false
      // No text has the id -1, under which older files of Llama have no padding.
      case .token where key.name == "paddingToken" && value.integer == -1: true
      case .token: value.integer.map { (0..<Self.limit).contains($0) } ?? false
      case .number: value.double.map { $0.isFinite && $0 > 0 } ?? false
      case .boolean: value.bool != nil
      case .string: value.string != nil
      case .object: value.object != nil
      }
    if fits { return value }
    if key.type == .token { return .null }
    let expected =
      switch key.type {
      case .integer: "a whole number below \(Self.limit)"
      case .side: "a whole number below \(Self.limit) or two equal ones"
      case .token, .number: "a positive number"
      case .boolean: "true or false"
      case .string: "a string"
      case .object: "an object"
      }
    throw FormatError(
      .badData, file: file, place: "key '\(self.key(key.name))'",
      problem: "expected \(expected), found \(value.excerpt)")
  }

  private func tooLarge(_ value: Int, _ key: ArchitectureSchema.ConfigurationKey) -> FormatError {
    FormatError(
      .badData, file: file, place: "key '\(self.key(key.name))'",
      problem: "expected below \(Self.limit), found \(value) by the tensors' shapes")
  }

  /// Evaluates `name`, `factor*name` or `name/name` over values resolved so far.
  private func evaluate(_ expression: String) throws(FormatError) -> Int {
    let quotient = expression.split(separator: "/").map(String.init)
    if quotient.count == 2 { return try divide(quotient[0], by: quotient[1]) }
    let product = expression.split(separator: "*").map(String.init)
    if product.count == 2, let factor = Int(product[0]) { return factor * integer(product[1]) }
    return integer(expression)
  }

  private func divide(_ dividend: String, by divisor: String) throws(FormatError) -> Int {
    let (a, b) = (integer(dividend), integer(divisor))
    guard b > 0, a.isMultiple(of: b) else {
      throw FormatError(
        .badData, file: file, place: "key '\(key(divisor))'",
        problem: "expected a divisor of '\(key(dividend))' \(a), found \(b)")
    }
    return a / b
  }

  private mutating func derive() throws(FormatError) {
    func set(_ name: String, _ value: Int, in values: inout JSONObject) {
      values[name] = .integer(value)
    }
    if values["headSize"] == nil {
      set("headSize", try divide("hiddenSize", by: "headCount"), in: &values)
    }
    if values["keyValueHeadCount"] == nil {
      set("keyValueHeadCount", integer("headCount"), in: &values)
    }
    _ = try divide("headCount", by: "keyValueHeadCount")
    set("queryWidth", integer("headCount") * integer("headSize"), in: &values)
    set("keyValueWidth", integer("keyValueHeadCount") * integer("headSize"), in: &values)
    if values["patchSize"] != nil {
      let side = try divide("imageSize", by: "patchSize")
      guard side < 1 << 15 else {
        throw FormatError(
          .badData, file: file, place: "key '\(key("imageSize"))'",
          problem: "expected fewer than 32768 patches a side, found \(side)")
      }
      set("positionCount", side * side + 1, in: &values)
    }
  }
}
