// Building a graph of ONNX operators node by node.

internal import HHFormat

/// Collects nodes, constants and weights. Every call adds what it names and gives the value that comes
/// of it; constants, weights and what `shared` names are there once.
final class ONNXBuilder {
  private var graph = ONNXGraph()
  private var results: [ONNXInterface] = []
  private var states: [ONNXInterface] = []
  /// Values that are outputs, with the names that they have there.
  private var names: [ONNXValue: ONNXValue] = [:]
  /// The part of the model that is being built, which nodes are named by, such as `layers.0.mlp`.
  var scope = ""

  private let weightOf: (String) -> ONNXWeight?
  private var known: [String: ONNXValue] = [:]
  private var nodeCount = 0

  /// An empty graph; `weight` finds the tensor of the checkpoint behind the role or name of a
  /// parameter.
  init(weight: @escaping (String) -> ONNXWeight?) { weightOf = weight }

  // MARK: Nodes

  /// Adds a node with one output.
  func node(
    _ operation: String, _ inputs: ONNXValue..., attributes: [(String, ONNXAttribute)] = []
  ) -> ONNXValue {
    nodes(operation, inputs, outputs: 1, attributes: attributes)[0]
  }

  /// Adds a node with several outputs, or of another domain.
  func nodes(
    _ operation: String, domain: String = "", _ inputs: [ONNXValue], outputs: Int,
    attributes: [(String, ONNXAttribute)] = []
  ) -> [ONNXValue] {
    nodeCount += 1
    let name = "/\(scope.isEmpty ? "" : "\(scope)/")\(operation)_\(nodeCount)"
    let values = (0..<outputs).map { ONNXValue(name: "\(name)_output_\($0)") }
    graph.nodes.append(
      ONNXNode(
        name: name, domain: domain, operation: operation, inputs: inputs, outputs: values,
        attributes: attributes.map { (name: $0.0, value: $0.1) }))
    return values
  }

  /// The value that `build` gives the first time a key is asked for: what layers have in common.
  func shared(_ key: String, _ build: () -> ONNXValue) -> ONNXValue {
    if let value = known[key] { return value }
    let outer = scope
    scope = "shared"
    let value = build()
    scope = outer
    known[key] = value
    return value
  }

  // MARK: Inputs and outputs

  /// Adds an input.
  func input(_ name: String, _ element: ONNXElement, _ shape: [ONNXExtent]) -> ONNXValue {
    let value = ONNXValue(name: name)
    graph.inputs.append(ONNXInterface(value: value, element: element, shape: shape))
    return value
  }

  /// Gives a value that a node computes a name, and makes it an output. Outputs that are states come
  /// after all others.
  func output(
    _ value: ONNXValue, _ name: String, _ shape: [ONNXExtent], isState: Bool = false
  ) {
    let output = ONNXInterface(value: ONNXValue(name: name), element: .float, shape: shape)
    names[value] = output.value
    if isState { states.append(output) } else { results.append(output) }
  }

  /// The graph, with outputs under their names.
  var finished: ONNXGraph {
    var result = graph
    result.outputs = results + states
    result.nodes = graph.nodes.map { $0.renaming { self.names[$0] ?? $0 } }
    return result
  }

  // MARK: Constants and weights

  /// Integers in a row.
  func integers(_ values: [Int]) -> ONNXValue {
    constant("ints", values.map(String.init), .int64, [values.count]) {
      values.flatMap { littleEndian(UInt64(bitPattern: Int64($0))) }
    }
  }

  /// An integer without extents.
  func integer(_ value: Int) -> ONNXValue {
    constant("int", ["\(value)"], .int64, []) { littleEndian(UInt64(bitPattern: Int64(value))) }
  }

  /// A number without extents.
  func float(_ value: Float) -> ONNXValue {
    constant("float", ["\(value)"], .float, []) { littleEndian(value.bitPattern) }
  }

  /// Numbers in a row.
  func floats(_ values: [Float]) -> ONNXValue {
    constant("floats", values.map { "\($0)" }, .float, [values.count]) {
      values.flatMap { littleEndian($0.bitPattern) }
    }
  }

  /// Numbers of double precision in a row.
  func doubles(_ values: [Double]) -> ONNXValue {
    constant("doubles", values.map { "\($0)" }, .double, [values.count]) {
      values.flatMap { littleEndian($0.bitPattern) }
    }
  }

  private func constant(
    _ kind: String, _ values: [String], _ element: ONNXElement, _ shape: [Int],
    bytes: () -> [UInt8]
  ) -> ONNXValue {
    let key = "\(kind) \(values.joined(separator: ","))"
    if let value = known[key] { return value }
    let value = ONNXValue(name: "/constant_\(graph.constants.count)")
    graph.constants.append(
      ONNXConstant(value: value, element: element, shape: shape, bytes: bytes()))
    known[key] = value
    return value
  }

  /// A parameter as float32, by its role or name; `shape` where it is another than the checkpoint's.
  func weight(_ role: String, shape: [Int]? = nil) -> ONNXValue {
    guard var weight = weightOf(role) else {
      preconditionFailure("a graph names only parameters that its checkpoint has")
    }
    let key = "weight \(weight.name)"
    if let value = known[key] { return value }
    if let shape { weight.shape = shape }
    graph.weights.append(weight)
    let stored = ONNXValue(name: weight.name)
    let value = weight.element == .float ? stored : cast(stored, to: .float)
    known[key] = value
    return value
  }
}

private func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
  (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}
