// The recipes that come with the program.

/// Recipes by name; the files are in Sources/HHPipeline/Recipes/Shipped.
package enum ShippedRecipes {
  /// Name and text of each.
  static let all: [(name: String, bytes: [UInt8])] = [
    ("hybrid", PackageResources.hybrid_yaml),
    ("hedgehog", PackageResources.hedgehog_yaml),
    ("gpt2-wikitext", PackageResources.gpt2_wikitext_yaml),
    ("bert-classifier", PackageResources.bert_classifier_yaml),
    ("bert-glue", PackageResources.bert_glue_yaml),
    ("vit", PackageResources.vit_yaml),
    ("llama-lora", PackageResources.llama_lora_yaml),
    ("lolcats", PackageResources.lolcats_yaml),
  ]

  /// The names, in the order in which they are listed.
  package static var names: [String] { all.map(\.name) }
}
