// The backward pass of a graph's first nodes: from hidden states to tables and patches.

internal import HHCompute
internal import HHData
internal import HHFormat
internal import HHModel

extension GradientRunner {
  /// Adds the gradients of the embeddings, given that of the embedded rows.
  func embeddingBackward(_ input: ModelInput, _ gradient: Matrix) throws(FormatError) {
    for node in model.graph.embeddingNodes {
      switch (node.operation, input) {
      case (.tokenEmbedding(let embedding), .tokens(let batch)):
        backward(embedding, batch, gradient)
      case (.patchEmbedding(let embedding), .images(let pixels)):
        try backward(embedding, pixels, gradient)
      default: break
      }
    }
  }

  private func backward(_ embedding: TokenEmbedding, _ batch: TokenBatch, _ gradient: Matrix) {
    if let table = table(embedding.token) { scatterRows(gradient, ids: batch.ids, to: table) }
    if let positions = table(embedding.position) {
      addOverRows(gradient, length: batch.length, to: positions.rows(0..<batch.length))
    }
    if let types = table(embedding.tokenType) {
      let ids = batch.tokenTypes ?? [Int32](repeating: 0, count: gradient.rows)
      scatterRows(gradient, ids: ids, to: types)
    }
  }

  private func backward(_ embedding: PatchEmbedding, _ pixels: Matrix, _ gradient: Matrix)
    throws(FormatError)
  {
    let length = gradient.rows / max(1, pixels.rows)
    if let positions = table(embedding.position) {
      addOverRows(gradient, length: length, to: positions)
    }
    if let classToken = self.gradient(embedding.classToken) {
      let target = Matrix(classToken, rows: 1, columns: gradient.columns)
      for image in 0..<pixels.rows {
        add(gradient.rows(image * length..<image * length + 1), to: target)
      }
    }
    guard self.gradient(embedding.projection.weight) != nil else { return }
    // Without the class tokens' rows.
    let patches = workspace.matrix(
      .patchGradient, rows: pixels.rows * (length - 1), columns: gradient.columns)
    for image in 0..<pixels.rows {
      copy(
        gradient.rows(image * length + 1..<(image + 1) * length),
        to: patches.rows(image * (length - 1)..<(image + 1) * (length - 1)))
    }
    try parameterGradients(
      embedding.projection, x: model.patches(of: pixels, embedding), patches)
  }

  /// Adds the rows of every sequence to those of a table.
  private func addOverRows(_ gradient: Matrix, length: Int, to table: Matrix) {
    for start in stride(from: 0, to: gradient.rows, by: length) {
      add(gradient.rows(start..<start + length), to: table)
    }
  }

  /// A trained role's gradient as a table of rows of hidden states.
  private func table(_ role: String?) -> Matrix? {
    role.flatMap { gradient($0) }.map {
      Matrix($0, rows: $0.count / model.graph.hiddenSize, columns: model.graph.hiddenSize)
    }
  }
}
