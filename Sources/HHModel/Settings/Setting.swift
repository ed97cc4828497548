// The declaration of one setting, from which everything else about it follows.

package import HHFormat
internal import Synchronization

/// A setting of a group: its names, its values, and where the group keeps it.
///
/// Recipes, their schema, the command line, keys of conversions, errors and the page of options
/// derive from it. The default is the value that a new group has.
package struct Setting<Group>: Sendable {
  /// What a recipe calls it; a point leads into a mapping, as in `feature_map.kind`.
  package let key: String
  /// What a command line calls it, without hyphens before; nil where no command has it.
  package let option: String?
  /// What stands for its value in help; nil for the option's name.
  package let value: String?
  /// What it does: a sentence without the point at its end.
  package let help: String
  /// In words what null, or else the default, comes to; nil where the default says it.
  package let otherwise: String?
  /// What it is where a recipe leaves it out, if not the value of a new group.
  package let missing: JSONValue?
  /// Whether the group has it, as its values are.
  package let isOffered: Bool
  /// Whether a recipe must name it.
  package let isRequired: Bool
  /// Whether it is a path of a file or folder.
  package let isPath: Bool
  /// What a JSON Schema says of its values.
  package var schema: JSONObject { lazySchema.value }
  private let lazySchema: LazySchema
  let path: any PartialKeyPath<Group> & Sendable
  let read: @Sendable (JSONValue, inout Group) -> Void
  let write: @Sendable (Group) -> JSONValue

  /// Declares a setting.
  ///
  /// `value` stands for the value in help. `limits` are further words of the schema, such as `minimum`; those of a list are its items',
  /// but for `minItems`. `missing` is what it is where a recipe leaves it out, if not the value of a
  /// new group. `isNullable` says whether a recipe may say null for an optional one.
  package init<Value: SettingValue>(
    _ key: String, _ path: any WritableKeyPath<Group, Value> & Sendable, option: String? = nil,
    value: String? = nil, limits: JSONObject = [:], default missing: JSONValue? = nil,
    isNullable: Bool = true,
    isRequired: Bool = false, isPath: Bool = false, when isOffered: Bool = true, help: String,
    otherwise: String? = nil
  ) {
    (self.key, self.option, self.help, self.otherwise) = (key, option, help, otherwise)
    self.value = value
    (self.isRequired, self.isPath, self.path) = (isRequired, isPath, path)
    (self.missing, self.isOffered) = (missing, isOffered)
    lazySchema = LazySchema {
      Self.schema(of: Value.self, limits, missing: missing, isNullable: isNullable)
    }
    read = { json, group in
      if let value = Value(json: json) { group[keyPath: path] = value }
    }
    write = { $0[keyPath: path].json }
  }

  private static func schema<Value: SettingValue>(
    of type: Value.Type, _ limits: JSONObject, missing: JSONValue?, isNullable: Bool
  ) -> JSONObject {
    var schema = type.schema
    if !isNullable, let type = schema["type"]?.array?.first { schema["type"] = type }
    if missing == .null, let type = schema["type"], type.string != nil {
      schema["type"] = .array([type, "null"])
    }
    for (word, limit) in limits.pairs {
      if var items = schema["items"]?.object, word != "minItems" {
        if word == "enum" { items["type"] = nil }
        items[word] = limit
        schema["items"] = .object(items)
      } else {
        if word == "enum" { schema["type"] = nil }
        schema[word] = limit
      }
    }
    return schema
  }
}

/// A schema that is made when it is first asked for: a command line has hundreds of options, and
/// needs the schemas of few.
private final class LazySchema: Sendable {
  private let known = Mutex<JSONObject?>(nil)
  private let make: @Sendable () -> JSONObject

  init(_ make: @escaping @Sendable () -> JSONObject) { self.make = make }

  var value: JSONObject {
    known.withLock { known in
      let value = known ?? make()
      known = value
      return value
    }
  }
}

extension JSONObject {
  /// The limits of whole numbers.
  package static func range(_ range: ClosedRange<Int>) -> JSONObject {
    ["minimum": .integer(range.lowerBound), "maximum": .integer(range.upperBound)]
  }
}
