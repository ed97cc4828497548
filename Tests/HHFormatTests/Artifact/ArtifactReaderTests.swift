import HHTestSupport
import Testing

@testable import HHFormat

@Suite("ArtifactReader")
struct ArtifactReaderTests {
  private let folder: TemporaryDirectory
  private let path: String

  init() throws {
    folder = try TemporaryDirectory()
    path = folder.path("a.zst")
  }

  @Test(
    "chunks are lent in order and make up the tensor",
    arguments: [TensorLayout.planes, .interleaved])
  func chunks(layout: TensorLayout) throws {
    try ArtifactSamples.write(to: path, layout: layout)
    let reader = try ArtifactReader(at: path)
    for tensor in reader.tensors {
      var bytes: [UInt8] = []
      try reader.forEachChunk(of: tensor.name) { (chunk, range) throws(FormatError) in
        #expect(range.lowerBound == bytes.count)
        bytes += chunk.copied()
        #expect(range.upperBound == bytes.count)
      }
      #expect(try bytes == reader.read(tensor.name))
    }
  }

  @Test("several threads read the same bytes", arguments: [TensorLayout.planes, .interleaved])
  func threads(layout: TensorLayout) throws {
    try ArtifactSamples.write(to: path, layout: layout)
    let reader = try ArtifactReader(at: path)
    for tensor in ArtifactSamples.tensors() {
      #expect(try reader.read(tensor.name, threads: 4) == ArtifactSamples.bytes(of: tensor))
    }
    let name = "weights \u{e9}\"\\"
    var (a, b) = ([Float](repeating: 0, count: 5000), [Float](repeating: 1, count: 5000))
    var one = a.mutableSpan
    try reader.readFloats(of: name, into: &one)
    var many = b.mutableSpan
    try reader.readFloats(of: name, into: &many, threads: 4)
    #expect(a == b)
  }

  @Test("a damaged chunk is an error on several threads too")
  func damagedChunk() throws {
    try ArtifactSamples.write(to: path)
    var bytes = try ArtifactSamples.content(of: path)
    let sound = try ArtifactReader(at: path)
    let name = "weights \u{e9}\"\\"
    let frames = sound.frames[try sound.index(of: name)]
    bytes[sound.table.range(of: frames.end - 1).upperBound - 1] ^= 1
    try folder.write(bytes, to: "a.zst")
    let reader = try ArtifactReader(at: path)
    let error = #expect(throws: FormatError.self) { try reader.read(name, threads: 4) }
    #expect(error?.place == "tensor \(quoted(name))")
  }

  @Test("one tensor is read from its own frames, whatever became of all others")
  func randomAccess() throws {
    try ArtifactSamples.write(to: path)
    let sound = try ArtifactReader(at: path)
    var bytes = try ArtifactSamples.content(of: path)
    let tensor = try #require(ArtifactSamples.tensors().first { $0.name == "BF16 [7, 101]" })
    let own = sound.frames[try sound.index(of: tensor.name)]
    for frame in 1..<sound.digestFrame where !(own.first..<own.end).contains(frame) {
      for index in sound.table.range(of: frame) { bytes[index] = 0xFF }
    }
    try folder.write(bytes, to: "a.zst")
    let reader = try ArtifactReader(at: path)
    #expect(try reader.read(tensor.name) == ArtifactSamples.bytes(of: tensor))
    #expect(throws: FormatError.self) { try reader.read("F32 [7, 101]") }
  }

  @Test(
    "every type is carried bit for bit, those narrower than a byte included",
    arguments: [TensorLayout.planes, .interleaved])
  func types(layout: TensorLayout) throws {
    var forge = FileForge(seed: 5)
    let declarations = DType.allCases.flatMap { dtype in
      [[8], [0], [3, 5, 56]].map { ("\(dtype.rawValue) \($0)", dtype, $0) }
    }
    let source = try folder.write(try forge.safetensors(declarations), to: "model.safetensors")
    let (file, mapped) = (try SafetensorsFile(at: source), try MappedFile(at: source))
    try ArtifactSamples.write(
      to: path, layout: layout, tensors: file.tensors.map { ArtifactTensor($0, in: mapped) })
    let reader = try ArtifactReader(at: path)
    #expect(reader.tensors.map(\.dtype) == declarations.map { $0.1 })
    for tensor in file.tensors {
      let bytes = file.bytes(of: tensor).copied()
      #expect(try reader.read(tensor.name) == bytes, "\(tensor.name)")
    }
    _ = try ArtifactVerifier.verify(at: path)
  }

  @Test("floats of each width come back as float32", arguments: [DType.f32, .f16, .bf16])
  func floats(dtype: DType) throws {
    let values = (0..<3000).map { Float($0 % 200 - 100) / 64 }
    let stored = dtype.store(values.span)
    let bytes = try #require(stored)
    let tensor = ArtifactTensor(
      name: "w", dtype: dtype, shape: [3, 1000], origin: .kept, bytes: bytes)
    try ArtifactSamples.write(to: path, tensors: [tensor])
    let reader = try ArtifactReader(at: path)
    var output = [Float](repeating: .nan, count: values.count)
    var target = output.mutableSpan
    try reader.readFloats(of: "w", into: &target)
    #expect(output == values)
  }

  @Test("integers are not read as floats")
  func integersAsFloats() throws {
    try ArtifactSamples.write(to: path)
    let reader = try ArtifactReader(at: path)
    var output = [Float](repeating: 0, count: 3)
    var target = output.mutableSpan
    do throws(FormatError) {
      try reader.readFloats(of: "I64 [3]", into: &target)
      Issue.record("no error")
    } catch {
      #expect(error.kind == .unsupported)
    }
  }

  @Test("a name that is not there is an error that says so")
  func unknownName() throws {
    try ArtifactSamples.write(to: path)
    let reader = try ArtifactReader(at: path)
    let error = #expect(throws: FormatError.self) { try reader.read("x") }
    #expect(error?.place == "tensor 'x'")
    #expect(reader.tensor(named: "x") == nil)
    #expect(reader.tensor(named: "I64 [3]")?.shape == [3])
  }

  @Test("a header that a few bytes blow up is refused before it is unpacked")
  func headerBomb() throws {
    let header = [UInt8](repeating: 0x20, count: 8 << 20)
    let frame = try FrameCompressor().compress(header.raw, as: .general)
    var table = SeekTable()
    try table.append(frame: frame, contentSize: header.count)
    try folder.write(frame + table.encoded(), to: "a.zst")
    let error = #expect(throws: FormatError.self) { try ArtifactReader(at: path) }
    #expect(error?.place == "seek table")
    #expect(error?.problem.hasSuffix("bytes for the header, found 8388608") == true)
  }

  @Test("a content size that no memory holds is refused before it is reserved")
  func hugeContent() throws {
    try ArtifactSamples.write(to: path, tensors: ArtifactSamples.fewTensors())
    var bytes = try ArtifactSamples.content(of: path)
    let table = try SeekTable(parsing: bytes.raw)
    // The first entry's content size, set to the format's limit of 1 GiB.
    let entry = table.compressedSize + 8
    bytes[entry + 4] = 0
    bytes[entry + 5] = 0
    bytes[entry + 6] = 0
    bytes[entry + 7] = 0x40
    try folder.write(bytes, to: "a.zst")
    let error = #expect(throws: FormatError.self) { try ArtifactReader(at: path) }
    #expect(error?.place == "seek table")
  }

  // MARK: Decompressed

  /// Writes what `zstd -d` makes of the artifact.
  private func decompress() throws -> String {
    let table = try ArtifactReader(at: path).table
    let file = try MappedFile(at: path)
    var bytes: [UInt8] = []
    for (index, entry) in table.entries.dropLast().enumerated() {
      bytes += try FrameDecompressor().decompress(
        file.bytes.extracting(table.range(of: index)), byteCount: entry.contentSize)
    }
    return try folder.write(bytes, to: "a.safetensors")
  }

  @Test(
    "a decompressed artifact has the same manifest, bytes and files",
    arguments: [TensorLayout.planes, .interleaved])
  func decompressed(layout: TensorLayout) throws {
    try ArtifactSamples.write(to: path, layout: layout, files: ArtifactSamples.files)
    let plain = try decompress()
    #expect(try ArtifactReader.isArtifact(plain))
    let (reader, original) = (try ArtifactReader(at: plain), try ArtifactReader(at: path))
    #expect(reader.isDecompressed && !original.isDecompressed)
    #expect(reader.manifest == original.manifest)
    for tensor in reader.tensors {
      let whole = try original.read(tensor.name)
      #expect(try reader.read(tensor.name, threads: 2) == whole)
      let part = whole.count / 3..<whole.count - whole.count / 5
      #expect(try reader.read(tensor.name, bytes: part) == Array(whole[part]))
    }
    for file in reader.carriedFiles {
      #expect(try reader.readFile(file.name) == original.readFile(file.name))
    }
    let report = try ArtifactVerifier.verify(at: plain, threads: 2)
    #expect(report.frames == nil && report.tensors == reader.tensors.count)
  }

  @Test("a flipped bit in a decompressed artifact is found by whatever reads its tensor")
  func decompressedDamage() throws {
    try ArtifactSamples.write(to: path)
    let plain = try decompress()
    let sound = try ArtifactReader(at: plain)
    let name = "weights \u{e9}\"\\"
    let starts = try #require(sound.plainStarts)
    var bytes = try ArtifactSamples.content(of: plain)
    bytes[starts[try sound.index(of: name)] + 77] ^= 4
    try folder.write(bytes, to: "a.safetensors")
    let reader = try ArtifactReader(at: plain)
    func readFloats() throws {
      var floats = [Float](repeating: 0, count: 5000)
      var span = floats.mutableSpan
      try reader.readFloats(of: name, into: &span)
    }
    for read in [
      { _ = try reader.read(name) }, { _ = try reader.read(name, bytes: 0..<4) }, readFloats,
      { _ = try ArtifactVerifier.verify(at: plain) },
    ] as [() throws -> Void] {
      let error = #expect(throws: FormatError.self) { try read() }
      #expect(error?.place == "tensor \(quoted(name))")
      #expect(error?.problem.hasPrefix("expected SHA-256 ") == true)
    }
    for tensor in reader.tensors where tensor.name != name { _ = try reader.read(tensor.name) }
  }

  @Test("a decompressed artifact that is cut short, or whose header says otherwise")
  func decompressedDefects() throws {
    try ArtifactSamples.write(to: path)
    let plain = try decompress()
    let bytes = try ArtifactSamples.content(of: plain)
    for count in [bytes.count - 1, bytes.count / 2, 9, 8, 0] {
      try folder.write(Array(bytes.prefix(count)), to: "a.safetensors")
      #expect(throws: FormatError.self, "\(count)") { try Checkpoint(opening: plain) }
    }
    var forge = FileForge(seed: 3)
    let header = 8 + Int(bytes.raw.littleEndian64(at: 0))
    for _ in 0..<300 {
      var changed = bytes
      changed[forge.next(below: header)] ^= 1 << UInt8(forge.next(below: 8))
      try folder.write(changed, to: "a.safetensors")
      // Refused, or read as what it says: never a crash.
      _ = try? Checkpoint(opening: plain)
    }
  }
}
