// tokenizer.json of Hugging Face tokenizers: the components that decoder and encoder models use.

internal import HHFormat

/// A tokenizer.json, interpreted component by component. Whatever is not known to be handled
/// exactly is refused by name.
package struct TokenizerJSON {
  let file: String
  let settings: TokenizerSettings
  let root: JSONObject
  let added: [AddedToken]

  init(
    _ files: ModelFiles, _ name: String, settings: TokenizerSettings
  ) throws(FormatError) {
    let file = files.path(name)
    self.file = file
    self.settings = settings
    root = try files.object(name)
    var added: [AddedToken] = []
    for (index, entry) in (root["added_tokens"]?.array ?? []).enumerated() {
      guard let content = entry["content"]?.string, let id = entry["id"]?.integer,
        (0...Vocabulary.maximumID).contains(id)
      else {
        throw FormatError(
          .badData, file: file, place: "added token \(index + 1)",
          problem: "expected a content and an id from 0 to \(Vocabulary.maximumID)")
      }
      added.append(
        AddedToken(
          id: Int32(id), content: content, isSpecial: entry["special"]?.bool ?? false,
          isNormalized: entry["normalized"]?.bool ?? false,
          stripsLeft: entry["lstrip"]?.bool ?? false, stripsRight: entry["rstrip"]?.bool ?? false,
          isSingleWord: entry["single_word"]?.bool ?? false))
    }
    self.added = added
  }

  func tokenizer() throws(FormatError) -> any Tokenizer {
    guard let model = root["model"], model.object != nil else {
      throw FormatError(.badData, file: file, place: "key 'model'", problem: "expected an object")
    }
    // Old files leave the type of a BPE model out.
    let type = model["type"]?.string ?? (model["merges"] != nil ? "BPE" : "missing")
    // The usual forms first: they are faster, and can be exported to GGUF.
    do throws(FormatError) {
      switch type {
      case "WordPiece": return try wordPiece(model)
      case "BPE":
        let steps = steps("pre_tokenizer")
        if steps.contains(where: { $0["type"]?.string == "ByteLevel" }) {
          return try byteLevelBPE(model, steps)
        }
        return try sentencePieceBPE(model, steps)
      default: break
      }
    } catch  where error.kind != .unsupported {
      throw error
    } catch {}
    return try components(model, type)
  }

  /// The parts of a component, with sequences laid flat; none for a missing component.
  func steps(_ component: String) -> [JSONValue] {
    guard let value = root[component], value.object != nil else { return [] }
    return flatten(value)
  }

  private func flatten(_ value: JSONValue) -> [JSONValue] {
    guard value["type"]?.string == "Sequence" else { return [value] }
    let parts =
      value["normalizers"] ?? value["pretokenizers"] ?? value["processors"] ?? value["decoders"]
    return (parts?.array ?? []).flatMap(flatten)
  }

  func unsupported(_ component: String, _ found: String) -> FormatError {
    FormatError(
      .unsupported, file: file, place: component, problem: "\(quoted(found)) is not supported")
  }

  func type(of step: JSONValue) -> String { step["type"]?.string ?? "missing type" }

  func vocabulary(of model: JSONValue) throws(FormatError) -> Vocabulary {
    try Vocabulary(model["vocab"] ?? .null, file: file)
  }

  /// Added tokens, roles and frame of a tokenizer.
  struct Tokens {
    let added: [AddedToken]
    var special: SpecialTokens
    let frame: TokenFrame
  }

  /// The tokens around a vocabulary; the model's own unknown token wins.
  func tokens(_ model: JSONValue, _ vocabulary: Vocabulary) throws(FormatError) -> Tokens {
    let known = try KnownTokens(own: added, vocabulary, settings, file: file)
    var special = settings.special(known.id)
    special.unknown = model["unk_token"]?.string.flatMap(known.id)
    return Tokens(
      added: known.added, special: special,
      frame: settings.frame(try frame(known), special))
  }

  /// A BPE model's merges, as "a b" or as ["a", "b"].
  func merges(of model: JSONValue) throws(FormatError) -> [(left: String, right: String)] {
    var merges: [(left: String, right: String)] = []
    for (index, entry) in (model["merges"]?.array ?? []).enumerated() {
      if let pair = entry.string.flatMap(splitMerge) {
        merges.append(pair)
      } else if let pair = entry.array, pair.count == 2, let left = pair[0].string,
        let right = pair[1].string
      {
        merges.append((left, right))
      } else {
        throw FormatError(
          .badData, file: file, place: "merge \(index + 1)",
          problem: "expected two entries, found \(entry.text)")
      }
    }
    return merges
  }

  /// What the post-processor puts around a single text.
  private func frame(_ known: KnownTokens) throws(FormatError) -> TokenFrame {
    var frame = TokenFrame()
    for step in steps("post_processor") {
      switch type(of: step) {
      case "ByteLevel": continue
      case "BertProcessing", "RobertaProcessing":
        frame.prefix = try ids(of: step["cls"])
        frame.suffix = try ids(of: step["sep"])
      case "TemplateProcessing":
        var isBefore = true
        for item in step["single"]?.array ?? [] {
          if item["Sequence"] != nil {
            isBefore = false
          } else if let name = item["SpecialToken"]?["id"]?.string {
            let ids = try templateIDs(step, name, known)
            if isBefore { frame.prefix += ids } else { frame.suffix += ids }
          }
        }
      case let other: throw unsupported("post_processor", other)
      }
    }
    return frame
  }

  /// The id of a `["[CLS]", 101]`.
  private func ids(of pair: JSONValue?) throws(FormatError) -> [Int32] {
    guard let pair = pair?.array, pair.count == 2, let id = pair[1].integer,
      (0...Vocabulary.maximumID).contains(id)
    else {
      throw FormatError(
        .badData, file: file, place: "post_processor", problem: "expected a token and its id")
    }
    return [Int32(id)]
  }

  private func templateIDs(
    _ step: JSONValue, _ name: String, _ known: KnownTokens
  ) throws(FormatError) -> [Int32] {
    let listed = step["special_tokens"]?[name]?["ids"]?.array?.map(\.integer)
    let ids = listed ?? [known.id(of: name).map(Int.init)]
    let valid = ids.compactMap { id in
      id.flatMap { (0...Vocabulary.maximumID).contains($0) ? Int32($0) : nil }
    }
    guard valid.count == ids.count else {
      throw FormatError(
        .badData, file: file, place: "post_processor",
        problem: "token \(quoted(name)) has no valid id")
    }
    return valid
  }
}
