// Checking every bit of an artifact.

/// What a check of a sound artifact covered.
package struct ArtifactReport: Sendable, Equatable {
  /// Bytes of the file.
  package let bytes: Int
  /// Frames with content: the header's and the tensors'; nil for an artifact that was decompressed,
  /// in which nothing but the manifest's structure vouches for the header.
  package let frames: Int?
  /// Tensors.
  package let tensors: Int
  /// Bytes of the tensors before compression.
  package let rawBytes: Int
}

/// Checks artifacts.
package enum ArtifactVerifier {
  /// Checks the container, the seek table, the manifest against its schema and the header, the
  /// digest of every compressed frame, every frame's checksum and every tensor's SHA-256.
  ///
  /// A single flipped bit anywhere in the file is found. The error names the place: a tensor,
  /// `header`, `manifest`, `frame digests` or `seek table`; where more tensors are damaged than the
  /// first, its hint lists them. Memory holds one chunk for each thread.
  ///
  /// A decompressed artifact has no digest of its header, and no frames: only its tensors are checked
  /// bit by bit.
  package static func verify(
    at path: String, threads: Int = 1
  ) throws(FormatError) -> ArtifactReport {
    let reader = try ArtifactReader(at: path)
    if !reader.isDecompressed {
      let found = try digestsOfFrames(reader, threads: threads)
      try checkDigests(found, reader)
    }
    try checkTensors(reader, threads: threads)
    return ArtifactReport(
      bytes: reader.byteCount, frames: reader.isDecompressed ? nil : reader.digestFrame,
      tensors: reader.tensors.count,
      rawBytes: reader.tensors.reduce(0) { $0 + $1.byteCount })
  }

  private static func digestsOfFrames(
    _ reader: ArtifactReader, threads: Int
  ) throws(FormatError) -> [[UInt8]] {
    let file = reader.file
    return try concurrentMap(count: reader.digestFrame, threads: threads) {
    } _: { (_, index) throws(FormatError) in
      FrameDigests.digest(of: file.bytes.extracting(reader.table.range(of: index)))
    }
  }

  private static func checkDigests(
    _ found: [[UInt8]], _ reader: ArtifactReader
  ) throws(FormatError) {
    let file = reader.file
    let list = file.bytes.extracting(reader.table.range(of: reader.digestFrame))
    guard let digests = FrameDigests(parsing: list, count: found.count) else {
      throw FormatError(
        .badData, file: reader.path, place: "frame digests",
        problem: "the list does not agree with its own SHA-256")
    }
    let damaged = found.indices.filter { !digests.agrees(found[$0], at: $0) }
    try report(
      damaged.map { place(ofFrame: $0, reader) }, reader,
      problem: "the compressed bytes do not agree with their digest")
    // The frames are sound from here on, so a checksum that differs is the table's fault.
    for (index, entry) in reader.table.entries.dropLast().enumerated() {
      let end = reader.table.range(of: index).upperBound
      let checksum = file.bytes.littleEndian32(at: end - 4)
      guard checksum == entry.checksum else {
        throw FormatError(
          .badData, file: reader.path, place: "seek table",
          problem: "frame \(index): expected checksum \(checksum), found \(entry.checksum)")
      }
    }
  }

  private static func checkTensors(
    _ reader: ArtifactReader, threads: Int
  ) throws(FormatError) {
    let errors = try concurrentMap(count: reader.tensors.count, threads: threads) {
    } _: { (_, index) throws(FormatError) -> FormatError? in
      do throws(FormatError) {
        try reader.checkDigest(of: reader.tensors[index].name)
        return nil
      } catch {
        return error
      }
    }.compactMap(\.self)
    guard let first = errors.first else { return }
    throw FormatError(
      first.kind, file: first.file, place: first.place, problem: first.problem,
      hint: hint(errors.map(\.place)))
  }

  private static func place(ofFrame index: Int, _ reader: ArtifactReader) -> String {
    guard index > 0 else { return "header" }
    let tensor = reader.frames.firstIndex { $0.first <= index && index < $0.end }
    return tensor.map { "tensor \(quoted(reader.tensors[$0].name))" } ?? "frame \(index)"
  }

  private static func report(
    _ places: [String], _ reader: ArtifactReader, problem: String
  ) throws(FormatError) {
    guard let first = places.first else { return }
    throw FormatError(
      .badData, file: reader.path, place: first, problem: problem, hint: hint(places))
  }

  /// Names up to five damaged places where there are several.
  private static func hint(_ places: [String]) -> String? {
    var distinct: [String] = []
    for place in places where distinct.last != place { distinct.append(place) }
    guard distinct.count > 1 else { return nil }
    let more = distinct.count > 5 ? " and \(distinct.count - 5) more" : ""
    return "\(distinct.count) places are damaged: "
      + distinct.prefix(5).joined(separator: ", ") + more
  }
}
