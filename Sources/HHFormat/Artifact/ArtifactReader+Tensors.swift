// Reading tensors out of an artifact, whole or chunk by chunk.

internal import Glibc
internal import HHKernels

extension ArtifactReader {
  /// All bytes of a tensor: little-endian, row-major, interleaved whatever the layout.
  ///
  /// Only the tensor's own frames are read, on at most `threads` threads.
  ///
  /// Throws `.badData` where there is no such tensor or a frame is damaged, and `.unsupported`
  /// where the tensor is larger than the machine's memory.
  package func read(_ name: String, threads: Int = 1) throws(FormatError) -> [UInt8] {
    let index = try index(of: name)
    try requireDigest(of: index)
    let count = manifest.tensors[index].byteCount
    try requireMemory(for: count, name: name)
    var failure: FormatError?
    // Safe: reading fills every byte or throws, and then the array is dropped.
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
      unsafe useLargePages(UnsafeRawBufferPointer(buffer))
      var target = unsafe buffer.mutableSpan
      do throws(FormatError) {
        try read(index, threads: threads, to: &target)
        initializedCount = count
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return bytes
  }

  /// Some bytes of a tensor, of which only the chunks that hold them are decoded. The range lies
  /// inside the tensor.
  package func read(_ name: String, bytes range: Range<Int>) throws(FormatError) -> [UInt8] {
    let index = try index(of: name)
    try requireDigest(of: index)
    guard !range.isEmpty else { return [] }
    let frames = frames[index]
    let size = frames.elementRange(ofChunk: 0).count
    var decoder = try ChunkDecoder(self, tensor: index)
    var result: [UInt8] = []
    result.reserveCapacity(range.count)
    var chunk: [UInt8] = []
    for number in range.lowerBound / size...(range.upperBound - 1) / size {
      try decoder.decode(number, to: &chunk)
      let place = frames.elementRange(ofChunk: number)
      let part = place.clamped(to: range)
      result += chunk[part.lowerBound - place.lowerBound..<part.upperBound - place.lowerBound]
    }
    return result
  }

  /// Reads all bytes of a tensor into `output`, which has exactly the tensor's size.
  package func read(
    _ name: String, into output: inout MutableSpan<UInt8>, threads: Int = 1
  ) throws(FormatError) {
    let index = try index(of: name)
    precondition(output.count == manifest.tensors[index].byteCount, "read: the tensor's size")
    try requireDigest(of: index)
    try read(index, threads: threads, to: &output)
  }

  /// Reads a tensor of floats as float32 into `output`, which has exactly as many
  /// elements. Throws `.unsupported` for any other type.
  package func readFloats(
    of name: String, into output: inout MutableSpan<Float>, threads: Int = 1
  ) throws(FormatError) {
    let index = try index(of: name)
    let tensor = manifest.tensors[index]
    guard tensor.dtype.isComputable else {
      throw FormatError(
        .unsupported, file: path, place: "tensor \(quoted(name))",
        problem: "expected F32, F16, BF16 or F64, found \(tensor.dtype.rawValue)")
    }
    try requireDigest(of: index)
    let width = tensor.dtype.bitWidth / 8
    precondition(output.count == tensor.byteCount / width, "readFloats: the tensor's size")
    let frames = frames[index]
    // Safe: each chunk's job writes its own elements only, and none outlives the call.
    try unsafe output.withUnsafeMutableBufferPointer { (buffer) throws(FormatError) in
      let address = UInt(bitPattern: buffer.baseAddress)
      _ = try concurrentMap(count: frames.chunkCount, threads: threads) {
        () throws(FormatError) in
        (decoder: try ChunkDecoder(self, tensor: index), bytes: [UInt8]())
      } _: { (worker, chunk) throws(FormatError) in
        try worker.decoder.decode(chunk, to: &worker.bytes)
        let range = frames.elementRange(ofChunk: chunk)
        var part = unsafe mutableSpan(
          of: Float.self, at: address, range.lowerBound / width..<range.upperBound / width)
        _ = tensor.dtype.convert(worker.bytes.raw, to: &part)
      }
    }
  }

  /// Lends a tensor's bytes chunk by chunk, each with its place in the tensor. Memory holds one
  /// chunk, however large the tensor is. In a decompressed artifact they are not checked.
  package func forEachChunk(
    of name: String, _ body: (_ bytes: RawSpan, _ range: Range<Int>) throws(FormatError) -> Void
  ) throws(FormatError) {
    let index = try index(of: name)
    var decoder = try ChunkDecoder(self, tensor: index)
    var bytes: [UInt8] = []
    for chunk in 0..<frames[index].chunkCount {
      try decoder.decode(chunk, to: &bytes)
      try body(bytes.raw, frames[index].elementRange(ofChunk: chunk))
    }
  }

  /// Checks a tensor's bytes against the digest in the manifest.
  package func checkDigest(of name: String) throws(FormatError) {
    let tensor = manifest.tensors[try index(of: name)]
    var digest = ContentDigest()
    try forEachChunk(of: name) { (bytes, _) throws(FormatError) in digest.update(bytes) }
    let found = digest.finalize()
    guard found == tensor.sha256 else {
      throw FormatError(
        .badData, file: path, place: "tensor \(quoted(name))",
        problem: "expected SHA-256 \(tensor.sha256), found \(found)")
    }
  }

  private func read(
    _ index: Int, threads: Int, to output: inout MutableSpan<UInt8>
  ) throws(FormatError) {
    let frames = frames[index]
    // Safe: each chunk's job writes its own bytes only, and none outlives the call.
    try unsafe output.withUnsafeMutableBufferPointer { (buffer) throws(FormatError) in
      let address = UInt(bitPattern: buffer.baseAddress)
      _ = try concurrentMap(count: frames.chunkCount, threads: threads) {
        () throws(FormatError) in
        try ChunkDecoder(self, tensor: index)
      } _: { (decoder, chunk) throws(FormatError) in
        let range = frames.elementRange(ofChunk: chunk)
        var part = unsafe mutableSpan(of: UInt8.self, at: address, range)
        try decoder.decode(chunk, to: &part)
      }
    }
  }

  /// A small file can describe a tensor larger than memory, and an array that cannot be had would
  /// end the process.
  private func requireMemory(for count: Int, name: String) throws(FormatError) {
    let memory = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    guard count <= memory else {
      throw FormatError(
        .unsupported, file: path, place: "tensor \(quoted(name))",
        problem: "\(count) bytes do not fit into this machine's memory of \(memory)")
    }
  }
}

/// The elements of a range of an array that begins at `address`. The caller sees to it that they
/// are there, that nobody else uses them, and that the span does not outlive them.
@unsafe
@_lifetime(immortal)
private func mutableSpan<Element: BitwiseCopyable>(
  of type: Element.Type, at address: UInt, _ range: Range<Int>
) -> MutableSpan<Element> {
  let start = unsafe UnsafeMutablePointer<Element>(bitPattern: address)
  let buffer = unsafe UnsafeMutableBufferPointer(
    start: start.map { unsafe $0 + range.lowerBound }, count: range.count)
  return unsafe _overrideLifetime(MutableSpan(_unsafeElements: buffer), copying: ())
}

/// Decodes the chunks of one tensor, on one thread.
private struct ChunkDecoder {
  private let reader: ArtifactReader
  private let frames: TensorFrames
  private let place: String
  /// Where the tensor begins in a decompressed file.
  private let plainStart: Int?
  private let decompressor: FrameDecompressor
  private var planes: [UInt8] = []

  init(_ reader: ArtifactReader, tensor: Int) throws(FormatError) {
    self.reader = reader
    frames = reader.frames[tensor]
    plainStart = reader.plainStarts?[tensor]
    let place = "tensor \(quoted(reader.manifest.tensors[tensor].name))"
    self.place = place
    decompressor = try naming(reader.path, place) { () throws(ZstdError) in
      try FrameDecompressor()
    }
  }

  /// Decodes one chunk into `bytes`, which gets the chunk's size.
  mutating func decode(_ chunk: Int, to bytes: inout [UInt8]) throws(FormatError) {
    let size = frames.elementRange(ofChunk: chunk).count
    if bytes.count != size { bytes = [UInt8](repeating: 0, count: size) }
    var target = bytes.mutableSpan
    try decode(chunk, to: &target)
  }

  /// Decodes one chunk into `output`, which has its size.
  mutating func decode(
    _ chunk: Int, to output: inout MutableSpan<UInt8>
  ) throws(FormatError) {
    guard frames.planeCount > 1 else {
      return try decompress(plane: 0, chunk: chunk, to: &output)
    }
    let size = frames.planeRange(ofChunk: chunk).count
    // A local, because spans of it must not hold on to the whole of `self`.
    var planes = exchange(&planes, with: [])
    if planes.count != output.count { planes = [UInt8](repeating: 0, count: output.count) }
    var all = planes.mutableSpan
    for plane in 0..<frames.planeCount {
      var part = all._mutatingExtracting(plane * size..<(plane + 1) * size)
      try decompress(plane: plane, chunk: chunk, to: &part)
    }
    joinPlanes(planes.raw, width: frames.planeCount, to: &output)
    self.planes = planes
  }

  private func decompress(
    plane: Int, chunk: Int, to output: inout MutableSpan<UInt8>
  ) throws(FormatError) {
    if let plainStart {
      return reader.copyPlain(
        frames.planeRange(ofChunk: chunk), of: frames, from: plainStart, plane: plane, to: &output)
    }
    let index = frames.frame(plane: plane, chunk: chunk)
    let file = reader.file
    do throws(ZstdError) {
      try decompressor.decompress(
        file.bytes.extracting(reader.table.range(of: index)), to: &output)
    } catch {
      throw FormatError(.badData, file: reader.path, place: place, problem: error.problem)
    }
  }
}
