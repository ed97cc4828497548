// Where generation stops by a model's configuration, beside what its tokenizer says.

package import HHFormat

extension TokenizerLoader {
  /// The tokenizer of a checkpoint or artifact: that of its GGUF metadata where it has some, else
  /// the one among its files. Texts end at the tokenizer's own end, and at those that `config.json`
  /// and `generation_config.json` name.
  package static func load(of checkpoint: Checkpoint) throws(FormatError) -> (any Tokenizer)? {
    let files = try ModelFiles(of: checkpoint)
    guard var tokenizer = try load(files) else { return nil }
    let key = "eos_token_id"
    tokenizer.special.addEnds(
      try ends(checkpoint.configuration?[key], file: checkpoint.path, key))
    let name = "generation_config.json"
    if files.holds(name) {
      tokenizer.special.addEnds(
        try ends(try files.object(name)[key], file: files.path(name), key))
    }
    return tokenizer
  }

  /// The ids of a value, which may be one, a list of several, null, or -1, which no token has.
  private static func ends(
    _ value: JSONValue?, file: String, _ key: String
  ) throws(FormatError) -> [Int32] {
    guard let value, value != .null, value.integer != -1 else { return [] }
    let ids = (value.array ?? [value]).map { $0.integer.flatMap { Int32(exactly: $0) } ?? -1 }
    guard ids.allSatisfy({ $0 >= 0 }) else {
      throw FormatError(
        .badData, file: file, place: "key '\(key)'",
        problem: "expected a token's id or a list of some, found \(value.text)")
    }
    return ids
  }
}
