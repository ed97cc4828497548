// Which tensors a packed artifact holds, and what training made of each.

internal import HHCompute
internal import HHFormat
internal import HHModel
internal import HHTraining

/// A tensor of the trained folder on its way into the artifact.
struct PackedTensor {
  /// What training made of a tensor.
  enum Change: String, CaseIterable {
    /// The base's values, in a type that holds them all: the artifact gets the base's own tensor.
    case unchanged
    /// The base's values, rounded to the narrower type that the folder has them in.
    case rounded
    /// Other values than the base's, or no base to compare with.
    case changed
    /// A part that the base has not, such as a new head.
    case added
  }

  /// The tensor in the folder.
  let tensor: TensorDescriptor
  /// The tensor in the base.
  let own: TensorDescriptor?
  /// What it is called in the artifact.
  let name: String
  /// Whether it is a parameter of a feature map.
  let isMap: Bool
}

/// All tensors of a packed artifact in their order: the model's, then those of the maps.
struct PackedTensors {
  let trained: TrainedFolder
  let tensors: [PackedTensor]
  /// Tensors of the base that have no place in the folder: those of a head that it has not, or of two
  /// that share their values the second.
  let leftOut: [TensorDescriptor]

  init(_ trained: TrainedFolder) {
    self.trained = trained
    let (names, base) = (trained.names, trained.base)
    let canonical = names.canonicalNames
    // Training programs save both of two tied tensors, which are the same: the base's one is enough.
    let kept = names.entries.filter { entry in
      guard names.hyperparameters.bool("tiedHead"), let base else { return true }
      return base.names.holds(entry.role) || base.names[entry.role] == nil
    }
    // The base's names, unless the folder has a part that the base has no name for.
    let hasOnlyKnown = base.map { base in kept.allSatisfy { base.names.holds($0.role) } }
    var places: [ByteKey: Int] = [:]
    for (index, entry) in (base?.names.entries ?? []).enumerated() {
      places[ByteKey(entry.role)] = index
    }
    let entries = kept.enumerated().sorted { a, b in
      let (first, second) = (places[ByteKey(a.element.role)], places[ByteKey(b.element.role)])
      return (first ?? .max, a.offset) < (second ?? .max, b.offset)
    }.map(\.element)
    let isRenamed = hasOnlyKnown == false || names.hasForeignNames
    let model = entries.map { entry in
      let own = base.flatMap { $0.names.holds(entry.role) ? $0.names[entry.role]?.tensor : nil }
      let known = hasOnlyKnown == true ? own?.name : isRenamed ? canonical[entry.role] : nil
      return PackedTensor(
        tensor: entry.tensor, own: own, name: known ?? entry.tensor.name, isMap: false)
    }
    let maps = trained.plan.blocks.flatMap(\.tensors).compactMap { map in
      trained.checkpoint[map.name].map { tensor in
        PackedTensor(tensor: tensor, own: base?.checkpoint[map.name], name: map.name, isMap: true)
      }
    }
    tensors = model + maps
    leftOut = (base?.names.entries ?? []).filter { !names.holds($0.role) }.map(\.tensor)
  }

  /// Bytes of the tensors that can be compared with the base's.
  var comparedByteCount: Int {
    tensors.reduce(0) { $0 + ($1.own == nil ? 0 : $1.tensor.byteCount) }
  }

  /// Compares a tensor with the base's; `report` is called with the bytes read.
  func change(
    of packed: PackedTensor, report: (_ bytes: Int) throws -> Void
  ) throws -> PackedTensor.Change {
    guard let base = trained.base?.checkpoint else { return .changed }
    guard let own = packed.own else { return .added }
    let tensor = packed.tensor
    guard own.elementCount == tensor.elementCount else { return .changed }
    let width = tensor.dtype.bitWidth / 8
    let isSameType = own.dtype == tensor.dtype
    for range in trained.checkpoint.windows(over: tensor.byteCount) {
      let elements = range.lowerBound / width..<range.upperBound / width
      let isEqual: Bool
      if isSameType {
        isEqual = try base.withBytes(of: own.name, in: range) { (a) throws(FormatError) in
          try trained.checkpoint.withBytes(of: tensor.name, in: range) { (b) throws(FormatError) in
            a.isEqual(to: b)
          }
        }
      } else {
        isEqual = try areEqual(own, tensor, elements, in: base)
      }
      try report(range.count)
      if !isEqual { return .changed }
    }
    return isSameType || tensor.dtype.bitWidth > own.dtype.bitWidth ? .unchanged : .rounded
  }

  /// Whether elements are those of the base in the folder's type.
  private func areEqual(
    _ own: TensorDescriptor, _ tensor: TensorDescriptor, _ elements: Range<Int>,
    in base: Checkpoint
  ) throws(FormatError) -> Bool {
    let (a, b) = (FloatBuffer(count: elements.count), FloatBuffer(count: elements.count))
    var first = a.mutableSpan
    try base.readFloats(of: own.name, from: elements.lowerBound, into: &first)
    var second = b.mutableSpan
    try trained.checkpoint.readFloats(of: tensor.name, from: elements.lowerBound, into: &second)
    // Rounded to a 64-bit float, a 32-bit one is itself.
    let type = tensor.dtype.isStorable ? tensor.dtype : .f32
    return type.store(a.span) == type.store(b.span)
  }
}

extension RawSpan {
  /// Whether both hold the same bytes.
  fileprivate func isEqual(to other: RawSpan) -> Bool {
    guard byteCount == other.byteCount else { return false }
    // Safe: both spans are lent for the duration of the calls.
    return unsafe withUnsafeBytes { a in
      unsafe other.withUnsafeBytes { b in unsafe a.elementsEqual(b) }
    }
  }
}
