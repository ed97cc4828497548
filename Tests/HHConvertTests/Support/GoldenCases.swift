// The conversions whose plans and results are frozen.

import HHTestSupport

/// A conversion that is only planned.
struct Plan: Sendable, CustomStringConvertible {
  let description: String
  let arguments: [String]

  init(_ name: String, _ arguments: [String]) {
    (description, self.arguments) = (name, arguments)
  }

  static let all =
    architectures.flatMap { model in
      [
        Plan("\(model)", ["models/\(model)"]),
        Plan("\(model) on data", Bench.short(model)),
        Plan("\(model) rewritten", ["models/\(model)", "--stages", "rewrite"]),
        Plan("\(model) finetuned", Bench.short(model) + ["--finetune-steps", "3"]),
        Plan(
          "\(model) with adapters", Bench.short(model) + ["--finetune-steps", "3", "--lora", "4"]),
      ]
    } + [
      Plan(
        "lolcats",
        ["models/llama", "--recipe", "lolcats", "--length", "64", "--data", "data/corpus.txt"]),
      Plan(
        "gpt2-wikitext",
        ["models/gpt2", "--recipe", "gpt2-wikitext", "--length", "64", "--data", "data/corpus.txt"]),
      Plan("little memory", Bench.short("gpt2") + ["--max-memory", "12MB"]),
    ]
}

/// A conversion that only rewrites.
struct Rewrite: Sendable, CustomStringConvertible {
  let description: String
  let arguments: [String]
  /// Whether its exports are frozen too.
  var isExported = false

  static let all =
    architectures.map {
      Rewrite(description: $0, arguments: ["models/\($0)"], isExported: true)
    }
    + [
      "hedgehog-softmax-joint", "hedgehog-exponential", "hedgehog-exponential-negated", "t2r",
      "elu",
      "relu", "performer", "cosformer", "taylor", "exponential",
    ].map {
      Rewrite(
        description: "gpt2 by \($0)", arguments: ["models/gpt2", "--feature-map", $0],
        isExported: $0 == "performer")
    }
    + [
      Rewrite(
        description: "llama beside a window",
        arguments: ["models/llama", "--window", "8", "--keep-softmax", "1", "--feature-dim", "12"],
        isExported: true),
      Rewrite(description: "gpt2 as a delta", arguments: ["models/gpt2", "--delta"]),
    ]
}

/// A conversion that trains.
struct Training: Sendable, CustomStringConvertible {
  let description: String
  let model: String
  let kind: String

  static let all =
    architectures.flatMap { model in
      ["distil", "finetune", "lora", "train"].map {
        Training(description: "\(model), \($0)", model: model, kind: $0)
      }
    }
    + ["window", "performer", "t2r", "logits", "lolcats"].map {
      Training(description: "llama, \($0)", model: "llama", kind: $0)
    }

  /// The arguments, and the artifact that they write.
  func command(in bench: Bench) throws -> (arguments: [String], artifact: String) {
    if kind == "train" { return try train(in: bench) }
    let more: [String: [String]] = [
      "finetune": ["--finetune-steps", "3"],
      "logits": ["--finetune-steps", "3", "--finetune-loss", "teacher-logits", "--seed", "5"],
      "lora": ["--finetune-steps", "3", "--lora", "4"],
      "window": ["--window", "8", "--keep-softmax", "1", "--finetune-steps", "2"],
      "performer": ["--feature-map", "performer", "--seed", "3"],
      "t2r": ["--feature-map", "t2r", "--lr", "0.01", "--feature-dim", "12"],
      "lolcats": ["--recipe", "lolcats", "--steps", "3", "--finetune-steps", "100", "--rows", "8"],
    ]
    return (Bench.short(model) + (more[kind] ?? []) + ["-o", "out"], "out")
  }

  private func train(in bench: Bench) throws -> (arguments: [String], artifact: String) {
    let isImage = model == "vit"
    let recipe = try bench.folder.write(
      """
      model:
        architecture: \(model)
        hidden: 32
        heads: 2
        \(isImage ? "image: 16\n  classes: 8" : "positions: 32")
        files: models/\(model)
      data: data/\(isImage ? "shapes/train-images-idx3-ubyte" : "corpus.txt")
      stages:
        - stage: rewrite
        - {stage: train, steps: 4, batch: 4, learning_rate: 0.003, warm_up: 2}
      """, to: "new.yaml")
    return (["train", recipe, "-o", "out"], "out")
  }
}
