// The settings of linear attention in every format: one table of keys, from which manifests, GGUF
// metadata and configurations for transformers are read and written.

extension LinearAttentionDescription {
  /// Every setting, in the order in which all formats list them.
  package static let fields: [Field] = [
    Field(\.kind, "kind", configuration: "feature_map", expected: "a name") { !$0.isEmpty },
    Field(
      \.featureDimension, "featureDimension", gguf: "dimension", configuration: "feature_size",
      expected: "a positive number"
    ) { $0 > 0 },
    Field(\.bias, "bias", configuration: "bias"),
    Field(\.sharing, "sharing", configuration: "key_maps"),
    Field(
      \.epsilon, "epsilon", configuration: "epsilon", isSingle: true,
      expected: "a number from 0 up"
    ) { $0 >= 0 },
    Field(
      \.epsilonPlacement, "epsilonPlacement", gguf: "epsilon_placement",
      configuration: "epsilon_placement"),
    Field(\.orientation, "orientation", configuration: nil),
    Field(
      optional: \.constant, "constant", configuration: "constant", expected: "a positive number"
    ) { $0 > 0 && $0.isFinite },
    Field(
      optional: \.listedPositions, "positions", configuration: "positions", expected: "dropped"
    ) { $0 == .dropped },
    Field(
      optional: \.window, "window", configuration: "window", expected: "a positive number"
    ) { $0 > 0 },
    Field(
      optional: \.sinks, "sinks", configuration: "sinks", expected: "a positive number"
    ) { $0 > 0 },
    Field(
      optional: \.listedWindowFactor, "windowFactor", gguf: "window_factor",
      configuration: "window_factor", expected: "exponential"
    ) { $0 == .exponential },
    Field(
      optional: \.listedSoftmaxLayers, "softmaxLayers", gguf: "softmax_layers",
      configuration: "softmax_layers", expected: "ascending numbers"
    ) { zip($0, $0.dropFirst()).allSatisfy(<) },
  ]

  /// What the keys of GGUF begin with, after the architecture.
  package static let ggufStem = "attention.feature_map"

  /// One setting, and what each format calls it.
  package struct Field: Sendable {
    /// Its key in a manifest's `featureMap`.
    package let name: String
    /// Its key in GGUF, after `ggufStem`.
    package let gguf: String
    /// Its key in the object `hedgehog` of a configuration; nil where that has none.
    package let configuration: String?
    /// Whether the setting is left out where there is none.
    package let isOptional: Bool
    /// Whether the number is a float32, which a configuration has by its shortest digits: 1e-12.
    private let isSingle: Bool
    private let get: @Sendable (LinearAttentionDescription) -> JSONValue?
    fileprivate let read:
      @Sendable (inout LinearAttentionDescription, inout ManifestMembers) throws(FormatError) ->
        Void

    /// A setting that every description has. Values that do not pass `isValid` are not what is
    /// `expected`.
    fileprivate init<Value: ManifestValue>(
      _ path: any WritableKeyPath<LinearAttentionDescription, Value> & Sendable, _ name: String,
      gguf: String? = nil, configuration: String?, isSingle: Bool = false, expected: String = "",
      where isValid: @escaping @Sendable (Value) -> Bool = { _ in true }
    ) {
      (self.name, self.gguf, self.configuration) = (name, gguf ?? name, configuration)
      (self.isSingle, isOptional) = (isSingle, false)
      get = { $0[keyPath: path].json }
      read = { (map, members) throws(FormatError) in
        map[keyPath: path] = try members.value(name, expected, where: isValid)
      }
    }

    /// A setting that a description may lack.
    fileprivate init<Value: ManifestValue>(
      optional path: any WritableKeyPath<LinearAttentionDescription, Value?> & Sendable,
      _ name: String,
      gguf: String? = nil, configuration: String, expected: String,
      where isValid: @escaping @Sendable (Value) -> Bool
    ) {
      (self.name, self.gguf, self.configuration) = (name, gguf ?? name, configuration)
      (isSingle, isOptional) = (false, true)
      get = { $0[keyPath: path]?.json }
      read = { (map, members) throws(FormatError) in
        guard members.has(name) else { return }
        map[keyPath: path] = try members.value(name, expected, where: isValid)
      }
    }
  }

  /// What features see of rotary positions; nil for the usual.
  fileprivate var listedPositions: Positions? {
    get { positions == .kept ? nil : positions }
    set { positions = newValue ?? .kept }
  }

  /// How the window's parameters are read; nil for the way of files that do not say so.
  fileprivate var listedWindowFactor: WindowFactor? {
    get { windowFactor == .sigmoid ? nil : windowFactor }
    set { windowFactor = newValue ?? .sigmoid }
  }

  /// The blocks that keep softmax attention; nil where there are none.
  fileprivate var listedSoftmaxLayers: [Int]? {
    get { softmaxLayers.isEmpty ? nil : softmaxLayers }
    set { softmaxLayers = newValue ?? [] }
  }
}

extension LinearAttentionDescription.Field {
  /// The setting in a manifest; nil where it is left out.
  package func value(of map: LinearAttentionDescription) -> JSONValue? { get(map) }

  /// Writes the setting into the object `hedgehog` of a configuration, if it has a key there.
  package func write(_ map: LinearAttentionDescription, to settings: inout JSONObject) {
    guard let configuration, let value = get(map) else { return }
    let single = isSingle ? value.double.flatMap { Double("\(Float($0))") } : nil
    settings[configuration] = single.map { .number($0) } ?? value
  }

  /// The setting as metadata of GGUF, which has no list of numbers here but a word such as `0,11`.
  package func keyValue(of map: LinearAttentionDescription, stem: String) -> GGUFKeyValue? {
    let key = "\(stem).\(gguf)"
    return switch get(map) {
    case .string(let word): .string(key, word)
    case .bool(let bool): .bool(key, bool)
    case .integer(let count): .uint32(key, UInt32(truncatingIfNeeded: count))
    case .number(let number): .float32(key, Float(number))
    case .array(let list): .string(key, list.map(\.text).joined(separator: ","))
    default: nil
    }
  }
}

extension LinearAttentionDescription {
  /// Reads the object of a manifest.
  init(members: inout ManifestMembers) throws(FormatError) {
    // Each setting that must be there is read over this one.
    self.init(
      kind: "", featureDimension: 1, bias: false, sharing: .keyValueHead, epsilon: 0,
      epsilonPlacement: .addedToDenominator)
    for field in Self.fields { try field.read(&self, &members) }
    if window == nil, let sinks {
      throw members.problem("'sinks': expected none without a window, found \(sinks)")
    }
    if window == nil, windowFactor != .sigmoid {
      throw members.problem(
        "'windowFactor': expected none without a window, found \(windowFactor.rawValue)")
    }
  }

  /// The object of a manifest.
  var json: JSONValue {
    var members = JSONObject()
    for field in Self.fields { members[field.name] = field.value(of: self) }
    return .object(members)
  }
}
