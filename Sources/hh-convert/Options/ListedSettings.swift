// The settings that a list gives a model, as options of a conversion.

import ArgumentParser
import HHFormat
import HHPipeline

extension ConversionArguments {
  /// These options on top of those that a list gives a model.
  ///
  /// - Throws: `FormatError` naming the list and the model for what is no option, or none for one model
  ///   of several.
  func over(_ settings: ModelList.Settings?) throws -> ConversionArguments {
    guard let settings, !settings.options.isEmpty else { return self }
    func problem(_ text: String) -> FormatError {
      FormatError(.badData, file: settings.file, place: settings.place, problem: text)
    }
    let words = try settings.options.compactMap { (name, value) throws -> String? in
      // Processors are the batch's, which divides them.
      guard name != "threads" else {
        throw problem("'threads': expected an option of one conversion, found one of all")
      }
      guard let word = Self.word(name.replacing("_", with: "-"), value) else {
        throw problem("'\(name)': expected a text, a number, a truth value or a list of these")
      }
      return word.isEmpty ? nil : word
    }
    let result: ConversionArguments
    do {
      result = try Self.parse(words + self.words)
    } catch {
      throw problem(withoutRepetition(Self.message(for: error)))
    }
    if try result.options(model: "x").run != nil {
      throw problem("'recipe': expected none with a 'run' for several models, found one")
    }
    return result
  }

  /// An option as a word of a command line; empty for a flag that is off, nil for no such value.
  private static func word(_ name: String, _ value: JSONValue) -> String? {
    switch value {
    case .bool(let isOn): return isOn ? "--\(name)" : ""
    case .string(let text): return "--\(name)=\(text)"
    case .integer, .unsigned, .number: return "--\(name)=\(value.text)"
    case .array(let items):
      let parts = items.compactMap { $0.string ?? ($0.double == nil ? nil : $0.text) }
      return parts.count == items.count ? "--\(name)=\(parts.joined(separator: ","))" : nil
    case .null, .object: return nil
    }
  }
}
