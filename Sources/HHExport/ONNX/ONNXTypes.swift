// The parts of an ONNX graph, and their bytes as onnx.proto numbers them.

internal import HHFormat

/// A tensor on its way through a graph, by its name.
struct ONNXValue: Hashable, Sendable {
  let name: String

  /// Stands for an optional input that is not given.
  static let absent = ONNXValue(name: "")
}

/// An element type, by its number in `TensorProto.DataType`.
enum ONNXElement: Int, Sendable {
  case float = 1
  case int64 = 7
  case bool = 9
  case float16 = 10
  case double = 11
  case bfloat16 = 16

  /// The element type that weights of a type have in the file; nil for a type that they cannot have.
  init?(_ type: DType) {
    switch type {
    case .f32: self = .float
    case .f16: self = .float16
    case .bf16: self = .bfloat16
    default: return nil
    }
  }

  var byteCount: Int {
    switch self {
    case .bool: 1
    case .float16, .bfloat16: 2
    case .float: 4
    case .int64, .double: 8
    }
  }
}

/// A setting of a node.
enum ONNXAttribute: Sendable {
  case integer(Int)
  case integers([Int])
  case float(Float)
  case text(String)

  func message(name: String) -> ProtobufMessage {
    ProtobufMessage {
      $0.text(1, name)
      switch self {
      case .float(let value):
        $0.float(2, value)
        $0.integer(20, 1)
      case .integer(let value):
        $0.integer(3, value)
        $0.integer(20, 2)
      case .text(let value):
        $0.text(4, value)
        $0.integer(20, 3)
      case .integers(let values):
        $0.packed(8, values)
        $0.integer(20, 7)
      }
    }
  }
}

/// An operator with its inputs and outputs.
struct ONNXNode: Sendable {
  let name: String
  /// Empty for ONNX's own operators.
  let domain: String
  let operation: String
  var inputs: [ONNXValue]
  var outputs: [ONNXValue]
  let attributes: [(name: String, value: ONNXAttribute)]

  var message: ProtobufMessage {
    ProtobufMessage {
      for input in inputs { $0.text(1, input.name) }
      for output in outputs { $0.text(2, output.name) }
      $0.text(3, name)
      $0.text(4, operation)
      for attribute in attributes { $0.message(5, attribute.value.message(name: attribute.name)) }
      if !domain.isEmpty { $0.text(7, domain) }
    }
  }

  /// The node between values of other names.
  func renaming(_ name: (ONNXValue) -> ONNXValue) -> ONNXNode {
    var node = self
    node.inputs = inputs.map(name)
    node.outputs = outputs.map(name)
    return node
  }
}

/// An extent of an input or output.
enum ONNXExtent: Sendable, Equatable {
  case fixed(Int)
  /// An extent that is known when the model runs; extents of one name are equal.
  case named(String)

  static let batch = ONNXExtent.named("batch_size")
  static let sequence = ONNXExtent.named("sequence_length")
}

/// An input or output of the graph.
struct ONNXInterface: Sendable {
  let value: ONNXValue
  let element: ONNXElement
  let shape: [ONNXExtent]

  var message: ProtobufMessage {
    let extents = ProtobufMessage {
      for extent in shape {
        $0.message(
          1,
          ProtobufMessage {
            switch extent {
            case .fixed(let count): $0.integer(1, count)
            case .named(let name): $0.text(2, name)
            }
          })
      }
    }
    let tensor = ProtobufMessage {
      $0.integer(1, element.rawValue)
      $0.message(2, extents)
    }
    return ProtobufMessage {
      $0.text(1, value.name)
      $0.message(2, ProtobufMessage { $0.message(1, tensor) })
    }
  }
}

/// A small tensor that the graph itself holds.
struct ONNXConstant: Sendable {
  let value: ONNXValue
  let element: ONNXElement
  let shape: [Int]
  let bytes: [UInt8]

  var message: ProtobufMessage {
    ProtobufMessage {
      $0.packed(1, shape)
      $0.integer(2, element.rawValue)
      $0.text(8, value.name)
      $0.content(9, bytes)
    }
  }
}

/// A tensor of the checkpoint that the graph reads.
struct ONNXWeight: Sendable {
  /// The tensor's name.
  let name: String
  /// How its elements are stored.
  let element: ONNXElement
  /// The shape in the graph, of as many elements as the tensor has.
  var shape: [Int]

  var byteCount: Int { shape.reduce(1, *) * element.byteCount }

  /// What stands before the weight's own bytes, or before the place where they lie.
  var beginning: ProtobufMessage {
    ProtobufMessage {
      $0.packed(1, shape)
      $0.integer(2, element.rawValue)
      $0.text(8, name)
    }
  }
}

/// A graph whose weights are still in the checkpoint.
struct ONNXGraph: Sendable {
  var nodes: [ONNXNode] = []
  var inputs: [ONNXInterface] = []
  var outputs: [ONNXInterface] = []
  var constants: [ONNXConstant] = []
  var weights: [ONNXWeight] = []

  /// Everything but the weights.
  func message(name: String) -> ProtobufMessage {
    ProtobufMessage {
      for node in nodes { $0.message(1, node.message) }
      $0.text(2, name)
      for constant in constants { $0.message(5, constant.message) }
      for input in inputs { $0.message(11, input.message) }
      for output in outputs { $0.message(12, output.message) }
    }
  }
}
