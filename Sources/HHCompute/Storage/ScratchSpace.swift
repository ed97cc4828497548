// Memory that calls of one kind reuse.

/// Buffers that grow when a larger call comes and are reused otherwise, so that the steps of a loop
/// allocate nothing. What a call left in them is undefined for the next. One call at a time.
package final class ScratchSpace {
  private var perWorker: [FloatBuffer] = []
  private var whole = FloatBuffer(count: 0)
  /// What code above this folder keeps here between its calls, in a class of its own.
  var kept: AnyObject?

  /// Creates space without memory yet.
  package init() {}

  /// A buffer of at least `count` floats for each thread.
  func workers(count: Int) -> [FloatBuffer] {
    if perWorker.count < ThreadPolicy.threads || (perWorker.first?.count ?? 0) < count {
      perWorker = (0..<ThreadPolicy.threads).map { _ in FloatBuffer(count: count) }
    }
    return perWorker
  }

  /// One buffer of at least `count` floats.
  func buffer(count: Int) -> FloatBuffer {
    if whole.count < count { whole = FloatBuffer(count: count) }
    return whole
  }
}
