// What a forward pass leaves for a backward pass.

package import HHCompute

/// Follows a model runner through a graph: adds adapters to linear maps and keeps what gradients
/// need. Without one, nodes overwrite the runner's scratch memory.
package protocol ForwardRecorder: AnyObject {
  /// Memory with undefined content for an output that is kept.
  func matrix(rows: Int, columns: Int) -> Matrix

  /// Adds an adapter's part to y = x Wᵀ + b; returns what it computed on the way, where the linear
  /// map has one.
  func adapt(_ linear: Linear, x: Matrix, y: Matrix) -> Matrix?

  /// Takes the record of a node that has run.
  func append(_ record: NodeRecord)
}

/// What a node's backward pass needs. Matrices live in the recorder's memory.
package enum NodeRecord {
  case saveResidual
  case addResidual
  case norm(Norm, input: Matrix)
  case mlp(MLP, MLPRecord)
  case attention(Attention, AttentionRecord, layer: Int)
}

/// What the backward pass of a feed-forward sublayer needs.
package struct MLPRecord {
  package let x: Matrix
  /// Outputs of the products, before activation and gating.
  package let up: Applied
  package let gate: Applied?
  /// The last product; what went into it is computed again.
  package let down: Applied
}

/// What the backward pass of an attention sublayer needs.
package struct AttentionRecord {
  package let x: Matrix
  package let projected: QueryKeyValue
  package let mixed: Matrix
  package let output: Applied
}

/// A linear map's output, and what its adapter computed on the way.
package struct Applied {
  package let linear: Linear
  package let y: Matrix
  /// dropout(x) Aᵀ, [rows, rank].
  package let inner: Matrix?
}

/// What the backward pass of a head for tokens needs.
package struct TokenHeadRecord {
  /// The last product's input.
  package let input: Matrix
  /// The masked-token head's transform before and after its activation.
  package var transformed: (before: Matrix, after: Matrix)?
}
