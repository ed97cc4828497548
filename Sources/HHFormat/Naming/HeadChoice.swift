// Which head of a checkpoint counts, by its class and its tensors.

/// Decides the head; the class that the configuration names and the tensors must agree.
struct HeadChoice {
  /// The key under which a configuration made for a GGUF model says what its classifier reads.
  static let inputKey = "hh_classifier_input"
  /// The value where it reads the first position, without a pooler.
  static let firstPosition = "first"

  let schema: ArchitectureSchema
  let configuration: JSONObject?
  /// The file that an error about the configuration names.
  let configurationFile: String
  let checkpointPath: String
  /// Rows of the classifier; 0 where there is none.
  let labelCount: Int
  /// Whether the checkpoint holds a tensor of a role.
  let holds: (String) -> Bool
  /// Whether it holds one or ties the role to one that it holds.
  let gives: (String) -> Bool

  /// The head, or nil for a model without any.
  ///
  /// - Throws: `badData` for a head that the class has and the checkpoint lacks or the other way
  ///   round, a head without the parts that it reads, and labels of another number than the head has.
  func head() throws(FormatError) -> ArchitectureSchema.Head? {
    let found = schema.heads.filter { gives($0.role) }
    let name = configuration?["architectures"]?.array?.first?.string
    let declared = name.flatMap { schema.head(ofClass: $0) }
    // A head that is tied to the embeddings shows in no tensor of its own.
    let stored = found.filter { holds($0.role) }
    let head = declared ?? stored.first ?? found.first
    if let name {
      if let declared, !gives(declared.role) {
        throw contradiction(name, "no \(names(declared.role))")
      }
      if let other = found.first(where: \.isClassifier), declared?.isClassifier != true {
        throw contradiction(name, names(other.role))
      }
    } else if stored.count > 1, let other = stored.last {
      throw FormatError(
        .badData, file: checkpointPath,
        problem: "expected one head, found \(names(stored[0].role)) and \(names(other.role))",
        hint: "name the model's class under 'architectures' in its configuration")
    }
    guard let head, head.isClassifier else { return head }
    try checkParts(of: head)
    try checkLabels()
    return head
  }

  private func contradiction(_ name: String, _ found: String) -> FormatError {
    FormatError(
      .badData, file: configurationFile, place: "key 'architectures'",
      problem:
        "contradicts the tensors: expected the class of their head, found \(quoted(name)) and"
        + " \(found)")
  }

  private func names(_ role: String) -> String {
    let spec = schema.tensors.first { $0.role == role }
    return "'\((spec?.names.first ?? role).replacing("{prefix}", with: ""))'"
  }

  /// A classifier of another class may have the same names without the part that this one reads.
  private func checkParts(of head: ArchitectureSchema.Head) throws(FormatError) {
    let isDirect = configuration?[Self.inputKey]?.string == Self.firstPosition
    for group in head.groups where group != "pooler" || !isDirect {
      guard
        let missing = schema.tensors.first(where: {
          $0.presence == .group(group) && !gives($0.role)
        })
      else { continue }
      throw FormatError(
        .badData, file: checkpointPath, place: "tensor \(names(missing.role))",
        problem: "missing: expected it beside the classifier of a \(schema.className(head)), found"
          + " none")
    }
  }

  private func checkLabels() throws(FormatError) {
    func contradiction(_ key: String, _ found: String) -> FormatError {
      FormatError(
        .badData, file: configurationFile, place: "key '\(key)'",
        problem: "contradicts the tensors: expected \(labelCount) labels, found \(found)")
    }
    if let labels = configuration?["id2label"], labels != .null {
      guard let labels = labels.object, labels.count == labelCount else {
        throw contradiction("id2label", labels.object.map { "\($0.count)" } ?? labels.excerpt)
      }
      if let number = (0..<labelCount).first(where: { labels["\($0)"]?.string == nil }) {
        throw contradiction("id2label", "none of number \(number)")
      }
    }
    if let count = configuration?["num_labels"]?.integer, count != labelCount {
      throw contradiction("num_labels", "\(count)")
    }
  }
}
