// hh-bench dequantize: our decoders of ggml blocks beside ggml's own, call by call.

import ArgumentParser
import Glibc
import HHFormat

struct Dequantize: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Decodes blocks with our kernels and with a shared library made from ggml.",
    discussion: """
      The two take turns on the same blocks, on one thread, and must give the same bits. \
      Benchmarks/peers/ggml builds the library.
      """)

  @Option(help: "The shared library with dequantize_row_….")
  var peer: String

  @Option(help: "Elements of a call; the default stays in the cache.")
  var elements = 1 << 16

  @Option var rounds = 25

  private typealias Decoder =
    @convention(c) (UnsafeRawPointer?, UnsafeMutablePointer<Float>?, Int)
    -> Void

  func run() throws {
    // Safe: the path is passed as a C string; the library stays open to the end.
    guard let library = unsafe dlopen(peer, RTLD_LAZY | RTLD_LOCAL) else {
      throw ValidationError("--peer: '\(peer)' cannot be loaded")
    }
    for type in [GGMLType.q8_0, .q4_0, .q4K, .q6K] {
      let name = "dequantize_row_" + type.name.lowercased().replacing("_k", with: "_K")
      guard let symbol = unsafe dlsym(library, name) else {
        throw ValidationError("--peer: '\(peer)' has no \(name)")
      }
      // Safe: ggml declares all of these as (const void *, float *, int64_t).
      try unsafe compare(type, with: unsafeBitCast(symbol, to: Decoder.self))
    }
  }

  private func compare(_ type: GGMLType, with decoder: Decoder) throws {
    let count = elements / type.elementsPerBlock * type.elementsPerBlock
    let blocks = Self.blocks(of: type, count: count / type.elementsPerBlock)
    var ours = [Float](repeating: 0, count: count)
    var theirs = ours
    let calls = max(1, (1 << 22) / count)
    var (mine, peers): ([Double], [Double]) = ([], [])
    for _ in 0..<rounds {
      mine.append(
        seconds {
          for _ in 0..<calls {
            var output = ours.mutableSpan
            type.dequantize(blocks.raw, to: &output)
          }
        })
      peers.append(
        // Safe: the decoder reads the blocks and writes `count` floats.
        unsafe blocks.withUnsafeBytes { source in
          unsafe theirs.withUnsafeMutableBufferPointer { target in
            seconds {
              for _ in 0..<calls { unsafe decoder(source.baseAddress, target.baseAddress, count) }
            }
          }
        })
    }
    let isEqual = zip(ours, theirs).allSatisfy { $0.bitPattern == $1.bitPattern }
    let total = Double(calls * count)
    let line: JSONObject = [
      "type": .string(type.name), "same_bits": .bool(isEqual),
      "ours_elements_per_second": .number(total / median(mine)),
      "ggml_elements_per_second": .number(total / median(peers)),
    ]
    print(JSONValue.object(line).text)
  }

  /// Blocks of any quants, with scales that are ordinary numbers.
  private static func blocks(of type: GGMLType, count: Int) -> [UInt8] {
    var state: UInt64 = 1
    var bytes = (0..<count * type.bytesPerBlock).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 56)
    }
    // Where a block keeps its float16 scales.
    let scales = type == .q6K ? [208] : type == .q4K ? [0, 2] : [0]
    for block in 0..<count {
      for scale in scales {
        // 2^-9 to 2^-8.
        bytes[block * type.bytesPerBlock + scale + 1] = 0x18
      }
    }
    return bytes
  }
}
