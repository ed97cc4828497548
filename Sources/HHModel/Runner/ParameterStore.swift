// A model's weights, loaded by role from its checkpoint and released layer by layer.

package import HHCompute
package import HHFormat

/// Weights as 32-bit floats, converted from the mapped checkpoint when first asked for; those of a
/// model without a file are here from the start.
///
/// Not safe to share between threads; loading happens between parallel regions.
package final class ParameterStore {
  let checkpoint: Checkpoint?
  private let names: NameMap
  private let halvesServed: Halves
  private var loaded: [String: FloatBuffer] = [:]  // by tensor name
  private var halves: [String: HalfMatrix] = [:]  // by tensor name
  private var pinned: Set<String> = []
  private var changes: [String: LowRankChange] = [:]  // by tensor name
  private let ties: [String: String]  // roles stored twice, to the tensor that counts

  /// Which matrices `half` serves: half the memory and faster decoding, but nothing to train.
  package enum Halves: Sendable {
    case none
    /// Those that the file stores in 16 bits, as they are.
    case stored
    /// All, rounded to bfloat16.
    case rounded
  }

  /// Serves the weights of a checkpoint under the roles of its name map.
  ///
  /// - Parameters:
  ///   - checkpoint: Where the weights are.
  ///   - names: Which tensor has which role.
  ///   - halves: Which matrices `half` serves.
  package convenience init(checkpoint: Checkpoint, names: NameMap, halves: Halves = .none) {
    self.init(checkpoint, names, halves: halves)
  }

  /// Serves and keeps weights that are in memory, by tensor name.
  package convenience init(names: NameMap, weights: [String: FloatBuffer]) {
    self.init(nil, names, halves: .none)
    loaded = weights
    pinned = Set(weights.keys)
  }

  private init(_ checkpoint: Checkpoint?, _ names: NameMap, halves: Halves) {
    self.checkpoint = checkpoint
    self.names = names
    halvesServed = halves
    ties = Dictionary(
      names.storedTies.map { ($0.role.role, $0.tied.tensor.name) },
      uniquingKeysWith: { first, _ in first })
  }

  /// The tensor that holds a role's weights; roles that share weights share a tensor. Nil where the
  /// checkpoint has none.
  package func tensorName(_ role: String) -> String? { ties[role] ?? names[role]?.tensor.name }

  /// The weights of a role, in the order in which the file stores them.
  package func vector(_ role: String) throws(FormatError) -> FloatBuffer {
    let name = tensorName(role)
    if let name, let buffer = loaded[name] { return buffer }
    guard let name, let entry = names[role], let checkpoint else {
      throw FormatError(
        .badData, file: checkpoint?.path ?? "new model", place: "role '\(role)'",
        problem: "expected a tensor for it, found none")
    }
    let buffer = FloatBuffer(count: entry.tensor.elementCount)
    var output = buffer.mutableSpan
    try checkpoint.readFloats(of: name, into: &output)
    changes[name]?.add(to: buffer)
    loaded[name] = buffer
    return buffer
  }

  /// The weights of a linear map as a matrix of the extents in which it is stored.
  package func matrix(_ linear: Linear) throws(FormatError) -> Matrix {
    try weight(linear).matrix
  }

  /// The weights of a linear map with their orientation.
  package func weight(_ linear: Linear) throws(FormatError) -> LinearWeight {
    LinearWeight(linear, in: try vector(linear.weight))
  }

  /// The weights of a role as 16-bit floats, with so many columns; nil where the store serves none, or
  /// not those.
  package func half(_ role: String, columns: Int) throws(FormatError) -> HalfMatrix? {
    guard halvesServed != .none, let checkpoint, let name = tensorName(role),
      changes[name] == nil, let tensor = names[role]?.tensor
    else { return nil }
    if let matrix = halves[name] { return matrix }
    let format: HalfMatrix.Format
    switch (tensor.dtype, halvesServed) {
    case (.bf16, _): format = .bfloat16
    case (.f16, .stored): format = .float16
    case (_, .rounded):
      let floats = FloatBuffer(count: tensor.elementCount)
      var output = floats.mutableSpan
      try checkpoint.readFloats(of: name, into: &output)
      let rows = tensor.elementCount / columns
      let matrix = HalfMatrix(rounding: Matrix(floats, rows: rows, columns: columns))
      halves[name] = matrix
      return matrix
    default: return nil
    }
    var bits = HalfMatrix.Bits(capacity: tensor.elementCount)
    for range in checkpoint.windows(over: tensor.byteCount) {
      try checkpoint.withBytes(of: name, in: range) { bits.append($0) }
    }
    let matrix = HalfMatrix(
      rows: tensor.elementCount / columns, columns: columns, format, bits: bits)
    halves[name] = matrix
    return matrix
  }

  /// Keeps the weights of a role from now on, whatever is released: they are about to be changed.
  package func pin(_ role: String) throws(FormatError) -> (tensor: String, values: FloatBuffer) {
    let values = try vector(role)
    let name = tensorName(role) ?? role
    pinned.insert(name)
    return (name, values)
  }

  /// Serves a role's weights with a change from now on, or as they are stored again: read weights
  /// get it whenever they are read, those that are kept get it now.
  package func change(_ role: String, by change: LowRankChange, undoing: Bool = false) {
    guard let name = tensorName(role) else { return }
    if pinned.contains(name), let values = loaded[name] {
      (undoing ? change.opposite : change).add(to: values)
    } else {
      changes[name] = undoing ? nil : change
      loaded[name] = nil
    }
  }

  /// Forgets every weight that is not pinned, so that memory holds one layer at a time.
  package func release() {
    loaded = loaded.filter { pinned.contains($0.key) }
    halves = [:]
  }
}
