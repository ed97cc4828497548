// What training changes: values and gradients.

package import HHCompute
internal import HHFormat
package import HHModel

/// The trained parameters of a model, in a fixed order, with their gradients.
///
/// Weights are the buffers of the model's own store, which keeps them from now on: training changes
/// the model in place, in 32-bit floats whatever the file stores.
package struct TrainableParameters {
  /// One parameter.
  package struct Parameter: Sendable {
    /// The tensor's name in the checkpoint or artifact; for adapters the weight's role with
    /// `lora_A` or `lora_B` behind it.
    package let name: String
    package let value: FloatBuffer
    package let gradient: FloatBuffer
  }

  /// The parameters.
  package let all: [Parameter]
  /// Adapters by the role of their weight.
  package let adapters: [String: LowRankAdapter]
  /// Gradients of the trained feature maps by layer.
  package let mapGradients: [Int: FeatureMapGradients]
  /// Tensors of the checkpoint that are trained, by name.
  private let gradients: [String: FloatBuffer]

  /// Chooses among the parameters that `objective` reaches in `model`.
  ///
  /// - Throws: `PipelineError` for adapter targets that the model does not have.
  package init(
    of model: ModelRunner, trained: ParameterSelection, reaching objective: ObjectiveKind,
    seed: UInt64 = 0
  ) throws {
    var all: [Parameter] = []
    var gradients: [String: FloatBuffer] = [:]
    if trained.weights {
      for role in model.graph.roles(reaching: objective) {
        let (name, value) = try model.parameters.pin(role)
        guard gradients[name] == nil else { continue }
        let gradient = FloatBuffer(count: value.count)
        gradients[name] = gradient
        all.append(Parameter(name: name, value: value, gradient: gradient))
      }
    }
    var mapGradients: [Int: FeatureMapGradients] = [:]
    if trained.maps {
      for (layer, maps) in model.maps.sorted(by: { $0.key < $1.key }) {
        guard case .linear(let map)? = model.graph.attention(ofLayer: layer)?.mechanism else {
          continue
        }
        let ofLayer = FeatureMapGradients(like: maps)
        mapGradients[layer] = ofLayer
        let names = maps.design.parameters.filter(\.isTrained).map { map.role(of: $0.name) }
        for (name, (value, gradient)) in zip(names, zip(maps.trained, ofLayer.parameters)) {
          all.append(Parameter(name: name, value: value, gradient: gradient))
        }
      }
    }
    var adapters: [String: LowRankAdapter] = [:]
    if let settings = trained.adapters {
      var generator = SeededGenerator(seed: seed).split("adapters")
      for (index, linear) in try model.targets(of: settings).enumerated() {
        let adapter = LowRankAdapter(
          linear, settings: settings, index: index, generator: &generator)
        adapters[linear.weight] = adapter
        for (part, value, gradient) in [
          ("lora_A", adapter.a, adapter.gradientA), ("lora_B", adapter.b, adapter.gradientB),
        ] {
          all.append(
            Parameter(
              name: "\(linear.weight).\(part)", value: value.buffer, gradient: gradient.buffer))
        }
      }
    }
    self.all = all
    self.adapters = adapters
    self.mapGradients = mapGradients
    self.gradients = gradients
  }

  /// Number of trained values.
  package var count: Int { all.reduce(0) { $0 + $1.value.count } }

  /// The gradient of a tensor of the checkpoint, where it is trained.
  func gradient(ofTensor name: String?) -> FloatBuffer? { name.flatMap { gradients[$0] } }

  /// Sets every gradient to zero.
  package func clearGradients() { for parameter in all { clear(parameter.gradient) } }

  /// Adds every adapter to the weight that it changes, or takes it away again.
  package func mergeAdapters(into model: ModelRunner, undoing: Bool = false) {
    for linear in model.graph.linears {
      guard let adapter = adapters[linear.weight] else { continue }
      model.parameters.change(
        linear.weight, by: adapter.change(isInputMajor: linear.isInputMajor), undoing: undoing)
    }
  }
}

extension ModelRunner {
  /// The linear maps that adapters are put on, in the order of the graph.
  fileprivate func targets(of settings: LowRankSettings) throws -> [Linear] {
    let linears = graph.linears.filter { $0.weight.hasPrefix("layers.") }
    var chosen: Set<String> = []
    var known: Set<String> = []
    for linear in linears {
      var words = [linear.weight, parameters.tensorName(linear.weight) ?? ""].map(Self.lastWord)
      if words[0] == "qkv" { words += ["query", "key", "value"] }
      known.formUnion(words)
      if words.contains(where: settings.targets.contains) { chosen.insert(linear.weight) }
    }
    for target in settings.targets where !known.contains(target) {
      throw PipelineError.invalidSetting(
        SettingKey(stage: "finetune", key: "lora.targets"),
        problem: "expected \(known.filter { !$0.isEmpty }.sorted().joined(separator: ", "))"
          + " of this model, found '\(target)'")
    }
    return linears.filter { chosen.contains($0.weight) }
  }

  /// `q_proj` of `model.layers.0.self_attn.q_proj.weight`.
  private static func lastWord(_ name: String) -> String {
    let parts = name.split(separator: ".")
    return String(parts.last == "weight" ? parts.dropLast().last ?? "" : parts.last ?? "")
  }
}
