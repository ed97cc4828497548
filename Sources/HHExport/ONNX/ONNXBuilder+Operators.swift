// Operators by the names of what they do.

extension ONNXBuilder {
  func add(_ a: ONNXValue, _ b: ONNXValue) -> ONNXValue { node("Add", a, b) }
  func subtract(_ a: ONNXValue, _ b: ONNXValue) -> ONNXValue { node("Sub", a, b) }
  func multiply(_ a: ONNXValue, _ b: ONNXValue) -> ONNXValue { node("Mul", a, b) }
  func divide(_ a: ONNXValue, _ b: ONNXValue) -> ONNXValue { node("Div", a, b) }
  func matMul(_ a: ONNXValue, _ b: ONNXValue) -> ONNXValue { node("MatMul", a, b) }
  func exp(_ x: ONNXValue) -> ONNXValue { node("Exp", x) }
  func negate(_ x: ONNXValue) -> ONNXValue { node("Neg", x) }
  func relu(_ x: ONNXValue) -> ONNXValue { node("Relu", x) }
  func and(_ a: ONNXValue, _ b: ONNXValue) -> ONNXValue { node("And", a, b) }

  /// The product with a number, or the value itself where that is 1.
  func scale(_ x: ONNXValue, by factor: Float) -> ONNXValue {
    factor == 1 ? x : multiply(x, float(factor))
  }

  /// `yes` where a condition holds, else `no`.
  func choose(_ condition: ONNXValue, _ yes: ONNXValue, _ no: ONNXValue) -> ONNXValue {
    node("Where", condition, yes, no)
  }

  func cast(_ x: ONNXValue, to element: ONNXElement) -> ONNXValue {
    node("Cast", x, attributes: [("to", .integer(element.rawValue))])
  }

  // MARK: Along an axis

  func softmax(_ x: ONNXValue) -> ONNXValue {
    node("Softmax", x, attributes: [("axis", .integer(-1))])
  }

  /// The sum along the last axis, which stays with extent 1.
  func sum(_ x: ONNXValue, axis: Int = -1) -> ONNXValue {
    node("ReduceSum", x, integers([axis]), attributes: [("keepdims", .integer(1))])
  }

  /// The largest element along an axis, which stays with extent 1 where `keeps`.
  func maximum(_ x: ONNXValue, axis: Int = -1, keeps: Bool = true) -> ONNXValue {
    node("ReduceMax", x, integers([axis]), attributes: [("keepdims", .integer(keeps ? 1 : 0))])
  }

  func concatenate(_ parts: [ONNXValue], axis: Int) -> ONNXValue {
    nodes("Concat", parts, outputs: 1, attributes: [("axis", .integer(axis))])[0]
  }

  func split(_ x: ONNXValue, _ sizes: [Int], axis: Int = -1) -> [ONNXValue] {
    nodes(
      "Split", [x, integers(sizes)], outputs: sizes.count, attributes: [("axis", .integer(axis))])
  }

  /// The elements from `start` to `end` along an axis, both values with one element; to the last one
  /// where there is no `end`.
  func slice(_ x: ONNXValue, from start: ONNXValue, to end: ONNXValue? = nil, axis: Int)
    -> ONNXValue
  {
    node("Slice", x, start, end ?? integers([Int.max]), integers([axis]))
  }

  func gather(_ x: ONNXValue, _ indices: ONNXValue, axis: Int = 0) -> ONNXValue {
    node("Gather", x, indices, attributes: [("axis", .integer(axis))])
  }

  // MARK: Shapes

  func reshape(_ x: ONNXValue, _ shape: [Int]) -> ONNXValue {
    node("Reshape", x, integers(shape))
  }

  func transpose(_ x: ONNXValue, _ permutation: [Int]) -> ONNXValue {
    node("Transpose", x, attributes: [("perm", .integers(permutation))])
  }

  func unsqueeze(_ x: ONNXValue, _ axes: [Int]) -> ONNXValue {
    node("Unsqueeze", x, integers(axes))
  }

  /// An extent of a value, as a value with one element.
  func extent(_ x: ONNXValue, axis: Int) -> ONNXValue {
    node("Shape", x, attributes: [("start", .integer(axis)), ("end", .integer(axis + 1))])
  }

  /// A tensor of one number everywhere; the shape is a value.
  func filled(_ number: Float, shape: ONNXValue) -> ONNXValue {
    node("Expand", float(number), shape)
  }

  /// The numbers from `start` to before `end`, given as values with one element.
  func range(_ start: ONNXValue, _ end: ONNXValue) -> ONNXValue {
    let ends = [start, end].map { node("Squeeze", $0, integers([0])) }
    return node("Range", ends[0], ends[1], integer(1))
  }
}
