// Members of a model's settings that would make another program run code.

/// What transformers runs or fetches code for: a class named by `auto_map`, which may lie in another
/// repository of the hub (`owner/name--module.Class`), a pipeline of `custom_pipelines`, a decoding
/// loop of `custom_generate`, and kernels that an `attn_implementation` names by their repository.
///
/// The code itself is never carried. Yet the name alone runs it where somebody who trusts *our* code
/// passes `trust_remote_code=True`, so no export has such members.
package enum ForeignCode {
  /// Members that are nothing but names of code.
  private static let names: Set<String> = ["auto_map", "custom_pipelines", "custom_generate"]
  /// What is in the names of members that choose among implementations, of the library or the hub.
  private static let choice = "_implementation"
  /// The files of settings; vocabularies have members of any name.
  private static let settings: Set<String> = [
    "config.json", "tokenizer_config.json", "special_tokens_map.json", "generation_config.json",
    "preprocessor_config.json", "processor_config.json", "chat_template.json",
  ]

  /// Settings without such members at any depth, and the places of those that were left out, such
  /// as `text_config.auto_map`.
  package static func removed(
    from settings: JSONObject
  ) -> (settings: JSONObject, places: [String]) {
    var result: JSONObject = [:]
    var places: [String] = []
    for (key, value) in settings.pairs {
      if isCode(key, value) {
        places.append(key)
      } else {
        let (kept, inner) = removed(from: value)
        result[key] = kept
        places += inner.map { "\(key)\($0)" }
      }
    }
    return (result, places)
  }

  /// A file that goes with a model without such members, and their places. A file without any keeps
  /// its bytes.
  ///
  /// - Throws: `badData` for settings that are no JSON, of which nobody knows what a less strict
  ///   reader finds in them.
  package static func removed(
    from file: SidecarFile, of model: String
  ) throws(FormatError) -> (file: SidecarFile, places: [String]) {
    guard settings.contains(file.name) else { return (file, []) }
    let content = file.content
    let object = try JSONObject(parsing: content.raw, file: join(model, file.name))
    let (kept, places) = removed(from: object)
    guard !places.isEmpty else { return (file, []) }
    return (
      SidecarFile(name: file.name, content: Array(JSONValue.object(kept).readableText.utf8)),
      places
    )
  }

  /// What a user reads about members that were left out.
  package static func warning(_ file: String, _ places: [String]) -> String {
    let list = places.prefix(8).map { quoted($0) }.joined(separator: ", ")
    let more = places.count > 8 ? " and \(places.count - 8) more" : ""
    return "\(quoted(file)): \(list)\(more) left out: they name code of the source, and no export"
      + " runs any"
  }

  private static func removed(from value: JSONValue) -> (JSONValue, places: [String]) {
    switch value {
    case .object(let members):
      let (kept, places) = removed(from: members)
      return (.object(kept), places.map { ".\($0)" })
    case .array(let items):
      var places: [String] = []
      let kept = items.enumerated().map { index, item in
        let (kept, inner) = removed(from: item)
        places += inner.map { "[\(index)]\($0)" }
        return kept
      }
      return (.array(kept), places)
    default: return (value, [])
    }
  }

  /// A number is no code: labels and tokens can have any name.
  private static func isCode(_ key: String, _ value: JSONValue) -> Bool {
    if names.contains(key) { return value.double == nil }
    return key.contains(choice) && names(hub: value)
  }

  /// Whether a chosen implementation, or one of several by parts of a model, is a repository's.
  private static func names(hub value: JSONValue) -> Bool {
    if let text = value.string { return text.utf8.contains(UInt8(ascii: "/")) }
    return value.object?.pairs.contains { names(hub: $0.value) } ?? false
  }
}
