// The rotary settings of a configuration, which have been kept in several places.

/// What a configuration says of rotary positions, chosen and completed as transformers 5 does it:
/// `rope_scaling`, where it is there, takes the place of `rope_parameters`; a base inside the chosen
/// object comes before `rope_theta` beside it; and the length that a scaling starts from is the
/// model's where nothing else is said.
struct RotaryParameters {
  /// The base of the frequencies; nil where none is given.
  let base: JSONValue?
  /// The chosen object, completed; nil where there is none.
  let scaling: JSONObject?

  /// Reads the settings of a model with so many positions.
  ///
  /// - Throws: `badData` for settings that are no objects, `unsupported` for a scaling of a part of
  ///   each head, which the reference implementation refuses too.
  init(_ configuration: JSONObject, maximumPositions: Int, file: String) throws(FormatError) {
    var chosen: (key: String, object: JSONObject)?
    for key in ["rope_parameters", "rope_scaling"] {
      guard let value = configuration[key], value != .null else { continue }
      guard let object = value.object else {
        throw FormatError(
          .badData, file: file, place: "key '\(key)'",
          problem: "expected an object, found \(value.excerpt)")
      }
      if object.count > 0 { chosen = (key, object) }
    }
    func first(_ values: JSONValue?...) -> JSONValue? {
      values.lazy.compactMap(\.self).first { $0 != .null }
    }
    base = first(chosen?.object["rope_theta"], configuration["rope_theta"])
    guard let (key, object) = chosen else {
      scaling = nil
      return
    }
    var result = object
    let word = first(object["rope_type"], object["type"])
    let type = word?.string ?? word?.text ?? "default"
    let part = first(object["partial_rotary_factor"], configuration["partial_rotary_factor"])
    // Without a scaling the reference implementation of this architecture turns whole heads.
    if let part, part.double != 1, type != "default" {
      throw FormatError(
        .unsupported, file: file, place: "key '\(key).partial_rotary_factor'",
        problem: "expected 1, the whole head, with rope type \(quoted(type)), found \(part.excerpt)"
      )
    }
    let originalLength = "original_max_position_embeddings"
    switch type {
    case "llama3", "yarn", "longrope":
      result[originalLength] =
        first(configuration[originalLength], object[originalLength])
        ?? .integer(maximumPositions)
      if type == "longrope", first(object["factor"]) == nil,
        let original = result[originalLength]?.double, original > 0
      {
        result["factor"] = .number(Double(maximumPositions) / original)
      }
    // Scales only what lies beyond the model's own positions, whatever else is said.
    case "dynamic": result[originalLength] = .integer(maximumPositions)
    default: break
    }
    scaling = result
  }
}
