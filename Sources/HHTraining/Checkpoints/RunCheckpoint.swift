// One checkpoint of a run: numbers and tensors from which the rest of the run follows.

package import HHCompute
package import HHFormat

/// The state of a run between two steps.
package struct RunState {
  /// Numbers and words.
  package var numbers: JSONObject = [:]
  /// Tensors of floats, by names of their own.
  package var tensors: [(name: String, values: FloatBuffer)] = []

  /// Takes every member as it is.
  package init(numbers: JSONObject = [:], tensors: [(name: String, values: FloatBuffer)] = []) {
    self.numbers = numbers
    self.tensors = tensors
  }
}

/// A checkpoint as a file in the artifact's format, all of whose tensors are training state.
package struct RunCheckpoint {
  private let reader: ArtifactReader
  /// What helps where the file is damaged.
  private let remedy: String

  /// Opens a checkpoint; `remedy` is the hint of errors about what is in it.
  package init(at path: String, remedy: String) throws(FormatError) {
    self.remedy = remedy
    // Moments are zero at first; each tensor is read into the room that the model has for it.
    reader = try Self.hinting(remedy) { () throws(FormatError) in
      try ArtifactReader(at: path, limit: .none)
    }
  }

  /// The path as given.
  package var path: String { reader.path }

  /// What the checkpoint says of itself.
  package var description: ArtifactDescription { reader.manifest.description }

  /// The numbers and words of the state.
  package var numbers: JSONObject { description.state ?? [:] }

  /// Reads a tensor into a buffer of its size.
  ///
  /// - Throws: `badData` where the checkpoint has no such tensor, or one of another size.
  package func read(_ name: String, into buffer: FloatBuffer) throws(FormatError) {
    try Self.hinting(remedy) { () throws(FormatError) in try readAll(name, into: buffer) }
  }

  private func readAll(_ name: String, into buffer: FloatBuffer) throws(FormatError) {
    guard let tensor = reader.tensor(named: name), tensor.dtype == .f32,
      tensor.byteCount == 4 * buffer.count
    else {
      throw FormatError(
        .badData, file: reader.path, place: "tensor \(quoted(name))",
        problem: "expected \(buffer.count) values of float32, found "
          + (reader.tensor(named: name).map { "\($0.dtype.rawValue) \($0.shape)" } ?? "none"))
    }
    try reader.checkDigest(of: name)
    var values = buffer.mutableSpan
    try reader.readFloats(of: name, into: &values)
  }

  /// Gives errors about a file's content a hint.
  private static func hinting<T>(
    _ remedy: String, _ body: () throws(FormatError) -> T
  ) throws(FormatError) -> T {
    do {
      return try body()
    } catch {
      guard error.kind == .badData else { throw error }
      throw FormatError(
        .badData, file: error.file, place: error.place, problem: error.problem, hint: remedy)
    }
  }

  /// Writes a checkpoint, which appears under its name only when it is whole and on disk.
  package static func write(
    _ state: RunState, to path: String, description: ArtifactDescription, threads: Int
  ) throws(FormatError) {
    var description = description
    description.state = state.numbers
    _ = try ArtifactWriter.write(
      to: path, description: description,
      tensors: state.tensors.map { tensor in
        ArtifactTensor(
          name: tensor.name, dtype: .f32, shape: [tensor.values.count], origin: .state,
          byteCount: 4 * tensor.values.count
        ) { (range, body) throws(FormatError) in
          // Safe: floats have no padding.
          try body(unsafe tensor.values.span.bytes.extracting(range))
        }
      }, options: ArtifactOptions(threads: threads))
  }
}
