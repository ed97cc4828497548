// The names of tensors without what programs for training put before them.

internal import OrderedCollections

/// A checkpoint's tensors under the names that its model gives them.
///
/// `torch.compile` puts `_orig_mod.` before the names of a module, wherever that lies; training on
/// several devices puts `module.` before all of them, and a class that holds the model `model.` or
/// more of these. They are taken off as long as no architecture is recognised and every name has
/// the same one.
struct UnwrappedNames {
  /// The tensors by name, in their order.
  let table: NameMatcher.Table
  /// Whether any name was changed.
  let isChanged: Bool

  private static let compiled = "_orig_mod"
  private static let wrappers: Set<Substring> = ["module", "model"]

  /// Takes wrappers off; `isKnown` tells whether a set of names is of a known architecture.
  ///
  /// - Throws: `badData` for two tensors that have the same name without their wrappers.
  init(
    _ tensors: [TensorDescriptor], file: String, isKnown: ((String) -> Bool) -> Bool
  ) throws(FormatError) {
    var names = tensors.map { tensor in
      tensor.name.contains(Self.compiled)
        ? tensor.name.split(separator: ".", omittingEmptySubsequences: false)
          .filter { $0 != Self.compiled }.joined(separator: ".")
        : tensor.name
    }
    func isKnownNow() -> Bool {
      let set = Set(names.map { ByteKey($0) })
      return isKnown { set.contains(ByteKey($0)) }
    }
    let plain = names
    while !isKnownNow() {
      guard let wrapper = names.first?.prefix(while: { $0 != "." }),
        Self.wrappers.contains(wrapper), names.allSatisfy({ $0.hasPrefix("\(wrapper).") })
      else {
        // Not a wrapped model after all: messages name what is there.
        names = plain
        break
      }
      names = names.map { String($0.dropFirst(wrapper.count + 1)) }
    }
    var table: NameMatcher.Table = [:]
    for (name, tensor) in zip(names, tensors) {
      guard let other = table.updateValue(tensor, forKey: ByteKey(name)) else { continue }
      throw FormatError(
        .badData, file: file, place: "tensor \(quoted(tensor.name))",
        problem: "expected one tensor for \(quoted(name)), found \(quoted(other.name)) too")
    }
    self.table = table
    isChanged = zip(names, tensors).contains { $0 != $1.name }
  }
}
