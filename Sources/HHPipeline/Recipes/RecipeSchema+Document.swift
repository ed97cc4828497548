// The JSON Schema of recipes, made of the declarations of their settings.

package import HHFormat
internal import HHModel
internal import HHTraining

extension RecipeSchema {
  /// The schema; schemas/recipe.schema.json is a copy of it.
  package static let document: JSONValue = {
    var model = NewModel.schema
    model["type"] = ["string", "null", "object"]
    model["required"] = ["architecture"]
    model["default"] = .null
    model["description"] =
      "The checkpoint; paths are taken from the working folder. Or the sizes of a new model, which the stage 'train' trains from scratch."
    var properties: JSONObject = [
      "description": [
        "type": ["string", "null"], "default": .null,
        "description": "What the recipe is for, in a sentence.",
      ],
      "model": .object(model),
    ]
    for (key, value) in ConversionOptions().schema["properties"]?.object?.pairs ?? [] {
      properties[key] = value
    }
    let stages = RecipeStage.defaults
    properties["stages"] = [
      "type": "array", "minItems": 1, "default": [["stage": "rewrite"], ["stage": "distil"]],
      "description": "What is done, in order.",
      "items": ["oneOf": .array(stages.map { ["$ref": .string("#/$defs/\($0.name)")] })],
    ]
    return [
      "$schema": "https://json-schema.org/draft/2020-12/schema",
      "title": "A recipe of hh-convert",
      "description":
        "What is done to a model, stage by stage. The program checks recipes by this schema and takes its defaults.",
      "type": "object", "additionalProperties": false, "properties": .object(properties),
      "$defs": .object(JSONObject(stages.map { ($0.name, $0.schema) })),
    ]
  }()
}
