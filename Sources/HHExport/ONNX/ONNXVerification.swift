// Reading an ONNX model back after it was written.

internal import HHFormat
internal import HHModel
internal import HHTraining

/// Compares the files of a model with what they should hold.
struct ONNXVerification {
  let file: ONNXFile
  /// The digests of the weights as they were written.
  let digests: [String]
  /// What the model is called in messages.
  let output: String

  /// Reads everything back.
  ///
  /// - Throws: `PipelineError.unfaithful` where something differs, and what `report` throws.
  func run(in folder: borrowing StagingFolder, report: ProgressReport) throws {
    let model = try MappedFile(at: folder.path(ONNXFile.name))
    let beginning = file.beginning.bytes
    guard model.count == file.byteCount,
      model.bytes.extracting(0..<beginning.count).isEqual(to: beginning.raw)
    else { throw unfaithful("expected the graph that was written, found another") }
    let total = file.weights.reduce(0) { $0 + $1.byteCount }
    var (offset, done) = (beginning.count, 0)
    var besides: [String: MappedFile] = [:]
    for (index, weight) in file.weights.enumerated() {
      let frame = file.frames[index].bytes
      guard model.bytes.extracting(offset..<offset + frame.count).isEqual(to: frame.raw) else {
        throw unfaithful("expected tensor \(quoted(weight.name)), found another")
      }
      offset += frame.count
      let (data, start): (MappedFile, Int)
      if file.places.isEmpty {
        (data, start) = (model, offset)
        offset += weight.byteCount
      } else {
        let place = file.places[index]
        let opened = try besides[place.file] ?? MappedFile(at: folder.path(place.file))
        besides[place.file] = opened
        (data, start) = (opened, place.offset)
      }
      let range = start..<start + weight.byteCount
      guard range.upperBound <= data.count, Self.digest(of: range, in: data) == digests[index]
      else {
        throw unfaithful(
          "tensor \(quoted(weight.name)): expected other bytes than those found")
      }
      done += weight.byteCount
      try report(.verified(bytes: done, of: total))
    }
  }

  private static func digest(of range: Range<Int>, in file: MappedFile) -> String {
    let bytes = file.bytes
    return ContentDigest.of(bytes.extracting(range))
  }

  private func unfaithful(_ problem: String) -> PipelineError {
    .unfaithful(file: output, problem: problem)
  }
}
