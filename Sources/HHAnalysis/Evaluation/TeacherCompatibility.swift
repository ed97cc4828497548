// Whether two models can be measured on the same examples.

internal import HHData
internal import HHFormat
internal import HHModel
internal import HHTraining

extension EvaluationOptions {
  /// Refuses a softmax model that cannot be given what `model` is, or whose answers are of another
  /// kind.
  ///
  /// - Throws: `PipelineError.invalidSetting` with what differs, `FormatError` for a damaged tokenizer.
  func checkTeacher(_ teacher: OpenedModel, of model: OpenedModel) throws {
    let (own, other) = (model.runner.graph, teacher.runner.graph)
    try check("a \(other.architecture)", is: "a \(own.architecture)")
    switch task {
    case .languageModel, .summarise, .recall:
      try check(
        "\(other.hasLanguageModelHead ? "a" : "no") language-model head",
        is: "a language-model head")
    case .classification, .glue: try check(classes(of: other), is: classes(of: own))
    case .similarity: break
    }
    guard own.kind != .image else {
      return try check(images(of: teacher), is: images(of: model))
    }
    try check("\(other.vocabularySize) token ids", is: "\(own.vocabularySize) token ids")
    let ownTokenizer = try TokenizerLoader.load(of: model.checkpoint)
    let length = try usedLength(maximum: own.maximumLength, ownTokenizer)
    guard other.maximumLength >= length else {
      throw refusal("at least \(length) positions, the length", "\(other.maximumLength)")
    }
    guard let tokenizer = ownTokenizer,
      let another = try TokenizerLoader.load(of: teacher.checkpoint),
      let id = tokenizer.firstDifference(from: another)
    else { return }
    throw refusal(
      "the model's tokenizer, whose token \(id) is \(quoted(tokenizer.decode([id])))",
      quoted(another.decode([id])))
  }

  /// The most tokens that a row has.
  private func usedLength(
    maximum: Int, _ tokenizer: (any Tokenizer)?
  ) throws(PipelineError) -> Int {
    if task == .summarise { return min(length ?? 1024, maximum) }
    if task == .recall {
      return min(length ?? maximum, RecallScorer.longestRow(tokenizer), maximum)
    }
    return try rowLength(length, maximum: maximum)
  }

  private func classes(of graph: Graph) -> String {
    graph.classCount.map { $0 == 1 ? "1 class" : "\($0) classes" } ?? "no classifier"
  }

  private func images(of model: OpenedModel) -> String {
    let shape = ImageShape(model.names.hyperparameters)
    return "images of \(shape.channels) x \(shape.height) x \(shape.width)"
  }

  private func check(_ found: String, is expected: String) throws(PipelineError) {
    if found != expected { throw refusal("\(expected) like the model", found) }
  }

  private func refusal(_ expected: String, _ found: String) -> PipelineError {
    .invalidSetting(.teacher, problem: "expected \(expected), found \(found)")
  }
}

extension Tokenizer {
  /// The first token that stands for another text here than in `other`; nil where there is none.
  ///
  /// Tokens without a text do not count, nor does the space that a text begins with: files of
  /// different formats tell the same tokenizer's special tokens, and its spaces, in different ways.
  func firstDifference(from other: any Tokenizer) -> Int32? {
    func text(_ tokenizer: any Tokenizer, _ id: Int32) -> Substring {
      tokenizer.decode([id]).drop { $0 == " " }
    }
    return (0..<Int32(clamping: min(vocabularySize, other.vocabularySize))).first { id in
      let (own, another) = (text(self, id), text(other, id))
      return !own.isEmpty && !another.isEmpty && !own.utf8.elementsEqual(another.utf8)
    }
  }
}
