// The types that a setting can have, and their forms in recipes.

internal import HHCompute
package import HHFormat

/// A value that a recipe can hold.
package protocol SettingValue: JSONConvertible, Sendable, Equatable {
  /// What a JSON Schema says of such values.
  static var schema: JSONObject { get }
  /// Reads a value; nil for one of another type.
  init?(json: JSONValue)
}

extension Bool: SettingValue {
  package static var schema: JSONObject { ["type": "boolean"] }
  package init?(json: JSONValue) {
    guard let value = json.bool else { return nil }
    self = value
  }
}

extension Int: SettingValue {
  package static var schema: JSONObject { ["type": "integer"] }
  package init?(json: JSONValue) {
    guard let value = json.integer else { return nil }
    self = value
  }
}

extension UInt64: SettingValue {
  package static var schema: JSONObject { ["type": "integer"] }
  package init?(json: JSONValue) {
    switch json {
    case .integer(let value) where value >= 0: self = UInt64(value)
    case .unsigned(let value): self = value
    default: return nil
    }
  }
}

extension Double: SettingValue {
  package static var schema: JSONObject { ["type": "number"] }
  package init?(json: JSONValue) {
    guard let value = json.double else { return nil }
    self = value
  }
}

extension String: SettingValue {
  package static var schema: JSONObject { ["type": "string"] }
  package init?(json: JSONValue) {
    guard let value = json.string else { return nil }
    self = value
  }
}

extension Array: SettingValue where Element: SettingValue {
  package static var schema: JSONObject { ["type": "array", "items": .object(Element.schema)] }
  package init?(json: JSONValue) {
    guard let values = json.array?.map({ Element(json: $0) }),
      !values.contains(where: { $0 == nil })
    else { return nil }
    self = values.compactMap(\.self)
  }
}

/// An optional setting is null in a recipe where there is nothing.
extension Optional: SettingValue where Wrapped: SettingValue {
  package static var schema: JSONObject {
    var schema = Wrapped.schema
    if let words = schema["enum"]?.array {
      schema["enum"] = .array(words + [.null])
    } else if let type = schema["type"] {
      schema["type"] = .array([type, "null"])
    }
    return schema
  }
  package init?(json: JSONValue) {
    if json == .null {
      self = .none
    } else if let value = Wrapped(json: json) {
      self = value
    } else {
      return nil
    }
  }
}

/// A choice among words.
extension SettingValue where Self: RawRepresentable<String> & CaseIterable {
  package static var schema: JSONObject { ["enum": .array(allCases.map { .string($0.rawValue) })] }
  package init?(json: JSONValue) {
    guard let value = json.string.flatMap(Self.init(rawValue:)) else { return nil }
    self = value
  }
}

extension FeatureMapKind: SettingValue {}
extension LinearAttentionDescription.Sharing: SettingValue {}
extension LinearAttentionDescription.Positions: SettingValue {}
