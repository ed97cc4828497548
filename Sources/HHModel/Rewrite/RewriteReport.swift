// What became of every tensor, each named exactly once.

package import HHFormat

/// The fate of each tensor of a conversion, in the order of the source and then of the blocks.
package struct RewriteReport: Sendable, Equatable {
  /// What a conversion did with a tensor.
  package enum Fate: Sendable, Equatable {
    /// Carried over bit for bit, in its role.
    case kept(role: String)
    /// A parameter of a feature map.
    case new
    /// Left out, for this reason.
    case dropped(why: String)

    /// The fate in one word.
    package var word: String {
      switch self {
      case .kept: "kept"
      case .new: "new"
      case .dropped: "dropped"
      }
    }
  }

  /// One tensor and its fate.
  package struct Entry: Sendable, Equatable {
    package let name: String
    package let dtype: DType
    package let shape: [Int]
    package let fate: Fate
  }

  package let entries: [Entry]

  /// Reports a rewrite of the named checkpoint.
  package init(names: NameMap, plan: RewritePlan) {
    let kept = names.entries.map { entry in
      Entry(
        name: entry.tensor.name, dtype: entry.tensor.dtype, shape: entry.tensor.shape,
        fate: .kept(role: entry.role))
    }
    let dropped = names.dropped.map { tensor, why in
      Entry(
        name: tensor.name, dtype: tensor.dtype, shape: tensor.shape, fate: .dropped(why: why))
    }
    let new = plan.blocks.flatMap(\.tensors).map { name, shape in
      Entry(name: name, dtype: .f32, shape: shape, fate: .new)
    }
    entries = kept + dropped + new
  }

  /// Parameters carried over.
  package var keptParameterCount: Int {
    entries.reduce(0) { sum, entry in
      if case .kept = entry.fate { sum + entry.shape.reduce(1, *) } else { sum }
    }
  }
}
