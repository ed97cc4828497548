// Settings that belong together, such as those of a stage: read, written and described by their table.

package import HHFormat
internal import Synchronization

/// A value whose members are settings.
package protocol SettingGroup: Sendable, Equatable {
  /// The declarations, in the order in which a recipe has them, of those too that are not offered.
  /// They depend on nothing but the stage.
  var settings: [Setting<Self>] { get }
  /// The stage of a recipe that the group belongs to; nil for those of all stages.
  var stageName: String? { get }
}

/// A table of declarations: one of each stage that a type of group serves.
private struct TableKey: Hashable {
  let group: ObjectIdentifier
  let stage: String?
}

/// Tables that were made: a command line asks for one with each of its options.
private let tables = Mutex<[TableKey: any Sendable]>([:])

extension SettingGroup {
  package var stageName: String? { nil }

  /// The declarations, made once.
  private var table: [Setting<Self>] {
    let key = TableKey(group: ObjectIdentifier(Self.self), stage: stageName)
    if let known = tables.withLock({ $0[key] }) as? [Setting<Self>] { return known }
    let table = settings
    tables.withLock { $0[key] = table }
    return table
  }

  private var offered: [Setting<Self>] { table.filter(\.isOffered) }

  /// The settings as a recipe has them.
  package var members: JSONObject { members { $0.write(self) } }

  /// The same with every path of a file or folder changed.
  package func members(path: (String) -> String) -> JSONObject {
    members { setting in
      let value = setting.write(self)
      return setting.isPath ? value.string.map { .string(path($0)) } ?? value : value
    }
  }

  /// Takes in what a recipe says, which its schema has checked; what it leaves out stays, and so does
  /// what cannot be null where it says null.
  package mutating func read(_ value: JSONValue) {
    for setting in offered {
      var member: JSONValue? = value
      for part in setting.key.split(separator: ".") { member = member?[String(part)] }
      if let member { setting.read(member, &self) }
    }
  }

  /// Takes in one setting.
  package mutating func read(_ value: JSONValue, for setting: Setting<Self>) {
    setting.read(value, &self)
  }

  /// The declaration of a member.
  package subscript(_ path: PartialKeyPath<Self>) -> Setting<Self> {
    guard let setting = table.first(where: { $0.path == path }) else {
      preconditionFailure("no setting is declared for a member")
    }
    return setting
  }

  /// The name of a member's setting, for errors.
  package func key(_ path: PartialKeyPath<Self>) -> SettingKey {
    SettingKey(stage: stageName, key: self[path].key, option: self[path].option)
  }

  /// The first setting whose value is another one in `other`.
  package func difference(from other: Self) -> SettingKey? {
    offered.first { $0.write(self) != $0.write(other) }.map { key($0.path) }
  }

  /// The default of a setting in words, as documents say it; nil where it is to have none.
  package func defaultText(of setting: Setting<Self>) -> String? {
    if let otherwise = setting.otherwise { return otherwise }
    return switch setting.write(self) {
    case .null, .bool, .array, .object: nil
    case .string(let word): word
    case let value: value.rounded.text
    }
  }

  /// What a JSON Schema says of the group: the values of this one are the defaults.
  package var schema: JSONObject {
    var properties = members { setting in
      var schema = setting.schema
      let value = setting.write(self)
      if !setting.isRequired { schema["default"] = setting.missing ?? value.rounded }
      let null = setting.otherwise ?? (setting.missing == .null ? value.rounded.text : nil)
      schema["description"] = .string(setting.help + (null.map { "; null is \($0)." } ?? "."))
      return .object(schema)
    }
    // What a point leads into is a mapping, which may be left out.
    for name in properties.keys where offered.allSatisfy({ $0.key != name }) {
      properties[name] = [
        "type": "object", "additionalProperties": false, "default": [:],
        "properties": properties[name] ?? [:],
      ]
    }
    return [
      "type": "object", "additionalProperties": false, "properties": .object(properties),
    ]
  }

  /// A value for each setting, at its place.
  private func members(_ value: (Setting<Self>) -> JSONValue) -> JSONObject {
    var object: JSONObject = [:]
    for setting in offered {
      let parts = setting.key.split(separator: ".").map(String.init)
      if parts.count == 1 {
        object[parts[0]] = value(setting)
      } else {
        var inner = object[parts[0]]?.object ?? [:]
        inner[parts[1]] = value(setting)
        object[parts[0]] = .object(inner)
      }
    }
    return object
  }
}

extension JSONValue {
  /// A whole number as an integer, as people write it.
  fileprivate var rounded: JSONValue {
    double.flatMap { Int(exactly: $0) }.map { .integer($0) } ?? self
  }
}

/// Settings that are one setting of another group, such as those of low-rank adapters.
package protocol NestedSettings: SettingGroup, SettingValue {
  /// The defaults.
  init()
}

extension NestedSettings {
  package static var schema: JSONObject { Self().schema }
  package var json: JSONValue { .object(members) }
  package init?(json: JSONValue) {
    guard json.object != nil else { return nil }
    self.init()
    read(json)
  }
}
