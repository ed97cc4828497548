// The SHA-256 of every tensor that goes into an artifact and of every file that they come from.

internal import Synchronization

/// Bytes to be digested, lent some at a time and in order.
struct DigestedBytes: Sendable {
  let byteCount: Int
  let lend: ArtifactTensor.Lender
  /// Sees each part of the bytes once.
  let check: ArtifactTensor.Check?

  /// A tensor's bytes.
  init(_ tensor: ArtifactTensor) {
    byteCount = tensor.byteCount
    lend = tensor.lend
    check = tensor.check
  }

  /// A file's bytes, none of which stays in memory.
  init(_ file: MappedFile) {
    byteCount = file.count
    lend = { (range, body) throws(FormatError) in
      defer { file.release(range) }
      try body(file.bytes.extracting(range))
    }
    check = nil
  }
}

/// What is to be digested and what its digests are, for any number of threads with a `Digester` each.
///
/// A SHA-256 cannot be shared out between threads, and one alone leaves the processor's SHA unit idle
/// half of the time, so a thread digests two things side by side. A file is digested beside the
/// tensors, which are mostly its own bytes: they are fetched from memory once for both.
final class ContentDigests: Sendable {
  fileprivate enum Item {
    case file(Int)
    case tensor(Int)
  }

  fileprivate let files: [DigestedBytes]
  fileprivate let tensors: [DigestedBytes]
  /// Where each tensor starts among the bytes of all of them.
  fileprivate let offsets: [Int]
  private let state: Mutex<State>

  private struct State: Sendable {
    var nextFile = 0
    var nextTensor = 0
    var files: [String]
    var tensors: [String]
  }

  init(files: [DigestedBytes] = [], tensors: [DigestedBytes]) {
    self.files = files
    self.tensors = tensors
    var offset = 0
    offsets = tensors.map { tensor in
      defer { offset += tensor.byteCount }
      return offset
    }
    state = Mutex(
      State(
        files: Array(repeating: "", count: files.count),
        tensors: Array(repeating: "", count: tensors.count)))
  }

  /// The digests in hexadecimal, once every digester has nothing left to do.
  var results: (files: [String], tensors: [String]) { state.withLock { ($0.files, $0.tensors) } }

  /// The next thing to digest: a tensor, or a file where there is one and it is wanted or no tensor
  /// is left.
  fileprivate func next(preferringFile: Bool) -> Item? {
    state.withLock { state in
      let hasTensor = state.nextTensor < tensors.count
      if state.nextFile < files.count, preferringFile || !hasTensor {
        state.nextFile += 1
        return .file(state.nextFile - 1)
      }
      guard hasTensor else { return nil }
      state.nextTensor += 1
      return .tensor(state.nextTensor - 1)
    }
  }

  fileprivate func set(_ digest: String, of item: Item) {
    state.withLock {
      switch item {
      case .file(let index): $0.files[index] = digest
      case .tensor(let index): $0.tensors[index] = digest
      }
    }
  }
}

/// One thread's two digests.
final class Digester {
  /// Bytes that are digested at a time.
  private static let stepSize = 1 << 20

  private struct Work {
    let item: ContentDigests.Item
    let bytes: DigestedBytes
    /// Where the tensor starts among all; nil for a file.
    let start: Int?
    var offset = 0
    var left: Int { bytes.byteCount - offset }
  }

  private let queue: ContentDigests
  private var lanes = PairedSHA256()
  private var work: [Work?] = [nil, nil]

  init(_ queue: ContentDigests) { self.queue = queue }

  /// Digests the next bytes; false where there are none, or where those of the tensors lie behind
  /// the first `limit` bytes of all tensors.
  func advance(limit: Int = .max) throws(FormatError) -> Bool {
    for lane in 0..<2 where work[lane] == nil { begin(lane) }
    let positions = work.compactMap { work in work?.start.map { $0 + (work?.offset ?? 0) } }
    if let position = positions.min(), position > limit { return false }
    switch (work[0], work[1]) {
    case (let first?, let second?):
      let blocks = min(Self.stepSize, first.left, second.left) / PairedSHA256.blockSize
      if blocks > 0 {
        try advanceBoth(first, second, by: blocks * PairedSHA256.blockSize)
      } else {
        // Less than a block is left of one of them.
        try advance(first.left < second.left ? 0 : 1)
      }
    case (_?, nil): try advance(0)
    case (nil, _?): try advance(1)
    case (nil, nil): return false
    }
    finish()
    return true
  }

  private func begin(_ lane: Int) {
    guard let item = queue.next(preferringFile: lane == 0) else { return }
    work[lane] =
      switch item {
      case .file(let index): Work(item: item, bytes: queue.files[index], start: nil)
      case .tensor(let index):
        Work(item: item, bytes: queue.tensors[index], start: queue.offsets[index])
      }
  }

  private func advanceBoth(_ first: Work, _ second: Work, by count: Int) throws(FormatError) {
    try lend(first, count) { (a) throws(FormatError) in
      try lend(second, count) { (b) throws(FormatError) in lanes.updateBoth(a, b) }
    }
    work[0]?.offset += count
    work[1]?.offset += count
  }

  private func advance(_ lane: Int) throws(FormatError) {
    guard let work = work[lane] else { return }
    let count = min(Self.stepSize, work.left)
    try lend(work, count) { (bytes) throws(FormatError) in lanes.update(lane, bytes) }
    self.work[lane]?.offset += count
  }

  /// Lends the next bytes, once they are checked.
  private func lend(
    _ work: Work, _ count: Int, _ body: (RawSpan) throws(FormatError) -> Void
  ) throws(FormatError) {
    let range = work.offset..<work.offset + count
    try work.bytes.lend(range) { (bytes) throws(FormatError) in
      try work.bytes.check?(range.lowerBound, bytes)
      try body(bytes)
    }
  }

  /// Ends the digests of what is done, whose lanes are then free.
  private func finish() {
    for lane in 0..<2 {
      guard let done = work[lane], done.left == 0 else { continue }
      queue.set(hexadecimal(lanes.finalize(lane)), of: done.item)
      work[lane] = nil
    }
  }
}
