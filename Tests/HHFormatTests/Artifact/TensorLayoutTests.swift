import HHTestSupport
import Testing

@testable import HHFormat

@Suite("TensorLayout")
struct TensorLayoutTests {
  @Test("only floats of 16 and 32 bits have planes")
  func types() {
    for dtype in DType.allCases {
      let layout = TensorLayout.planes.applied(to: dtype)
      #expect(layout == (dtype.isStorable ? .planes : .interleaved))
      #expect(layout.planeCount(of: dtype) == (dtype.isStorable ? dtype.bitWidth / 8 : 1))
      #expect(TensorLayout.interleaved.applied(to: dtype) == .interleaved)
    }
  }

  @Test(
    "frames of every plane cover the tensor once", arguments: [0, 1, 7, 8, 9, 16, 17],
    [TensorLayout.planes, .interleaved])
  func frames(elements: Int, layout: TensorLayout) {
    let frames = TensorFrames(
      ArtifactManifest.Tensor(
        name: "w", dtype: .bf16, shape: [elements], layout: layout, sha256: "", origin: .kept,
        byteCount: 2 * elements), first: 3, frameSize: 8)
    #expect(frames.planeCount == (layout == .planes ? 2 : 1))
    #expect(frames.end == 3 + frames.count)
    #expect(frames.count == frames.planeCount * frames.chunkCount)
    let chunks = 0..<frames.chunkCount
    #expect(chunks.flatMap(frames.planeRange) == Array(0..<frames.planeSize))
    #expect(chunks.flatMap(frames.elementRange) == Array(0..<2 * elements))
    #expect(chunks.allSatisfy { (1...8).contains(frames.planeRange(ofChunk: $0).count) })
    let numbers = (0..<frames.planeCount).flatMap { plane in
      chunks.map { frames.frame(plane: plane, chunk: $0) }
    }
    #expect(numbers == Array(3..<frames.end))
  }

  @Test("blocks have the bytes of whole rows, of float32 only")
  func blocks() {
    #expect(TensorLayout.byteCount("w", .f32, [3, 64], blockType: .q4_1) == 3 * 2 * 20)
    #expect(TensorLayout.byteCount("w", .f32, [0, 64], blockType: .q4_1) == 0)
    #expect(TensorLayout.byteCount("w", .f32, [64, 3], blockType: .q4_1) == nil)
    #expect(TensorLayout.byteCount("w", .f16, [3, 64], blockType: .q4_1) == nil)
    #expect(TensorLayout.byteCount("w", .f32, [], blockType: .q4_1) == nil)
    #expect(TensorLayout.byteCount("w", .f32, [3, 3], blockType: nil) == 36)
  }

  @Test("a manifest says what blocks are, and one that contradicts itself is refused")
  func blocksInManifest() throws {
    let manifest = ArtifactManifest(
      version: .current, description: ArtifactSamples.description, frameSize: 1024,
      tensors: [
        ArtifactManifest.Tensor(
          name: "w", dtype: .f32, shape: [2, 32], layout: .blocks, blockType: .q4_1,
          sha256: ContentDigest.zeros, origin: .kept, byteCount: 40)
      ])
    let text = manifest.json.text
    #expect(try ArtifactManifest(parsing: text, file: "a") == manifest)
    for (old, new) in [
      (#""2.0""#, #""1.1""#), (#""Q4_1""#, #""F32""#), (#""Q4_1""#, #""Q4_9""#),
      (#""bytes":20"#, #""bytes":18"#), (#""elements":32"#, #""elements":16"#),
      ("[2,32]", "[2,33]"), (#""dtype":"F32""#, #""dtype":"F16""#),
      (#""layout":"blocks""#, #""layout":"interleaved""#),
    ] {
      #expect(text.contains(old))
      #expect(throws: FormatError.self, "\(old)") {
        try ArtifactManifest(parsing: text.replacing(old, with: new), file: "a")
      }
    }
  }

  @Test("a tensor about to be written has the frames that it will be read from")
  func written() {
    for tensor in ArtifactSamples.tensors() {
      let planned = TensorFrames(tensor, options: ArtifactOptions(layout: .planes, frameSize: 1024))
      let found = TensorFrames(
        ArtifactManifest.Tensor(
          name: tensor.name, dtype: tensor.dtype, shape: tensor.shape,
          layout: TensorLayout.planes.applied(to: tensor.dtype), sha256: "", origin: .kept,
          byteCount: tensor.byteCount), first: 0, frameSize: 1024)
      #expect(planned == found)
    }
  }
}
