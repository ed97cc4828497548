// hh-bench codec: raw elements into an artifact and back.

import ArgumentParser
import Dispatch
import HHFormat
import Synchronization

struct Codec: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes a file of raw elements as an artifact, and reads it back.",
    discussion: """
      Writing is everything an artifact needs: SHA-256 of every tensor, byte planes, zstd with \
      checksums, digests of the frames, the file itself. Reading decompresses every tensor into \
      memory and checks every frame's checksum. Put the output on a memory file system to leave \
      the disk out.
      """)

  @Argument(help: "Little-endian elements and nothing else.")
  var file: String

  @Option(help: "The elements' type, such as BF16 or F32.")
  var dtype = "BF16"

  @Option(name: .shortAndLong, help: "The artifact to write and remove.")
  var output: String

  @Option var threads = 2
  @Option var rounds = 1

  /// Bytes of a tensor: the size of a matrix of a small model.
  private static let tensorSize = 32 << 20

  func run() throws {
    guard let type = DType(rawValue: dtype) else {
      throw ValidationError("--dtype: expected a safetensors type, found '\(dtype)'")
    }
    let mapped = try MappedFile(at: file)
    let width = type.bitWidth / 8
    let tensors = stride(from: 0, to: mapped.count / width * width, by: Self.tensorSize).map {
      let end = min($0 + Self.tensorSize, mapped.count / width * width)
      return ArtifactTensor(
        TensorDescriptor(
          name: "\($0)", dtype: type, shape: [(end - $0) / width], byteRange: $0..<end),
        in: mapped)
    }
    // Into memory first: what is timed is not the disk.
    _ = ContentDigest.of(mapped.bytes)
    for _ in 0..<rounds {
      let names = tensors.map(\.name)
      var summary: ArtifactSummary?
      let writing = try seconds {
        summary = try ArtifactWriter.write(
          to: output, description: Self.description, tensors: tensors,
          options: ArtifactOptions(replacing: true, threads: threads))
      }
      let reading = try seconds { try read(names) }
      let line: JSONObject = [
        "bytes": .integer(summary?.rawBytes ?? 0),
        "artifact_bytes": .integer(summary?.bytes ?? 0), "threads": .integer(threads),
        "compress_seconds": .number(writing), "decompress_seconds": .number(reading),
      ]
      print(JSONValue.object(line).text)
    }
  }

  /// Reads every tensor into memory of its own, several at a time.
  private func read(_ names: [String]) throws {
    let reader = try ArtifactReader(at: output)
    let next = Atomic(0)
    let failure = Mutex<FormatError?>(nil)
    DispatchQueue.concurrentPerform(iterations: threads) { _ in
      while true {
        let index = next.add(1, ordering: .relaxed).oldValue
        guard index < names.count else { return }
        do throws(FormatError) {
          _ = try reader.read(names[index])
        } catch {
          failure.withLock { $0 = error }
        }
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }

  private static let description = ArtifactDescription(
    producer: .init(name: "hh-bench", version: "0"),
    architecture: .init(name: "llama", config: [:]),
    provenance: Provenance(sources: [], recipe: [:], seed: 0))
}
