// What the files of a trained folder say of the training: quoted, and never relied on.

internal import HHFormat

/// What others' programs wrote about a training, cut to plain values of bounded length.
struct TrainingClaims {
  /// The claims by the files that make them.
  let files: JSONObject
  /// Files that cannot be read as what they are called.
  let unreadable: [String]

  /// Members that are quoted of each file.
  private static let quotedKeys: [(file: String, keys: [String])] = [
    ("config.json", ["transformers_version"]),
    (
      "trainer_state.json",
      [
        "global_step", "max_steps", "epoch", "num_train_epochs", "train_batch_size",
        "num_input_tokens_seen", "best_metric", "best_global_step",
      ]
    ),
    (
      "adapter_config.json",
      [
        "peft_type", "peft_version", "task_type", "r", "lora_alpha", "use_rslora",
        "target_modules", "modules_to_save",
      ]
    ),
  ]
  private static let maximumLength = 200
  private static let maximumCount = 64

  /// Reads the files of a folder that make claims.
  ///
  /// - Throws: `badData` for a file that is a link out of the folder.
  init(folder: String) throws(FormatError) {
    var files: JSONObject = [:]
    var unreadable: [String] = []
    for (name, keys) in Self.quotedKeys {
      guard let file = try SidecarFile(named: name, in: folder) else { continue }
      guard let content = Self.object(file) else {
        unreadable.append(name)
        continue
      }
      var claims: JSONObject = [:]
      for key in keys { claims[key] = content[key].flatMap(Self.plain) }
      // The last loss that the trainer logged.
      let log = content["log_history"]?.array ?? []
      claims["loss"] = log.last { $0["loss"] != nil }?["loss"].flatMap(Self.plain)
      if claims.count > 0 { files[name] = .object(claims) }
    }
    self.files = files
    self.unreadable = unreadable
  }

  private static func object(_ file: SidecarFile) -> JSONObject? {
    let content = file.content
    do {
      return try JSONObject(parsing: content.raw, file: file.name)
    } catch {
      return nil
    }
  }

  /// A number, a truth value, a short text or a short list of such; nil for anything else.
  private static func plain(_ value: JSONValue) -> JSONValue? {
    switch value {
    case .null, .object: return nil
    case .string(let text): return text.utf8.count <= maximumLength ? value : nil
    case .array(let items):
      let texts = items.filter { $0.string.map { $0.utf8.count <= maximumLength } ?? false }
      return texts.count == items.count && items.count <= maximumCount ? value : nil
    default: return value
    }
  }
}
