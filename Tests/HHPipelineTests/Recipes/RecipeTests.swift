// What recipes may say, and what they may not.

import HHCompute
import HHData
import HHFormat
import HHTestSupport
import Testing

@testable import HHModel
@testable import HHPipeline
@testable import HHTraining

@Suite("Recipe")
struct RecipeTests {
  private func recipe(_ text: String, file: String = "r.yaml") throws(FormatError) -> Recipe {
    try Recipe(parsing: Array(text.utf8), file: file)
  }

  @Test("the standard recipe is what a conversion does by itself")
  func standard() throws {
    let options = try Recipe.standard().options(model: "m", threads: 3)
    let plain = ConversionOptions(model: "m", threads: 3)
    #expect(options.distillation == plain.distillation)
    #expect(options.length == plain.length && options.data == plain.data)
    #expect(options.outputPath == plain.outputPath)
    #expect(options.allowNonfinite == plain.allowNonfinite && options.delta == plain.delta)
    #expect(options.threads == 3)
  }

  @Test("every setting of a conversion can be said")
  func settings() throws {
    let options = try recipe(
      """
      model: a
      config: b.json
      output: c
      delta: true
      data: d.txt
      held_out: e.txt
      length: 64
      seed: 18446744073709551615
      threads: 2
      allow_nonfinite: true
      stages:
        - stage: rewrite
        - {stage: distil, epochs: 2.5, batch: 3, rows: 5, learning_rate: 1e-2, budget: 90,
           schedule: cosine, warm_up: 4, clip: 2, weight_decay: 0.5, early_stop: {}}
        - {stage: evaluate, task: lm, data: f.txt, rows: 9}
        - {stage: finetune, epochs: 1}
        - {stage: evaluate, task: sts}
      """
    ).options(model: nil, threads: 1)
    #expect(options.model == "a" && options.configuration == "b.json" && options.output == "c")
    #expect(options.data == "d.txt" && options.heldOut == "e.txt" && options.length == 64)
    #expect(options.threads == 2 && options.delta && options.allowNonfinite)
    var expected = TrainingSettings(.distil)
    expected.epochs = 2.5
    (expected.schedule, expected.warmUpSteps) = (.cosine, 4)
    (expected.clip, expected.weightDecay) = (2, 0.5)
    expected.earlyStop = EarlyStopSettings()
    expected.batchSize = 3
    expected.rowLimit = 5
    expected.learningRate = 0.01
    expected.budget = 90
    #expect(options.seed == .max)
    #expect(options.distillation == expected)
    #expect(options.finetuning.epochs == 1 && options.finetuning.isEnabled)
    #expect(options.evaluations.map(\.after) == ["distil", "finetune"])
    #expect(options.evaluations.map(\.settings.task) == [.languageModel, .similarity])
    #expect(options.evaluations.map(\.settings.data) == ["f.txt", nil])
    #expect(options.evaluations.map(\.settings.rowLimit) == [9, nil])
    #expect(try recipe("model: a").options(model: "b", threads: 1).model == "b")
  }

  @Test("finetuning has every setting of its stage")
  func finetuning() throws {
    let text = """
      seed: 9
      stages:
        - stage: rewrite
        - {stage: finetune, steps: 7, batch: 2, accumulation: 3, learning_rate: 0.5,
           schedule: plateau, plateau: {factor: 0.2, patience: 1, minimum: 0.25, interval: 4},
           early_stop: {patience: 5, interval: 6},
           warm_up: 2, clip: null, weight_decay: 0.1, loss: teacher-logits,
           lora: {rank: 3, alpha: 4, dropout: 0.5, targets: [value]}}
      """
    let options = try recipe(text).options(model: "m", threads: 1)
    var expected = TrainingSettings(.finetune)
    (expected.steps, expected.batchSize, expected.accumulation) = (7, 2, 3)
    (expected.learningRate, expected.warmUpSteps, expected.weightDecay) = (0.5, 2, 0.1)
    (expected.schedule, expected.clip, expected.loss) = (.plateau, nil, .teacherLogits)
    var plateau = PlateauSettings()
    (plateau.factor, plateau.patience, plateau.minimum, plateau.interval) = (0.2, 1, 0.25, 4)
    expected.plateau = plateau
    expected.earlyStop = EarlyStopSettings(patience: 5, interval: 6)
    var adapters = LowRankSettings()
    (adapters.rank, adapters.alpha, adapters.dropout) = (3, 4, 0.5)
    adapters.targets = ["value"]
    expected.lora = adapters
    #expect(options.finetuning == expected && options.seed == 9)
  }

  @Test("JSON says the same as YAML")
  func json() throws {
    let yaml = try recipe("seed: 4\nstages: [{stage: rewrite}, {stage: distil, steps: 9}]")
    let json = try recipe(
      #"{"seed": 4, "stages": [{"stage": "rewrite"}, {"stage": "distil", "steps": 9}]}"#,
      file: "r.json")
    #expect(yaml.json == json.json)
  }

  @Test("a byte order mark before a recipe says nothing")
  func byteOrderMark() throws {
    for (text, file) in [
      ("stages: [{stage: rewrite}]", "r.yaml"),
      (#"{"stages": [{"stage": "rewrite"}]}"#, "r.json"),
    ] {
      #expect(try recipe("\u{FEFF}" + text, file: file).json == recipe(text, file: file).json)
    }
  }

  @Test("a printed recipe means the same", arguments: ShippedRecipes.names)
  func printing(_ name: String) throws {
    let shipped = try Recipe.named(name)
    let printed = try shipped.yaml()
    #expect(try recipe(printed).json == shipped.json, "\(printed)")
    #expect(try recipe(shipped.json.text, file: "r.json").json == shipped.json)
    #expect(shipped.description?.isEmpty == false)
  }

  @Test("words that YAML could take for something else stay words when printed")
  func quoting() throws {
    for word in ["yes", "null", "1e5", "", "- a", "a: b", "#", "0x10", "é", "1.0.0", "~", "*x"] {
      let value = JSONValue.object(["description": .string(word)])
      let printed = try Recipe(value, file: "r").yaml()
      #expect(try recipe(printed).description == word, "\(printed)")
    }
  }

  @Test("how attention is rewritten, and by which loss, is what the recipe says")
  func rewriting() throws {
    let text = """
      stages:
        - stage: rewrite
          window: 64
          keep_softmax: [0, 3]
          feature_map: {kind: cosformer, bias: false, sharing: all-heads, constant: 128}
        - stage: distil
          loss: {attention_weights: 0, attention_outputs: 1000}
      """
    let options = try recipe(text).options(model: "m", threads: 1)
    var expected = LinearAttentionSettings()
    expected.kind = .cosformer
    expected.bias = false
    expected.sharing = .allHeads
    expected.constant = 128
    expected.window = 64
    expected.softmaxLayers = [0, 3]
    #expect(options.attention == expected)
    #expect(options.distillation.factors == .init(weights: 0, outputs: 1000))
    #expect(
      try recipe("stages: [{stage: rewrite}]").options(model: "m", threads: 1).attention
        == LinearAttentionSettings())
  }

  @Test("every training stage has a precision of its own")
  func precision() throws {
    let options = try recipe(
      "stages: [{stage: rewrite}, {stage: distil}, {stage: finetune, precision: bfloat16}]"
    ).options(model: "m", threads: 1)
    #expect(options.distillation.precision == .float32)
    #expect(options.finetuning.precision == .bfloat16)
    let alone = try recipe("stages: [{stage: train, steps: 1, precision: bfloat16}]")
    #expect(try alone.options(model: "m", threads: 1).finetuning.precision == .bfloat16)
  }

  struct Bad: CustomTestStringConvertible {
    let text: String
    let place: String
    let problem: String
    var hint: String?
    var testDescription: String { text }

    static let all = [
      Bad(
        text: "stges: []", place: "key 'stges'", problem: "unknown: expected 'description', ",
        hint: "did you mean 'stages'?"),
      Bad(
        text: "stages: [{stage: distill}]", place: "key 'stages[0].stage'",
        problem: "expected 'rewrite', 'distil', 'finetune', 'train' or 'evaluate', found 'distill'",
        hint: "did you mean 'distil'?"),
      Bad(
        text: "stages: [{stage: rewrite}, {stage: distil, learning-rate: 1}]",
        place: "key 'stages[1].learning-rate'", problem: "unknown: expected 'stage', ",
        hint: "did you mean 'learning_rate'?"),
      Bad(
        text: "stages: [{stage: rewrite}, {stage: finetune, lora: {targets: [querry]}}]",
        place: "key 'stages[1].lora.targets[0]'", problem: "expected 'query', 'key', ",
        hint: "did you mean 'query'?"),
      Bad(
        text: "stages: [{stage: rewrite}, {stage: distil, steps: many}]",
        place: "key 'stages[1].steps'",
        problem: "expected a whole number, at least 0 and at most 10000000, or null, found 'many'"),
      Bad(
        text: "stages: [{stage: rewrite}, {stage: distil, steps: 2.5}]",
        place: "key 'stages[1].steps'", problem: "expected a whole number, "),
      Bad(
        text: "stages: [{stage: rewrite}, {stage: distil, learning_rate: 0}]",
        place: "key 'stages[1].learning_rate'",
        problem: "expected a number, above 0, or null, found 0"),
      Bad(
        text: "stages: [{stage: rewrite}, {stage: distil, learning_rate: 1e999}]",
        place: "key 'stages[1].learning_rate'", problem: "expected a number, above 0, or null"),
      Bad(text: "length: 1", place: "key 'length'", problem: "expected a whole number, at least 2"),
      Bad(text: "seed: -1", place: "key 'seed'", problem: "expected a whole number, at least 0,"),
      Bad(text: "delta: 1", place: "key 'delta'", problem: "expected true or false, found 1"),
      Bad(text: "delta: yes", place: "key 'delta'", problem: "expected true or false, found 'yes'"),
      Bad(
        text: "model: [a]", place: "key 'model'",
        problem: "expected text or null or an object, found a list"),
      Bad(text: "stages: []", place: "key 'stages'", problem: "expected at least 1 in the list"),
      Bad(text: "stages: [rewrite]", place: "key 'stages[0]'", problem: "expected an object with"),
      Bad(text: "[]", place: "", problem: "expected an object, found a list"),
      Bad(text: "", place: "", problem: "expected a recipe, found an empty text"),
      Bad(text: "a: [", place: "", problem: "invalid YAML in line "),
      Bad(
        text: "a: 1\na: 2", place: "", problem: "line 1: expected each key once, found 'a' twice"),
      Bad(text: "a: &x 1\nb: *x", place: "", problem: "line 1: expected no anchors and aliases"),
      Bad(text: "? [a]\n: b", place: "", problem: "line 1: expected a word as key"),
      Bad(
        text: "stages: [{stage: distil}]", place: "key 'stages[0].stage'",
        problem: "expected 'rewrite' before 'distil', found none"),
      Bad(
        text: "stages: [{stage: finetune}, {stage: rewrite}]", place: "key 'stages[0].stage'",
        problem: "expected 'rewrite' before 'finetune', found it after"),
      Bad(
        text: "stages: [{stage: rewrite}, {stage: finetune}, {stage: distil}]",
        place: "key 'stages[2].stage'", problem: "expected 'distil' before 'finetune'"),
      Bad(
        text: "stages: [{stage: rewrite}, {stage: rewrite}]", place: "key 'stages[1].stage'",
        problem: "expected 'rewrite' once, found it again"),
      Bad(
        text: "stages: [{stage: rewrite}, {stage: evaluate}]", place: "key 'stages[1].task'",
        problem: "expected 'lm', 'classification', 'sts', 'glue', 'summarise' or 'recall', "
          + "found none"),
      Bad(
        text: "stages: [{stage: rewrite}, {stage: distil, steps: 1, epochs: 1}]",
        place: "key 'stages[1].epochs'", problem: "expected either 'steps' or 'epochs', found both"),
      Bad(
        text: "stages: [{stage: rewrite}, {stage: distil, plateau: {}}]",
        place: "key 'stages[1].plateau'",
        problem: "expected the schedule 'plateau' beside it, found 'linear'"),
      Bad(
        text: "stages: [{stage: rewrite}, {stage: distil, schedule: plateau}]",
        place: "key 'stages[1].plateau'", problem: "expected settings for the schedule 'plateau'"),
      Bad(
        text: "stages: [{stage: rewrite}, {stage: distil, loss: {attention_weights: 0}}]",
        place: "key 'stages[1].loss'", problem: "expected a factor above 0"),
      Bad(
        text: "stages: [{stage: rewrite}, {stage: finetune, steps: 5, warm_up: 6}]",
        place: "key 'stages[1].warm_up'", problem: "expected at most the 5 steps of the stage"),
      Bad(
        text: "stages: [{stage: rewrite, keep_softmax: [1, 1]}]",
        place: "key 'stages[0].keep_softmax'", problem: "expected each layer once"),
      Bad(
        text: "stages: [{stage: rewrite}, {stage: distil}, {stage: train}]",
        place: "key 'stages[1].stage'",
        problem: "expected nothing that needs a teacher beside 'train', found it"),
      Bad(
        text: "model: {architecture: bert}\nstages: [{stage: train, classes: 2}]",
        place: "key 'stages[0].classes'",
        problem: "expected null beside a new model's sizes, found a number"),
      Bad(
        text: "model: {architecture: vit, classes: 1}\nstages: [{stage: train}]",
        place: "key 'model.classes'", problem: "expected a whole number, at least 2 and at most"),
      Bad(
        text: "stages: [{stage: train, classes: 1}]", place: "key 'stages[0].classes'",
        problem: "expected a whole number, at least 2 and at most"),
      Bad(text: "held_out: a.txt", place: "key 'held_out'", problem: "expected 'data' beside it"),
    ]
  }

  @Test("a recipe that says nothing sensible is refused, with the key named", arguments: Bad.all)
  func bad(_ bad: Bad) throws {
    let error = #expect(throws: FormatError.self) { try recipe(bad.text) }
    #expect(error?.kind == .badData && error?.file == "r.yaml")
    let place = error?.place.replacing(#/^line \d+: /#, with: "")
    #expect(place == bad.place, "\(String(describing: error))")
    #expect(error?.problem.hasPrefix(bad.problem) == true, "\(String(describing: error))")
    if let hint = bad.hint { #expect(error?.hint == hint) }
  }

  @Test("errors name the line of a key, or of what lacks one; so does a setting's place")
  func lines() throws {
    let text = """
      length: 8
      stages:
        - stage: rewrite
          feature_map:
            dimension: 4
        - stage: evaluate
          task: lm
          keep: 1
      """
    func place(_ text: String, file: String = "r.yaml") -> String? {
      let error = #expect(throws: FormatError.self) { try recipe(text, file: file) }
      return error?.place
    }
    #expect(place(text) == "line 8: key 'stages[1].keep'")
    #expect(
      place(text.replacing("\n    task: lm\n    keep: 1", with: ""))
        == "line 6: key 'stages[1].task'")
    #expect(place("{\n\"lenght\": 8}", file: "r.json") == "line 2: key 'lenght'")
    let sound = try recipe(text.replacing("\n    keep: 1", with: ""))
    let attention = LinearAttentionSettings()
    #expect(sound.place(of: .length) == "r.yaml: line 1: key 'length'")
    #expect(
      sound.place(of: attention.key(\.dimension))
        == "r.yaml: line 5: key 'stages[0].feature_map.dimension'")
    #expect(sound.place(of: attention.key(\.window)) == nil)
    #expect(sound.place(of: TrainingSettings(.train).key(\.batchSize)) == nil)
  }

  @Test("text that is no recipe, of any size, ends in an error")
  func hostile() throws {
    let laughs = (0..<30).map { level in
      "l\(level): &l\(level) ["
        + Array(repeating: level == 0 ? "1" : "*l\(level - 1)", count: 9)
        .joined(separator: ", ") + "]"
    }
    let texts = [
      laughs.joined(separator: "\n"), String(repeating: "[", count: 5000),
      String(repeating: "a: [1, 2]\n", count: 30_000), "\u{0}", "a: !!binary x",
      (0..<20_000).map { "- \($0)" }.joined(separator: "\n"),
    ]
    for text in texts {
      let error = #expect(throws: FormatError.self) { try recipe(text) }
      #expect(error?.kind == .badData, "\(text.prefix(40))")
    }
    #expect(throws: FormatError.self) { try Recipe(parsing: [0xFF, 0xFE, 0x00], file: "r.yaml") }
  }

  @Test("a name that is neither a file nor a recipe")
  func names() throws {
    let error = #expect(throws: FormatError.self) { try Recipe.named("lolcat") }
    #expect(error?.kind == .missingInput)
    #expect(error?.hint == "did you mean 'lolcats'?")
    #expect(
      try #require(error).problem.contains(
        "hybrid, hedgehog, gpt2-wikitext, bert-classifier, bert-glue, vit, llama-lora, lolcats"))
  }

  @Test("every printed recipe is one under the JSON Schema", .needsPython)
  func schema() throws {
    let directory = try TemporaryDirectory()
    let recipes = try ShippedRecipes.names.map { try Recipe.named($0) } + [.standard()]
    let printed = JSONValue.array(recipes.map(\.json))
    let path = try directory.write(printed.text, to: "recipes.json")
    let outcome = try Python.run(
      """
      import json, sys, jsonschema
      schema = json.load(open(sys.argv[1]))
      jsonschema.Draft202012Validator.check_schema(schema)
      for recipe in json.load(open(sys.argv[2])):
          jsonschema.validate(recipe, schema)
      print("ok")
      """, ["\(Fixtures.root)/schemas/recipe.schema.json", path])
    #expect(outcome.output == "ok\n")
  }
}
