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
}
