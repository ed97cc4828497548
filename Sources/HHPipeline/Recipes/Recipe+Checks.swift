// What a recipe must not say although each of its keys is right.

internal import HHCompute
internal import HHFormat
internal import HHModel
internal import HHTraining

extension Recipe {
  /// Refuses stages in an order in which they mean nothing.
  func checkOrder() throws(FormatError) {
    for (index, stage) in stages.enumerated() {
      let before = stages[..<index].map(\.name)
      if stage.name == "rewrite", let other = before.first(where: { $0 != "rewrite" }) {
        throw contradiction(index, "expected 'rewrite' before '\(other)', found it after")
      }
      if stage.name == "train" || (stage.name == "evaluate" && before.contains("train")) {
        // A new model may keep its softmax.
      } else if stage.name != "rewrite", !before.contains("rewrite") {
        throw contradiction(
          index,
          "expected 'rewrite' before '\(stage.name)', found "
            + (stages.contains { $0.name == "rewrite" } ? "it after" : "none"))
      }
      if stage.name != "evaluate", before.contains(stage.name) {
        throw contradiction(index, "expected '\(stage.name)' once, found it again")
      }
      if stage.name == "distil", before.contains("finetune") {
        throw contradiction(index, "expected 'distil' before 'finetune', found it after")
      }
    }
  }

  /// Refuses a new model that is not trained, and training beside what needs a teacher.
  private func checkModel() throws(FormatError) {
    for (index, stage) in stages.enumerated() {
      if trains, stage.name == "distil" || stage.name == "finetune" {
        throw contradiction(index, "expected nothing that needs a teacher beside 'train', found it")
      }
      if case .training(let settings) = stage, settings.classes != nil,
        json["model"]?.object != nil
      {
        throw problem(
          "stages[\(index)].classes", "expected null beside a new model's sizes, found a number",
          hint: "a new model's classes are among its sizes")
      }
    }
    guard json["model"]?.object != nil else { return }
    guard trains else {
      throw problem("stages", "expected the stage 'train' for a new model, found none")
    }
    let model = json["model"]
    let schema = try ArchitectureSchema.named(model?["architecture"]?.string ?? "")
    let hasClasses = model?["classes"] != .null
    guard schema.heads.contains(where: { $0.isClassifier == hasClasses }),
      !(hasClasses && schema.kind == .decoder)
    else {
      let images = ArchitectureSchema.names(
        of: try ArchitectureSchema.all().filter { $0.kind == .image })
      throw problem("model.classes", "expected a number for a \(images), and none for a decoder")
    }
    if model?["key_value_heads"] != .null, !schema.hasKeyValueHeads {
      let grouped = ArchitectureSchema.names(
        of: try ArchitectureSchema.all().filter(\.hasKeyValueHeads))
      throw problem("model.key_value_heads", "expected null for all but \(grouped), found a number")
    }
  }

  /// Refuses settings that contradict each other.
  func checkSettings() throws(FormatError) {
    try checkModel()
    if json["held_out"] != .null, json["data"] == .null {
      throw problem("held_out", "expected 'data' beside it, found none")
    }
    for (index, stage) in stages.enumerated() {
      switch stage {
      case .training(let training):
        try check(training, at: index)
        if training.factors.weights == 0, training.factors.outputs == 0 {
          throw problem(
            "stages[\(index)].loss", "expected a factor above 0, found 0 for every loss")
        }
        if training.stage != .distil, let steps = training.steps, steps > 0,
          training.warmUpSteps > steps
        {
          throw problem(
            "stages[\(index)].warm_up",
            "expected at most the \(steps) steps of the stage, found \(training.warmUpSteps)")
        }
      case .rewrite(let rewrite):
        if Set(rewrite.softmaxLayers).count < rewrite.softmaxLayers.count {
          throw problem("stages[\(index)].keep_softmax", "expected each layer once")
        }
      case .evaluate: break
      }
    }
  }

  private func check(_ training: TrainingSettings, at index: Int) throws(FormatError) {
    let stage = json["stages"]?.array?[index]
    if stage?["steps"] != .null, stage?["epochs"] != .null {
      throw problem(
        "stages[\(index)].epochs", "expected either 'steps' or 'epochs', found both")
    }
    if training.lora != nil, training.parameters == .featureMaps {
      throw problem("stages[\(index)].parameters", TrainingSettings.adaptersAlone)
    }
    if (training.schedule == .plateau) != (training.plateau != nil) {
      throw problem(
        "stages[\(index)].plateau",
        training.plateau == nil
          ? "expected settings for the schedule 'plateau', found none"
          : "expected the schedule 'plateau' beside it, found '\(training.schedule.rawValue)'")
    }
  }

  private func contradiction(_ index: Int, _ text: String) -> FormatError {
    problem("stages[\(index)].stage", text)
  }

  /// An error about a key.
  func problem(_ key: String, _ text: String, hint: String? = nil) -> FormatError {
    RecipeSchema(for: file, lines: lines).problem(key, text, hint)
  }
}
