// Text that speaks of settings, before it is known how they are spelled.

/// A text with settings in it: a library knows which setting helps, and only the program that took
/// it from its user knows whether that is an option or a key.
///
/// A literal makes one: `"allow larger files with \(.shardSize)"`, and with a value beside the
/// setting `"export with \(.target, "gguf")"`.
package struct SettingText: Sendable, Equatable {
  fileprivate enum Part: Sendable, Equatable {
    case text(String)
    case setting(SettingKey)
  }

  private var parts: [Part]

  /// A text without settings.
  package init(_ text: String) { parts = [.text(text)] }

  /// The settings, in their order in the text.
  package var settings: [SettingKey] {
    parts.compactMap { part in
      if case .setting(let setting) = part { setting } else { nil }
    }
  }

  /// The text on one line, as the function `inline` shows it.
  var inline: SettingText {
    var result = self
    for (index, part) in parts.enumerated() {
      if case .text(let text) = part { result.parts[index] = .text(HHFormat.inline(text)) }
    }
    return result
  }

  /// The text with every setting as `spelling` has it.
  package func spelled(_ spelling: (SettingKey) -> String) -> String {
    var result = ""
    for part in parts {
      switch part {
      case .text(let text): result += text
      case .setting(let setting): result += spelling(setting)
      }
    }
    return result
  }
}

extension SettingText: CustomStringConvertible {
  /// The text with settings by their own names.
  package var description: String { spelled { $0.description } }
}

extension SettingText: ExpressibleByStringInterpolation {
  package struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var parts: [Part] = []

    package init(literalCapacity: Int, interpolationCount: Int) {}

    package mutating func appendLiteral(_ literal: String) { parts.append(.text(literal)) }

    /// A setting, followed by the value that it should have or a word for that value.
    package mutating func appendInterpolation(_ setting: SettingKey, _ value: String? = nil) {
      parts.append(.setting(setting))
      if let value { parts.append(.text(" \(value)")) }
    }

    package mutating func appendInterpolation(_ text: SettingText) { parts += text.parts }

    package mutating func appendInterpolation(_ value: some CustomStringConvertible) {
      parts.append(.text(value.description))
    }
  }

  package init(stringInterpolation: StringInterpolation) { parts = stringInterpolation.parts }

  package init(stringLiteral text: String) { self.init(text) }
}
