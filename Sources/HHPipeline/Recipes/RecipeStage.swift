// One stage of a recipe.

internal import HHFormat
package import HHModel
package import HHTraining

/// A stage with its settings.
package enum RecipeStage: Sendable, Equatable {
  case rewrite(LinearAttentionSettings)
  /// `distil`, `finetune` or `train`.
  case training(TrainingSettings)
  case evaluate(EvaluationSettings)

  /// A stage of each kind with the defaults, in the order in which the schema lists them.
  static let defaults: [RecipeStage] =
    [.rewrite(LinearAttentionSettings())]
    + TrainingStage.allCases.map { .training(TrainingSettings($0)) }
    + [.evaluate(EvaluationSettings())]

  private var settings: any SettingGroup {
    switch self {
    case .rewrite(let settings): settings
    case .training(let settings): settings
    case .evaluate(let settings): settings
    }
  }

  /// The stage's name in a recipe.
  package var name: String { settings.stageName ?? "" }

  /// Reads a stage that the schema has checked and completed.
  init(_ value: JSONValue) {
    let name = value["stage"]?.string
    switch Self.defaults.first(where: { $0.name == name }) {
    case .training(var settings)?:
      settings.read(value)
      self = .training(settings)
    case .evaluate(var settings)?:
      settings.read(value)
      self = .evaluate(settings)
    default:
      var settings = LinearAttentionSettings()
      settings.read(value)
      self = .rewrite(settings)
    }
  }

  /// The stage as a recipe has it, with every path made absolute by `path`.
  func json(path: (String) -> String = { $0 }) -> JSONValue {
    var object: JSONObject = ["stage": .string(name)]
    for (key, value) in settings.members(path: path).pairs { object[key] = value }
    return .object(object)
  }

  /// What a JSON Schema says of the stage; these settings are the defaults.
  var schema: JSONValue {
    var schema = settings.schema
    var properties: JSONObject = ["stage": ["const": .string(name)]]
    for (key, value) in schema["properties"]?.object?.pairs ?? [] { properties[key] = value }
    let required = properties.pairs.filter { $0.value["default"] == nil }.map { $0.key }
    schema["required"] = .array(required.map { .string($0) })
    schema["properties"] = .object(properties)
    schema["description"] = .string(purpose)
    return .object(schema)
  }

  private var purpose: String {
    switch self {
    case .rewrite: "Every softmax attention becomes linear attention; nothing is trained."
    case .evaluate: "The model is measured on a task, beside its teacher."
    case .training(let settings):
      switch settings.stage {
      case .distil:
        "The feature maps learn to give the softmax's attention, layer by layer, all other weights"
          + " frozen."
      case .finetune: "The converted model learns its task, or its teacher's answers."
      case .train:
        "A new model, or a checkpoint, is trained without a teacher: on next tokens, masked tokens"
          + " or classes. Without 'rewrite' before it, it has softmax attention."
      }
    }
  }
}
