// One configuration for each thing that can be wrong with one, and what a reader must say.

package import HHFormat
import Testing

/// A defective `config.json` for a sound golden model, and the error it must give.
package struct ConfigurationDefect: Sendable, CustomTestStringConvertible {
  /// What is wrong.
  package let name: String
  /// The model of `fixtures/golden/forward` whose configuration is changed.
  package let golden: String
  /// The text of the configuration that is replaced; nil where all of it is.
  private let old: String?
  private let new: [UInt8]
  /// `place` of the error.
  package let place: String
  /// What the error's `problem` starts with.
  package let problem: String
  /// The error's kind.
  package let kind: FormatError.Kind

  package var testDescription: String { name }

  /// The defective file, made from the golden model's text.
  package func bytes(from text: String) -> [UInt8] {
    guard let old else { return new }
    return Array(text.replacing(old, with: String(decoding: new, as: UTF8.self)).utf8)
  }

  /// A configuration that is no JSON object of ours at all.
  private init(_ name: String, whole text: String, at place: String = "", _ problem: String) {
    self.init(name, bytes: Array(text.utf8), at: place, problem)
  }

  private init(_ name: String, bytes: [UInt8], at place: String = "", _ problem: String) {
    self.name = name
    golden = "gpt2-base"
    old = nil
    new = bytes
    self.place = place
    self.problem = problem
    kind = .badData
  }

  /// A golden model's configuration with one piece of its text replaced.
  private init(
    _ name: String, _ golden: String, _ old: String, _ new: String, at key: String,
    _ problem: String, kind: FormatError.Kind = .badData
  ) {
    self.name = name
    self.golden = golden
    self.old = old
    self.new = Array(new.utf8)
    place = key.isEmpty || key.hasPrefix("tensor") ? key : "key '\(key)'"
    self.problem = problem
    self.kind = kind
  }

  /// Every defect.
  package static let all: [ConfigurationDefect] = texts + values + variants + contradictions

  private static let texts: [ConfigurationDefect] = [
    ConfigurationDefect("empty file", whole: "", "invalid JSON at byte 0: expected a JSON value"),
    ConfigurationDefect("list", whole: "[1]", "expected a JSON object, found another type"),
    ConfigurationDefect("string", whole: "\"gpt2\"", "expected a JSON object, found another type"),
    ConfigurationDefect(
      "zero bytes", bytes: [0, 0, 0, 0], "invalid JSON at byte 0: expected a JSON value"),
    ConfigurationDefect(
      "UTF-16", bytes: [0xFF, 0xFE, 0x7B, 0], "invalid JSON at byte 0: expected a JSON value"),
    ConfigurationDefect(
      "not UTF-8", bytes: Array("{\"a".utf8) + [0xC0, 0xAF] + Array("\":1}".utf8),
      "invalid JSON at byte 2: expected a string of UTF-8"),
    ConfigurationDefect(
      "too deep", whole: "{\"a\":" + String(repeating: "[", count: 100_000),
      "invalid JSON at byte 68: expected at most 64 levels of nesting"),
    ConfigurationDefect(
      "two objects", whole: "{}{}", "invalid JSON at byte 2: expected the end of the document"),
    ConfigurationDefect(
      "page of a web server", whole: "<!doctype html>", "invalid JSON at byte 0: expected a JSON"),
    ConfigurationDefect(
      "NaN", "gpt2-base", "1e-05", "NaN", at: "", "invalid JSON at byte 278: expected a JSON"),
    ConfigurationDefect(
      "infinity", "gpt2-base", "1e-05", "Infinity", at: "", "invalid JSON at byte 278: expected"),
    ConfigurationDefect(
      "negative infinity", "gpt2-base", "1e-05", "-Infinity", at: "",
      "invalid JSON at byte 279: expected a JSON value"),
    ConfigurationDefect(
      "number beyond a double", "gpt2-base", "1e-05", "1e999", at: "",
      "invalid JSON at byte 283: expected a number that a double can hold, found '1e999'"),
    ConfigurationDefect(
      "hexadecimal number", "gpt2-base", "\"n_head\": 4", "\"n_head\": 0x4", at: "",
      "invalid JSON at byte 338: expected ',' or '}', found 'x'"),
    ConfigurationDefect(
      "key twice", "gpt2-base", "\"n_head\": 4", "\"n_head\": 4, \"n_h\\u0065ad\": 5", at: "",
      "invalid JSON at byte 340: expected each key once, found 'n_head' twice"),
    ConfigurationDefect(
      "comment", "gpt2-base", "\"n_head\": 4", "\"n_head\": /* heads */ 4", at: "",
      "invalid JSON at byte 337: expected a JSON value, found '/'"),
    ConfigurationDefect(
      "comma at the end", "gpt2-base", "48\n", "48,\n", at: "",
      "invalid JSON at byte 815: expected a quoted key, found '}'"),
  ]

  private static let wholeNumber = "expected a whole number below 2147483648, found "

  private static let values: [ConfigurationDefect] = [
    ConfigurationDefect(
      "layers with a fraction", "gpt2-base", "\"n_layer\": 2", "\"n_layer\": 2.5", at: "n_layer",
      wholeNumber + "2.5"),
    ConfigurationDefect(
      "layers as a float", "gpt2-base", "\"n_layer\": 2", "\"n_layer\": 2.0", at: "n_layer",
      wholeNumber + "2.0"),
    ConfigurationDefect(
      "layers in quotes", "gpt2-base", "\"n_layer\": 2", "\"n_layer\": \"2\"", at: "n_layer",
      wholeNumber + "\"2\""),
    ConfigurationDefect(
      "negative width", "gpt2-base", "\"n_embd\": 20", "\"n_embd\": -20", at: "n_embd",
      wholeNumber + "-20"),
    ConfigurationDefect(
      "width of zero", "gpt2-base", "\"n_embd\": 20", "\"n_embd\": 0", at: "n_embd",
      "expected at least 1, found 0"),
    ConfigurationDefect(
      "no heads", "llama-gqa", "\"num_attention_heads\": 4", "\"num_attention_heads\": 0",
      at: "num_attention_heads", "expected at least 1, found 0"),
    ConfigurationDefect(
      "vocabulary of 2^31", "gpt2-base", "\"vocab_size\": 48", "\"vocab_size\": 2147483648",
      at: "vocab_size", wholeNumber + "2147483648"),
    ConfigurationDefect(
      "vocabulary of 2^63", "gpt2-base", "\"vocab_size\": 48",
      "\"vocab_size\": 9223372036854775808", at: "vocab_size", wholeNumber + "9223372036854775808"),
    ConfigurationDefect(
      "positions of 1e300", "gpt2-base", "\"n_positions\": 20", "\"n_positions\": 1e300",
      at: "n_positions", wholeNumber + "1e+300"),
    ConfigurationDefect(
      "epsilon of zero", "gpt2-base", "1e-05", "0", at: "layer_norm_epsilon",
      "expected a positive number, found 0"),
    ConfigurationDefect(
      "negative epsilon", "llama-gqa", "1e-05", "-1e-5", at: "rms_norm_eps",
      "expected a positive number, found -1e-05"),
    ConfigurationDefect(
      "epsilon that vanishes", "bert-model", "1e-12", "1e-999", at: "layer_norm_eps",
      "expected a positive number, found 0.0"),
    ConfigurationDefect(
      "truth value as a number", "gpt2-base", "\"scale_attn_weights\": true",
      "\"scale_attn_weights\": 1", at: "scale_attn_weights", "expected true or false, found 1"),
    ConfigurationDefect(
      "activation that is none", "gpt2-base", "\"gelu_new\"", "7", at: "activation_function",
      "expected a string, found 7"),
    ConfigurationDefect(
      "rope scaling that is none", "llama-gqa", "\"rope_scaling\": null", "\"rope_scaling\": 2",
      at: "rope_scaling", "expected an object, found 2"),
    ConfigurationDefect(
      "sides that differ", "vit-model", "\"image_size\": 12", "\"image_size\": [12, 16]",
      at: "image_size", "expected a whole number below 2147483648 or two equal ones, found [12,16]"),
    ConfigurationDefect(
      "patches without end", "vit-model", "\"image_size\": 12", "\"image_size\": 2147483644",
      at: "image_size", "expected fewer than 32768 patches a side, found 536870911"),
  ]

  private static let variants: [ConfigurationDefect] = [
    ConfigurationDefect(
      "unknown model", "gpt2-base", "\"model_type\": \"gpt2\"", "\"model_type\": \"mamba\"",
      at: "model_type", "expected gpt2, bert, vit or llama, found 'mamba'", kind: .unsupported),
    ConfigurationDefect(
      "model type of a number", "gpt2-base", "\"model_type\": \"gpt2\"", "\"model_type\": 2",
      at: "model_type", "expected gpt2, bert, vit or llama, found '2'", kind: .unsupported),
    ConfigurationDefect(
      "another model's type", "gpt2-base", "\"model_type\": \"gpt2\"", "\"model_type\": \"llama\"",
      at: "architectures",
      "contradicts 'model_type': expected a class of 'llama', found 'GPT2LMHeadModel'"),
    ConfigurationDefect(
      "decoder of an encoder", "bert-model", "\"is_decoder\": false", "\"is_decoder\": true",
      at: "is_decoder", "expected false, found true", kind: .unsupported),
    ConfigurationDefect(
      "cross attention", "gpt2-base", "\"add_cross_attention\": false",
      "\"add_cross_attention\": true", at: "add_cross_attention", "expected false, found true",
      kind: .unsupported),
    ConfigurationDefect(
      "parallel pretraining", "llama-gqa", "\"pretraining_tp\": 1", "\"pretraining_tp\": 2",
      at: "pretraining_tp", "expected 1, found 2", kind: .unsupported),
    ConfigurationDefect(
      "relative positions", "bert-model", "\"is_decoder\": false",
      "\"is_decoder\": false, \"position_embedding_type\": \"relative_key\"",
      at: "position_embedding_type", "expected \"absolute\", found \"relative_key\"",
      kind: .unsupported),
  ]

  private static let contradictions: [ConfigurationDefect] = [
    ConfigurationDefect(
      "more layers than there are", "gpt2-base", "\"n_layer\": 2", "\"n_layer\": 2147483647",
      at: "n_layer", "contradicts the tensors: expected 2 layers, found 2147483647"),
    ConfigurationDefect(
      "fewer layers than there are", "llama-gqa", "\"num_hidden_layers\": 2",
      "\"num_hidden_layers\": 1", at: "num_hidden_layers",
      "contradicts the tensors: expected 2 layers, found 1"),
    ConfigurationDefect(
      "heads that do not divide", "bert-model", "\"num_attention_heads\": 3",
      "\"num_attention_heads\": 5", at: "num_attention_heads",
      "expected a divisor of 'hidden_size' 24, found 5"),
    ConfigurationDefect(
      "groups that do not divide", "llama-gqa", "\"num_key_value_heads\": 2",
      "\"num_key_value_heads\": 3", at: "num_key_value_heads",
      "expected a divisor of 'num_attention_heads' 4, found 3"),
    ConfigurationDefect(
      "patches that do not divide", "vit-model", "\"patch_size\": 4", "\"patch_size\": 5",
      at: "patch_size", "expected a divisor of 'image_size' 12, found 5"),
    ConfigurationDefect(
      "another vocabulary", "llama-gqa", "\"vocab_size\": 48", "\"vocab_size\": 49",
      at: "tensor 'model.embed_tokens.weight'",
      "wrong shape: expected [49, 24] ([vocab_size, hidden_size]), found [48, 24]"),
    ConfigurationDefect(
      "another size of heads", "llama-gqa", "\"head_dim\": 6", "\"head_dim\": 2147483646",
      at: "tensor 'model.layers.0.self_attn.q_proj.weight'",
      "wrong shape: expected [8589934584, 24]"),
    ConfigurationDefect(
      "biases in vain", "llama-gqa", "\"attention_bias\": false", "\"attention_bias\": true",
      at: "tensor 'model.layers.0.self_attn.q_proj.bias'", ""),
  ]
}
