// A comparison as text and as JSON.

internal import HHCompute
internal import HHFormat

extension ModelComparison {
  /// A line for each difference, and a summary.
  package var text: String {
    let lines =
      settings.map { "setting \($0.name): \($0.first) in A, \($0.second) in B" }
      + tensors.compactMap(\.line)
    return joined(lines: lines + [summary])
  }

  /// The comparison as a line of JSON.
  package var json: String {
    var members: JSONObject = [
      "a": .string(first), "b": .string(second), "equal": .bool(isEqual),
      "tensors": .integer(tensors.count),
      "identical": .integer(tensors.count { $0.outcome == .identical }),
    ]
    members["atol"] = tolerance.map { .number($0.absolute) }
    members["rtol"] = tolerance.map { .number($0.relative) }
    members["settings"] = .array(
      settings.map {
        .object(["name": .string($0.name), "a": .string($0.first), "b": .string($0.second)])
      })
    members["differences"] = .array(
      tensors.compactMap { tensor in
        tensor.json(isEqual: tensor.isEqual(within: tolerance)).map(JSONValue.object)
      })
    return JSONValue.object(members).line
  }

  private var summary: String {
    let equal = tensors.count { $0.isEqual(within: tolerance) }
    let identical = tensors.count { $0.outcome == .identical }
    let total = "\(Format.count(tensors.count)) tensors"
    if isEqual {
      guard let tolerance else { return "equal: \(total), bit for bit" }
      return
        "equal within atol \(Format.brief(tolerance.absolute)), rtol \(Format.brief(tolerance.relative)):"
        + " \(total), \(Format.count(identical)) of them bit for bit"
    }
    func number(_ matches: (TensorComparison.Outcome) -> Bool) -> Int {
      tensors.count { !$0.isEqual(within: tolerance) && matches($0.outcome) }
    }
    let parts = [
      (number { if case .values = $0 { true } else { false } }, "with other values"),
      (number { $0 == .shape }, "of another shape"),
      (number { $0 == .onlyInFirst }, "only in A"),
      (number { $0 == .onlyInSecond }, "only in B"),
      (settings.count, settings.count == 1 ? "other setting" : "other settings"),
    ]
    return "different: \(total): \(Format.count(equal)) equal"
      + parts.filter { $0.0 > 0 }.map { ", \(Format.count($0.0)) \($0.1)" }.joined()
  }
}

extension TensorComparison {
  /// The difference in words; nil where there is none.
  fileprivate var line: String? {
    let title =
      if let first, let second, first.name != second.name {
        "\(first.name) (in B: \(second.name))"
      } else { name }
    return switch outcome {
    case .identical: nil
    case .onlyInFirst: "\(title): only in A, \(first?.summary ?? "")"
    case .onlyInSecond: "\(title): only in B, \(second?.summary ?? "")"
    case .leftOut(let why): "\(title): only in \(first == nil ? "B" : "A"), without effect: \(why)"
    case .shape: "\(title): shape \(first?.shape ?? []) in A, \(second?.shape ?? []) in B"
    case .values(let difference):
      "\(title): \(types) \(first?.shape ?? []): \(difference?.words(shape: first?.shape ?? []) ?? "other bytes")"
    }
  }

  /// The element type, or both.
  private var types: String {
    guard let first, let second else { return "" }
    return first.dtype == second.dtype
      ? first.dtype.rawValue : "\(first.dtype.rawValue) in A, \(second.dtype.rawValue) in B"
  }

  fileprivate func json(isEqual: Bool) -> JSONObject? {
    let kind: String
    switch outcome {
    case .identical: return nil
    case .values: kind = first?.dtype == second?.dtype ? "values" : "dtype"
    case .shape: kind = "shape"
    case .onlyInFirst: kind = "only-in-a"
    case .onlyInSecond: kind = "only-in-b"
    case .leftOut: kind = "left-out"
    }
    var members: JSONObject = [
      "name": .string(name), "kind": .string(kind), "equal": .bool(isEqual),
    ]
    members["a"] = first.map { .object($0.json) }
    members["b"] = second.map { .object($0.json) }
    if case .values(let difference?) = outcome {
      let shape = first?.shape ?? []
      members["differing"] = .integer(difference.differingCount)
      members["beyond_tolerance"] = .integer(difference.beyondCount)
      members["max_abs"] = .object(difference.absolute.json(shape: shape))
      members["max_relative"] = .object(difference.relative.json(shape: shape))
      members["relative_norm"] = .number(difference.relativeNorm)
    }
    return members
  }
}

extension TensorDescriptor {
  fileprivate var summary: String { "\(dtype.rawValue) \(shape)" }

  fileprivate var json: JSONObject {
    [
      "name": .string(name), "dtype": .string(dtype.rawValue),
      "shape": .array(shape.map { .integer($0) }),
    ]
  }
}

extension ValueDifference {
  fileprivate func words(shape: [Int]) -> String {
    if differingCount == 0 { return "equal values" }
    return "\(Format.count(differingCount)) of \(Format.count(elementCount)) values differ,"
      + " max abs \(Format.brief(absolute.value)) at \(position(of: absolute.index, in: shape))"
      + " (\(Format.brief(absolute.first)) in A, \(Format.brief(absolute.second)) in B),"
      + " max relative \(Format.brief(relative.value)) at \(position(of: relative.index, in: shape)),"
      + " relative norm \(Format.brief(relativeNorm))"
  }
}

extension ValueDifference.Worst {
  fileprivate func json(shape: [Int]) -> JSONObject {
    [
      "value": .number(value),
      "index": .array(position(of: index, in: shape).map { .integer($0) }),
      "a": .number(first), "b": .number(second),
    ]
  }
}

/// The index along each extent of an element given by its place in row-major order.
private func position(of index: Int, in shape: [Int]) -> [Int] {
  var rest = index
  var position: [Int] = []
  for extent in shape.reversed() where extent > 0 {
    position.append(rest % extent)
    rest /= extent
  }
  return position.reversed()
}
