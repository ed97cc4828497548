// Settings as options of a command line: everything but their values comes from their declarations.

import ArgumentParser
import HHFormat
import HHModel
import HHPipeline

/// A setting that was given on the command line.
struct Given: Sendable {
  /// Its name.
  let key: SettingKey
  /// The option and its value as one word of a command line.
  let word: String
  /// Why the value is refused; nil for a good one.
  let problem: String?
  /// Puts the value into the settings of a conversion.
  let apply: @Sendable (inout ConversionOptions) -> Void

  /// The option as a user writes it.
  var name: String { "--\(key.option ?? "")" }

  /// The value of a member of some of a conversion's groups.
  init<Group: SettingGroup>(
    _ json: JSONValue, text: String?, _ setting: Setting<Group>, of group: Group,
    in places: [any WritableKeyPath<ConversionOptions, Group> & Sendable]
  ) {
    key = SettingKey(stage: group.stageName, key: setting.key, option: setting.option)
    word = "--\(setting.option ?? "")" + (text.map { "=\($0)" } ?? "")
    problem = setting.problem(of: json)
    apply = { options in
      for place in places { options[keyPath: place].read(json, for: setting) }
    }
  }
}

extension Option where Value == Given? {
  /// The option of a setting.
  ///
  /// - Parameters:
  ///   - place: The group of a conversion's settings.
  ///   - others: Other groups that get the value too.
  ///   - group: The group's defaults where they are not those of a conversion.
  ///   - member: The setting.
  ///   - help: What the option does, where that is not what the declaration says.
  ///   - reading: Reads a value that a command line writes in its own way.
  init<Group: SettingGroup>(
    _ place: any WritableKeyPath<ConversionOptions, Group> & Sendable,
    and others: [any WritableKeyPath<ConversionOptions, Group> & Sendable] = [],
    as group: Group? = nil, _ member: PartialKeyPath<Group>, help: ArgumentHelp? = nil,
    reading: (@Sendable (String) throws -> JSONValue)? = nil
  ) {
    let group = group ?? ConversionOptions()[keyPath: place]
    let setting = group[member]
    var help = help ?? ArgumentHelp(stringLiteral: setting.helpText(of: group))
    help.valueName = help.valueName ?? setting.value
    self.init(
      name: .customLong(setting.option ?? setting.key),
      parsing: setting.isNumber ? .unconditional : .next, help: help,
      completion: setting.completion
    ) { (word: String) throws -> Given in
      let json = try reading?(word) ?? setting.value(of: word)
      return Given(json, text: word, setting, of: group, in: [place] + others)
    }
  }
}

extension Flag where Value == Bool {
  /// The flag of a setting that is off unless it is given.
  init<Group: SettingGroup>(
    wrappedValue: Bool, _ place: KeyPath<ConversionOptions, Group>, _ member: PartialKeyPath<Group>
  ) {
    let group = ConversionOptions()[keyPath: place]
    self.init(
      wrappedValue: wrappedValue, name: .customLong(group[member].option ?? ""),
      help: ArgumentHelp(stringLiteral: group[member].helpText(of: group)))
  }
}

/// Options of a command that are settings of a conversion.
protocol SettingArguments: ParsableArguments {}

extension SettingArguments {
  /// The settings that were given, in the order of the help.
  var given: [Given] {
    Mirror(reflecting: self).children.flatMap { child -> [Given] in
      if let option = child.value as? Option<Given?> {
        return option.wrappedValue.map { [$0] } ?? []
      }
      return (child.value as? any SettingArgumentsHolder)?.given ?? []
    }
  }

  /// Refuses values outside of their ranges.
  func checkRanges() throws {
    for given in given {
      if let problem = given.problem { throw ValidationError("\(given.name): \(problem)") }
    }
  }
}

/// A group of options inside of another.
private protocol SettingArgumentsHolder {
  var given: [Given] { get }
}

extension OptionGroup: SettingArgumentsHolder where Value: SettingArguments {
  fileprivate var given: [Given] { wrappedValue.given }
}

extension Setting {
  private var types: [String] {
    schema["type"]?.array?.compactMap(\.string) ?? schema["type"]?.string.map { [$0] } ?? []
  }

  private var choices: [String] { schema["enum"]?.array?.compactMap(\.string) ?? [] }

  /// What a shell completes the value to.
  fileprivate var completion: CompletionKind? {
    if !choices.isEmpty { return .list(choices) }
    return switch value {
    case "file", "path": .file()
    case "folder": .directory
    default: nil
    }
  }

  fileprivate var isNumber: Bool { types.contains("integer") || types.contains("number") }

  /// The help of the option, with its choices and its default.
  fileprivate func helpText(of group: Group) -> String where Group: SettingGroup {
    let words = choices.isEmpty ? "" : ": \(choices.joined(separator: ", "))"
    let usual = group.defaultText(of: self).map { " (default: \($0))" } ?? ""
    return help + words + usual + "."
  }

  /// The value that a word of a command line stands for.
  ///
  /// - Throws: `ValidationError` for a word that is none.
  func value(of word: String) throws -> JSONValue {
    if !choices.isEmpty {
      if choices.contains(word) { return .string(word) }
      let nearest = nearestName(to: word, among: choices).map { "; did you mean '\($0)'?" } ?? ""
      throw ValidationError(
        "expected \(choices.joined(separator: ", ")), found '\(word)'\(nearest)")
    }
    if types.contains("integer") {
      if let number = UInt64(word) { return number.json }
      if let number = Int(word) { return .integer(number) }
      throw ValidationError("expected a whole number, found '\(word)'")
    }
    if types.contains("number") {
      if let number = Double(word) { return .number(number) }
      throw ValidationError("expected a number, found '\(word)'")
    }
    guard types.contains("array") else { return .string(word) }
    let parts = word.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    let numbers = parts.compactMap(\.self)
    guard numbers.count == parts.count, numbers.allSatisfy({ $0 >= 0 }) else {
      throw ValidationError("expected numbers such as 0,11, found '\(word)'")
    }
    return numbers.json
  }

  /// What is wrong with a number outside of its range; nil for anything else.
  fileprivate func problem(of value: JSONValue) -> String? {
    guard isNumber, let number = value.double else { return nil }
    let (lowest, highest) = (schema["minimum"], schema["maximum"])
    let found = if case .number(let number) = value { "\(number)" } else { value.text }
    if let bound = schema["exclusiveMinimum"]?.double, !(number > bound && number.isFinite) {
      return "expected a positive number, found \(found)"
    }
    if let lower = lowest?.double, number < lower || number > highest?.double ?? .infinity {
      let range = highest.map { "\(lowest?.text ?? "") to \($0.text)" }
      return "expected \(range ?? "at least \(lowest?.text ?? "")"), found \(found)"
    }
    return nil
  }
}
