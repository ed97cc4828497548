// Which blocks keep softmax attention, as it is asked for.

package import HHFormat

/// The blocks that keep softmax attention: given ones, or as many as are worth most.
package enum KeptSoftmax: SettingValue {
  /// Those, in ascending order.
  case layers([Int])
  /// So many, which are chosen once the others are distilled.
  case best(Int)

  private static let prefix = "auto:"

  package static var schema: JSONObject {
    [
      "type": ["array", "string"], "items": ["type": "integer"],
      "pattern": .string("\(prefix)[1-9][0-9]{0,4}"), "examples": [.string("\(prefix)3")],
    ]
  }

  package init?(json: JSONValue) {
    if let layers = [Int](json: json) {
      self = .layers(layers.sorted())
    } else if let word = json.string, word.hasPrefix(Self.prefix),
      let count = Int(word.dropFirst(Self.prefix.count)), count > 0
    {
      self = .best(count)
    } else {
      return nil
    }
  }

  package var json: JSONValue {
    switch self {
    case .layers(let layers): layers.json
    case .best(let count): .string("\(Self.prefix)\(count)")
    }
  }
}
