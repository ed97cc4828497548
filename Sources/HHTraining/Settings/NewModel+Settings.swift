// The sizes of a new model as settings of a recipe.

internal import HHFormat
package import HHModel

extension NewModel: NestedSettings {
  /// A model of no architecture yet.
  package init() { self.init(architecture: "") }

  package var settings: [Setting<Self>] {
    let sizes: [Setting<Self>] = [
      Setting(
        "architecture", \.architecture,
        limits: ["enum": .array(ArchitectureSchema.names.map { .string($0) })], isRequired: true,
        help: "The new model's architecture"),
      Setting("layers", \.layers, limits: .range(1...1024), help: "Blocks"),
      Setting("hidden", \.hidden, limits: .range(1...65_536), help: "Width of the hidden states"),
      Setting("heads", \.heads, limits: .range(1...1024), help: "Heads of attention"),
      Setting(
        "key_value_heads", \.keyValueHeads, limits: .range(1...1024),
        help: "Heads of keys and values, fewer than heads only in grouped-query attention",
        otherwise: "as many as heads"),
      Setting(
        "inner", \.inner, limits: .range(1...1_048_576),
        help: "Width inside the feed-forward blocks", otherwise: "four times the hidden one"),
    ]
    let ends: [Setting<Self>] = [
      Setting(
        "vocabulary", \.vocabulary, limits: .range(1...16_777_216), help: "Token ids",
        otherwise: "the tokenizer's"),
      Setting("positions", \.positions, limits: .range(2...1_048_576), help: "Longest sequence"),
      Setting(
        "classes", \.classes, limits: .range(2...65_536),
        help: "Classes of an encoder's or image model's classifier; an encoder without learns to"
          + " fill in masked tokens"),
      Setting("image", \.image, limits: .range(1...65_536), help: "Side of an image"),
      Setting("patch", \.patch, limits: .range(1...65_536), help: "Side of a patch"),
      Setting("channels", \.channels, limits: .range(1...1024), help: "Channels of an image"),
      Setting(
        "files", \.files, isPath: true,
        help: "A folder whose tokenizer or processor files the model gets", otherwise: "none"),
    ]
    return sizes + ends
  }
}
