// Memory for the features of one head.

internal import HHKernels

/// Memory of one thread for one head's features. A class, since a copy of the value would count as
/// many references as it has buffers, which is what a step of decoding would spend its time on.
final class HeadScratch: Sendable {
  enum Side { case queries, keys }

  /// [group · rows, features] and [rows, features].
  let phiQ: FloatBuffer
  let phiK: FloatBuffer
  /// Their gradients; without elements where nobody asks.
  private let dPhiQ: FloatBuffer
  private let dPhiK: FloatBuffer
  /// The scales of queries, of no use, and of keys.
  private let scalesQ: FloatBuffer
  private let scalesK: FloatBuffer
  private let none = FloatBuffer(count: 0)
  let mapScratch: FloatBuffer
  let kernel: FloatBuffer
  /// Sums over the keys of a sequence.
  let state: Matrix

  /// Memory for `rows` queries of `group` heads and as many keys of one, and a kernel's `kernelCount`
  /// floats.
  init(_ rows: Int, group: Int, _ maps: FeatureMaps, _ kernelCount: Int, hasGradients: Bool) {
    let (features, size) = (maps.design.features, maps.design.headSize)
    phiQ = FloatBuffer(count: group * rows * features)
    phiK = FloatBuffer(count: rows * features)
    dPhiQ = FloatBuffer(count: hasGradients ? rows * features : 0)
    dPhiK = FloatBuffer(count: hasGradients ? rows * features : 0)
    scalesQ = FloatBuffer(count: rows)
    scalesK = FloatBuffer(count: rows)
    mapScratch = FloatBuffer(
      count: maps.design.function.scratchCount(rows: rows, headSize: size))
    kernel = FloatBuffer(count: max(1, kernelCount))
    state = Matrix(rows: 1, columns: maps.design.sumCount)
  }

  /// Whether there is room for as much as the initialiser would make.
  func holds(_ rows: Int, group: Int, _ maps: FeatureMaps, _ kernelCount: Int, _ hasGradients: Bool)
    -> Bool
  {
    let (features, size) = (maps.design.features, maps.design.headSize)
    return phiQ.count >= group * rows * features && scalesQ.count >= rows
      && dPhiQ.count >= (hasGradients ? rows * features : 0) && kernel.count >= kernelCount
      && mapScratch.count >= maps.design.function.scratchCount(rows: rows, headSize: size)
      && state.columns == maps.design.sumCount
  }

  /// Features of rows, into `phiQ` or `phiK` from row `first` on; returns the scales, none where all
  /// are zero.
  func map(
    _ x: Matrix, _ parameters: [Matrix], _ call: HeadCall, position: Int = 0, step: Int = 1,
    to side: Side, from first: Int = 0
  ) -> FloatBuffer {
    let scales = side == .queries ? scalesQ : scalesK
    call.function.forward(
      FeatureInput(
        x: x, position: position, step: step, parameters: parameters, scratch: mapScratch),
      into: features(side, from: first, rows: x.rows, call), scales: scales)
    return call.storesLogScales ? scales : none
  }

  /// The features of one side as a matrix.
  func features(_ side: Side, from first: Int = 0, rows: Int, _ call: HeadCall) -> Matrix {
    Matrix(
      side == .queries ? phiQ : phiK, offset: first * call.features, rows: rows,
      columns: call.features)
  }

  /// Their gradients.
  func gradients(_ side: Side, rows: Int, _ call: HeadCall) -> Matrix {
    Matrix(side == .queries ? dPhiQ : dPhiK, rows: rows, columns: call.features)
  }

  /// The kernel's call for query heads whose features, and its keys', lie here. It begins with
  /// `state`, and with `movesOn` leaves the new one there.
  ///
  /// It stands apart because the optimiser of Swift 6.3 gives up on spans of matrices that it sees
  /// being made.
  @inline(never)
  func attend(
    _ item: LinearAttentionItem, query: Matrix, key: Matrix, value: Matrix, sinkKey: Matrix,
    sinkValue: Matrix, scales: FloatBuffer, windowFactors: FloatBuffer, from first: Int,
    state: Matrix, movesOn: Bool, into out: Matrix
  ) {
    let (phiQ, phiK, memory) = (phiQ, phiK, kernel)
    let inputs = LinearAttentionInputs(
      q: query.span, k: key.span, v: value.span, sinkK: sinkKey.span, sinkV: sinkValue.span,
      phiQ: phiQ.span, phiK: phiK.span, scales: scales.span,
      windowFactors: windowFactors.span(first..<first + item.group))
    var outSpan = out.mutableSpan
    var scratch = memory.mutableSpan
    let before = state.span
    guard movesOn else {
      var none = MutableSpan<Float>()
      linearAttention(
        item, inputs, before: before, after: &none, into: &outSpan, scratch: &scratch)
      return
    }
    var after = state.mutableSpan
    linearAttention(
      item, inputs, before: before, after: &after, into: &outSpan, scratch: &scratch)
  }
}

extension LinearAttentionShape {
  /// Floats of the sums of a state head.
  var sumCount: Int { linearAttentionState(features: features, headSize: headSize) }

  /// Makes sums those of no keys.
  func empty(_ sums: Matrix) {
    var span = sums.mutableSpan
    emptyLinearAttentionState(&span, features: features, headSize: headSize)
  }
}

/// Makes a dense matrix of one thread zero; `clear` may use several.
func empty(_ matrix: Matrix) {
  var span = matrix.mutableSpan
  span.update(repeating: 0)
}

/// The memory of all threads, as a scratch space keeps it.
private final class HeadScratches {
  let heads: [HeadScratch]

  init(_ heads: [HeadScratch]) { self.heads = heads }
}

extension ScratchSpace {
  /// For each thread, what the features of `rows` queries of `group` heads and keys need.
  func heads(
    rows: Int, group: Int = 1, _ maps: FeatureMaps, kernelCount: Int, hasGradients: Bool = false
  ) -> [HeadScratch] {
    if let heads = (kept as? HeadScratches)?.heads, heads.count >= ThreadPolicy.threads,
      heads[0].holds(rows, group: group, maps, kernelCount, hasGradients)
    {
      return heads
    }
    let heads = (0..<ThreadPolicy.threads).map { _ in
      HeadScratch(rows, group: group, maps, kernelCount, hasGradients: hasGradients)
    }
    kept = HeadScratches(heads)
    return heads
  }
}
