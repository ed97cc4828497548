// The README.md of an exported Hedgehog model.

internal import HHCompute
internal import HHFormat
internal import HHModel

/// A model card: what the model is, what it was made from, how good it is and how to load it.
struct ModelCard {
  let source: ExportSource
  /// What the folder is called.
  let name: String
  /// The configuration beside the card.
  let configuration: JSONObject
  /// The text of the source's card, if it had one.
  let sourceCard: String?
  /// The folder's tokenizer.
  let tokenizer: Tokenizer
  /// The name of a licence file in the folder, if there is one.
  let licenceFile: String?

  /// What it takes to load a tokenizer.
  enum Tokenizer {
    case absent
    /// It is loaded without trust in any code.
    case plain
    /// Its class is found only by the model's code.
    case needsCode
  }

  /// What the source's card is called in the folder.
  static let sourceName = SidecarRules.sourceCardName

  /// The card.
  var text: String {
    [frontMatter, introduction, loading, quality, provenance, limits].joined(separator: "\n")
  }

  private var loader: (name: String, task: String) {
    let names = configuration["auto_map"]?.object?.keys ?? []
    let tasks = [
      ("AutoModelForCausalLM", "text-generation"), ("AutoModelForMaskedLM", "fill-mask"),
      ("AutoModelForSequenceClassification", "text-classification"),
      ("AutoModelForImageClassification", "image-classification"),
    ]
    return tasks.first { names.contains($0.0) } ?? ("AutoModel", "feature-extraction")
  }

  private var frontMatter: String {
    var lines = ["---", "library_name: transformers", "pipeline_tag: \(loader.task)"]
    if let licence = member("license") { lines.append("license: \(licence)") }
    if let base = baseModel ?? member("base_model") { lines.append("base_model: \(base)") }
    lines += ["tags:", "- hedgehog", "- linear-attention", "- custom_code", "---", ""]
    return lines.joined(separator: "\n")
  }

  /// The source's name on the Hugging Face hub, where its configuration tells it.
  private var baseModel: String? {
    guard let name = configuration["_name_or_path"]?.string else { return nil }
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    let isPlain = name.utf8.allSatisfy { byte in
      byte < 0x7F && (Character(Unicode.Scalar(byte)).isLetter || Self.others.contains(byte))
    }
    let isName = parts.count == 2 && parts.allSatisfy { !$0.isEmpty && !$0.hasPrefix(".") }
    return isName && isPlain ? name : nil
  }

  private static let others = Array("0123456789-_./".utf8)

  /// A one-line member of the source card's front matter, where it is a plain word.
  private func member(_ key: String) -> String? {
    guard let sourceCard else { return nil }
    let lines = sourceCard.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.first?.trimmed == "---" else { return nil }
    let head = lines.dropFirst().prefix { $0.trimmed != "---" }
    guard let line = head.first(where: { $0.hasPrefix("\(key):") }) else { return nil }
    let value = line.dropFirst(key.count + 1).trimmed
    // Letters, digits and these are a word in YAML, whatever else the source's card says.
    let isWord = value.utf8.allSatisfy { byte in
      byte < 0x7F && (Character(Unicode.Scalar(byte)).isLetter || Self.others.contains(byte))
    }
    return isWord && value.first?.isLetter == true ? String(value) : nil
  }

  private var introduction: String {
    let sizes = source.names.hyperparameters
    let place = (softmaxLayers.isEmpty ? "all " : "") + "\(source.plan?.blocks.count ?? 0) blocks"
    let model = "A \(sizes.integer("layerCount"))-layer \(source.names.schema.architecture)"
    return """
      # \(markdown(name))

      \(model) \(isTrainedAlone ? "with" : "whose softmax attention was replaced by")
      \(attention) in \(place)\(isTrainedAlone ? ", trained" : "") with
      hh-convert. \(besides)\(featureMap) \(training)

      """
  }

  /// Whether the model was trained with its linear attention and without a teacher, rather than
  /// converted.
  private var isTrainedAlone: Bool {
    source.manifest?.description.stages.contains { $0.name == "train" } ?? false
  }

  /// Layers that keep softmax attention.
  private var softmaxLayers: [Int] {
    source.linearAttention?.softmaxLayers ?? []
  }

  /// What is left of softmax, in sentences.
  private var besides: String {
    var text = ""
    if !softmaxLayers.isEmpty {
      let list = softmaxLayers.map(String.init).joined(separator: ", ")
      text += "Softmax attention stays in layer\(softmaxLayers.count == 1 ? "" : "s") \(list). "
    }
    if let window = source.linearAttention?.window {
      let first = source.linearAttention?.sinks.map {
        " and the first \(Format.count($0)) of the sequence"
      }
      text +=
        "The \(Format.count(window)) nearest keys of a query\(first ?? "") keep softmax weights, times a factor of each"
        + " head ([arXiv 2410.10254](https://arxiv.org/abs/2410.10254)). "
    }
    return text
  }

  /// What stands in the place of softmax.
  private var attention: String {
    let isHedgehog =
      source.plan?.blocks.first?.map.kind.rawValue.hasPrefix("hedgehog") ?? true
    return isHedgehog
      ? "Hedgehog linear attention ([arXiv 2402.04347](https://arxiv.org/abs/2402.04347))"
      : "linear attention"
  }

  /// The feature map and what it adds, in a sentence.
  private var featureMap: String {
    let formula = source.plan?.blocks.first?.map.formula ?? ""
    let new = source.plan?.newParameterCount ?? 0
    return "Queries and keys have feature maps φ(x) = \(formula): \(Format.count(new))"
      + (isTrainedAlone ? " parameters." : " new parameters.")
  }

  /// Whether training went beyond the feature maps.
  private var hasChangedWeights: Bool {
    source.manifest?.tensors.contains { $0.origin == .changed } ?? false
  }

  /// What was trained, in a sentence.
  private var training: String {
    let isDistilled =
      source.manifest?.description.stages.contains { $0.losses["kl_after"] != nil } ?? false
    let trained = source.plan?.blocks.first?.design.parameters.contains(where: \.isTrained) ?? false
    if isTrainedAlone {
      return (trained ? "They and all other weights" : "All weights")
        + " were trained together, without a teacher; see below."
    }
    if !trained {
      return hasChangedWeights
        ? "The source's weights were trained; see below." : "The source's weights are as they were."
    }
    if hasChangedWeights { return "They and other weights were trained; see below." }
    return isDistilled
      ? "They were trained to give the attention weights that the softmax gave; all other weights"
        + " are the source's."
      : "They were not trained yet and stand at the identity; all other weights are the source's."
  }

  private var loading: String {
    let image = source.names.schema.kind == .image
    let decoder = source.names.schema.kind == .decoder
    var lines = ["## Use", "", "```python"]
    let names = [loader.name] + (tokenizer == .absent ? [] : ["AutoTokenizer"])
    lines += ["from transformers import \(names.joined(separator: ", "))", ""]
    lines.append("model = \(call(loader.name, needsCode: true))")
    if tokenizer != .absent {
      lines.append("tokenizer = \(call("AutoTokenizer", needsCode: tokenizer == .needsCode))")
    }
    lines += ["```", ""]
    if !image && tokenizer == .absent {
      lines.append(
        "There is no tokenizer here: take that of the model that this one was made from.\n")
    }
    lines.append(
      PythonCode.files.map { "`\($0.name)`" }.joined(separator: " and ")
        + " in this folder are all the code there is: read them before you trust them. They need"
        + " PyTorch and transformers.")
    if decoder {
      lines.append(
        "`generate` keeps a state of fixed size instead of keys and values; prompts are read in"
          + " chunks, in linear time."
          + (softmaxLayers.isEmpty ? "" : " Layers with softmax keep theirs."))
    }
    if !image {
      lines.append(
        "Padding may stand on either side: `attention_mask` keeps it out of the state and out of the"
          + " positions.")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The line of Python that loads a part of the folder.
  private func call(_ loader: String, needsCode: Bool) -> String {
    // A text of JSON is one of Python.
    let folder = JSONValue.string(name).line
    return "\(loader).from_pretrained(\(folder)\(needsCode ? ", trust_remote_code=True" : ""))"
  }

  private var quality: String {
    guard let stages = source.manifest?.description.stages, !stages.isEmpty else { return "" }
    var lines = ["## Quality", ""]
    for stage in stages {
      let before = stage.losses["kl_before"]?.double
      let after = stage.losses["kl_after"]?.double
      if let before, let after {
        lines.append(
          "Mean KL(softmax weights ‖ linear weights) on held-out rows: \(Format.fixed(before, 4)) right"
            + " after the rewrite, \(Format.fixed(after, 4)) after the stage \(code(stage.name)).")
        lines.append("")
      } else if stage.losses.count + stage.qualities.count > 0 {
        lines += ["Stage \(code(stage.name)):", ""]
        // Objects are for programs, such as each tensor's change.
        for (key, value) in stage.losses.pairs + stage.qualities.pairs where value.object == nil {
          lines.append(
            "- \(markdown(key.replacing("_", with: " "))): \(markdown(Self.words(value)))")
        }
        lines.append("")
      }
      if let layers = stage.qualities["kl_per_layer"]?.array?.compactMap(\.double), !layers.isEmpty
      {
        lines += ["| layer | KL |", "|---:|---:|"]
        // Distillation measures the rewritten layers, in their order.
        for (block, value) in zip(source.plan?.blocks ?? [], layers) {
          lines.append("| \(block.layer) | \(Format.fixed(value, 4)) |")
        }
        lines.append("")
      }
    }
    return lines.joined(separator: "\n")
  }

  /// A measured value as people read it.
  private static func words(_ value: JSONValue) -> String {
    if case .number(let number) = value { return Format.fixed(number, 4) }
    return value.string ?? value.text
  }

  private var provenance: String {
    guard let description = source.manifest?.description else { return "" }
    let provenance = description.provenance
    let sources = isTrainedAlone ? "file that training began with" : "source file"
    var lines = ["## Provenance", "", "| \(sources) | bytes | SHA-256 |", "|---|---:|---|"]
    for file in provenance.sources {
      lines.append("| \(markdown(file.name)) | \(Format.count(file.bytes)) | `\(file.sha256)` |")
    }
    lines += [
      "",
      "- program: \(markdown(description.producer.name)) \(markdown(description.producer.version))",
      "- recipe: \(code(JSONValue.object(provenance.recipe).text)), seed \(provenance.seed)",
    ]
    if let data = provenance.data {
      let digest = data.sha256.map { ", SHA-256 `\($0)`" } ?? ""
      lines.append(
        "- data: \(markdown(data.kind)), \(Format.count(data.tokens)) positions in all\(digest)")
    }
    if let licenceFile {
      lines.append("- licence of the source: see \(licenceFile)")
    }
    if sourceCard != nil { lines.append("- the source's own card: \(Self.sourceName)") }
    return lines.joined(separator: "\n") + "\n"
  }

  private var limits: String {
    // Measured with two features per dimension of a head: about three times its size.
    let features = source.plan?.blocks.first?.design.features ?? 0
    return """
      ## Limits

      Linear attention costs less than softmax only from about \(Format.count(features * 3 / 2)) tokens on.

      """
  }
}

extension LinearAttentionLayer {
  /// What is after φ(x) =.
  fileprivate var formula: String { kind.formula(hasBias ? "xW + b" : "xW", constant ?? 1) }
}

extension Substring {
  /// Without white space around it.
  fileprivate var trimmed: Substring {
    let start = drop { $0.isWhitespace }
    return start.lastIndex { !$0.isWhitespace }.map { start[...$0] } ?? ""
  }
}
