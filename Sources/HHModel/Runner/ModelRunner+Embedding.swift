// The first nodes of a graph: from token ids or pixels to hidden states.

package import HHCompute
package import HHData
package import HHFormat

extension ModelRunner {
  /// Positions that one row of an input takes up in the hidden states.
  package func length(of input: ModelInput) -> Int {
    switch input {
    case .tokens(let batch): batch.length
    case .images: graph.maximumLength
    }
  }

  /// Embeds a batch into `hidden`, [rows × length, hidden size], and runs the nodes that precede
  /// the first block. Ids were checked against the vocabulary when they were read; their first
  /// column stands at `position`.
  package func embed(
    _ input: ModelInput, into hidden: Matrix, position: Int = 0,
    recorder: (any ForwardRecorder)? = nil
  ) throws(FormatError) -> Activations {
    var validLengths: [Int]?
    for node in graph.embeddingNodes {
      switch (node.operation, input) {
      case (.tokenEmbedding(let embedding), .tokens(let batch)):
        try embed(batch, embedding, into: hidden, position: position)
        validLengths = batch.validLengths
      case (.patchEmbedding(let embedding), .images(let pixels)):
        try embed(pixels, embedding, into: hidden)
      default: break
      }
    }
    var state = Activations(
      hidden: hidden, rowCount: input.rowCount, validLengths: validLengths)
    try run(graph.embeddingNodes, &state, recorder: recorder)
    return state
  }

  private func embed(
    _ batch: TokenBatch, _ embedding: TokenEmbedding, into hidden: Matrix, position: Int
  ) throws(FormatError) {
    if let half = try parameters.half(embedding.token, columns: graph.hiddenSize) {
      half.gatherRows(ids: batch.ids, into: hidden)
    } else {
      gatherRows(try table(embedding.token), ids: batch.ids, into: hidden)
    }
    if let role = embedding.position {
      let positions = try table(role).rows(position..<position + batch.length)
      for row in 0..<batch.rowCount {
        add(positions, to: hidden.rows(row * batch.length..<(row + 1) * batch.length))
      }
    }
    if let role = embedding.tokenType {
      let types = try table(role)
      if let ids = batch.tokenTypes {
        let added = workspace.matrix(.normed, rows: hidden.rows, columns: hidden.columns)
        gatherRows(types, ids: ids, into: added)
        add(added, to: hidden)
      } else {
        addBias(FloatBuffer(types.rows(0..<1).values), to: hidden)
      }
    }
  }

  /// A role's weights as a table of rows of hidden states.
  private func table(_ role: String) throws(FormatError) -> Matrix {
    let buffer = try parameters.vector(role)
    return Matrix(buffer, rows: buffer.count / graph.hiddenSize, columns: graph.hiddenSize)
  }

  private func embed(_ pixels: Matrix, _ embedding: PatchEmbedding, into hidden: Matrix)
    throws(FormatError)
  {
    let patches = patches(of: pixels, embedding)
    let patchCount = patches.rows / max(1, pixels.rows)
    let projected = workspace.matrix(
      .sublayer, rows: patches.rows, columns: graph.hiddenSize)
    try apply(embedding.projection, to: patches, into: projected)
    let classToken = Matrix(
      try parameters.vector(embedding.classToken), rows: 1, columns: graph.hiddenSize)
    let positions = try table(embedding.position)
    for image in 0..<pixels.rows {
      let rows = hidden.rows(image * (patchCount + 1)..<(image + 1) * (patchCount + 1))
      copy(classToken, to: rows.rows(0..<1))
      copy(
        projected.rows(image * patchCount..<(image + 1) * patchCount),
        to: rows.rows(1..<patchCount + 1))
      add(positions, to: rows)
    }
  }

  /// Every patch as a row of pixels, in scratch memory.
  package func patches(of pixels: Matrix, _ embedding: PatchEmbedding) -> Matrix {
    let side = embedding.imageSize / embedding.patchSize
    let patches = workspace.matrix(
      .patches, rows: pixels.rows * side * side, columns: embedding.projection.inputs)
    cutPatches(pixels, embedding, into: patches)
    return patches
  }

  /// Lays each patch's pixels out as a row, channel by channel, as the projection's weight is.
  private func cutPatches(_ pixels: Matrix, _ embedding: PatchEmbedding, into patches: Matrix) {
    let (size, patch) = (embedding.imageSize, embedding.patchSize)
    let side = size / patch
    for image in 0..<pixels.rows {
      let source = pixels.rows(image..<image + 1)
      for patchRow in 0..<side {
        for patchColumn in 0..<side {
          let target = patches.rows(
            (image * side + patchRow) * side + patchColumn..<(image * side + patchRow) * side
              + patchColumn + 1)
          for channel in 0..<embedding.channelCount {
            for y in 0..<patch {
              let from = (channel * size + patchRow * patch + y) * size + patchColumn * patch
              let to = (channel * patch + y) * patch
              copy(source.columns(from..<from + patch), to: target.columns(to..<to + patch))
            }
          }
        }
      }
    }
  }
}
