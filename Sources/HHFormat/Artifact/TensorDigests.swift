// The SHA-256 of every tensor that goes into an artifact.

internal import Dispatch
internal import Synchronization

/// Digests of tensors.
enum TensorDigests {
  /// Bytes that are digested at a time.
  private static let stepSize = 1 << 20

  /// The SHA-256 of each tensor, in hexadecimal.
  ///
  /// A SHA-256 cannot be shared out between threads, and one alone leaves the processor's SHA unit
  /// idle half of the time, so each thread digests two tensors side by side.
  static func of(_ tensors: [ArtifactTensor], threads: Int) throws(FormatError) -> [String] {
    let next = Atomic(0)
    let shared = Mutex(Shared(digests: Array(repeating: "", count: tensors.count)))
    DispatchQueue.concurrentPerform(iterations: max(1, min(threads, tensors.count))) { _ in
      var digester = Digester()
      do throws(FormatError) {
        while true {
          for lane in 0..<2 where digester.isFree(lane) {
            let index = next.add(1, ordering: .relaxed).oldValue
            if index < tensors.count { digester.begin(tensors[index], index, lane) }
          }
          guard try digester.advance() else { return }
          for (index, digest) in digester.finished() {
            shared.withLock { $0.digests[index] = digest }
          }
        }
      } catch {
        shared.withLock { $0.error = $0.error ?? error }
        next.store(tensors.count, ordering: .relaxed)
      }
    }
    let outcome = shared.withLock { $0 }
    if let error = outcome.error { throw error }
    return outcome.digests
  }

  private struct Shared: Sendable {
    var digests: [String]
    var error: FormatError?
  }

  /// One thread's two digests.
  private struct Digester: ~Copyable {
    private struct Work {
      let tensor: ArtifactTensor
      let index: Int
      var offset = 0
      var left: Int { tensor.byteCount - offset }

      /// Lends the next bytes.
      func lend(
        _ count: Int, _ body: (RawSpan) throws(FormatError) -> Void
      ) throws(FormatError) {
        try tensor.lend(offset..<offset + count, body)
      }
    }

    private var lanes = DigestLanes()
    private var work: [Work?] = [nil, nil]

    init() {}

    func isFree(_ lane: Int) -> Bool { work[lane] == nil }

    mutating func begin(_ tensor: ArtifactTensor, _ index: Int, _ lane: Int) {
      work[lane] = Work(tensor: tensor, index: index)
    }

    /// Digests the next bytes of each tensor; false where there is none.
    mutating func advance() throws(FormatError) -> Bool {
      if let first = work[0], let second = work[1] {
        let blocks = min(stepSize, first.left, second.left) / DigestLanes.blockSize
        if blocks > 0 {
          let count = blocks * DigestLanes.blockSize
          var lanes = exchange(&lanes, with: DigestLanes())
          try first.lend(count) { (a) throws(FormatError) in
            try second.lend(count) { (b) throws(FormatError) in lanes.updateBoth(a, b) }
          }
          self.lanes = lanes
          work[0]?.offset += count
          work[1]?.offset += count
        } else {
          // Less than a block is left of one of them.
          try advance(first.left < second.left ? 0 : 1)
        }
      } else if work[0] != nil || work[1] != nil {
        try advance(work[0] == nil ? 1 : 0)
      } else {
        return false
      }
      return true
    }

    private mutating func advance(_ lane: Int) throws(FormatError) {
      guard let tensor = work[lane] else { return }
      let count = min(stepSize, tensor.left)
      var lanes = exchange(&lanes, with: DigestLanes())
      try tensor.lend(count) { (bytes) throws(FormatError) in lanes.update(lane, bytes) }
      self.lanes = lanes
      work[lane]?.offset += count
    }

    /// The tensors that are done, whose lanes are then free.
    mutating func finished() -> [(index: Int, digest: String)] {
      var result: [(index: Int, digest: String)] = []
      for lane in 0..<2 {
        guard let done = work[lane], done.left == 0 else { continue }
        result.append((done.index, hexadecimal(lanes.finalize(lane))))
        work[lane] = nil
      }
      return result
    }
  }
}
