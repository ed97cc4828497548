// What other packages get by `import HHFormat`: reading models, whatever their format.

/// A model's weights on disk: safetensors (a file, an index or a folder), GGUF, or an artifact.
///
/// ```swift
/// let model = try ModelFile(opening: "model.gguf")
/// for tensor in model.tensors {
///   print(tensor.name, tensor.storedType, tensor.shape)
/// }
/// let values = try model.floats(of: model.tensors[0].name)
/// ```
///
/// Opening maps the files and checks their headers; a tensor is read when it is asked for, and one
/// of an artifact is checked against its digest then.
public struct ModelFile: Sendable {
  /// What a file says of one tensor.
  public struct Tensor: Sendable, Equatable {
    /// Its name, byte for byte as the file spells it.
    public let name: String
    /// The type of its elements as safetensors names it, such as `F32`. Of a quantised tensor that
    /// is the type of the values that its blocks stand for.
    public let type: String
    /// The type that it is stored in, such as `Q4_K` for a quantised tensor.
    public let storedType: String
    /// Row-major extents, outermost first; empty for a scalar.
    public let shape: [Int]
  }

  /// Why a model cannot be opened or read: one sentence that names the file and the place in it.
  public struct ReadError: Error, CustomStringConvertible {
    private let cause: FormatError

    fileprivate init(_ cause: FormatError) { self.cause = cause }

    /// The sentence, and a hint where there is one.
    public var description: String { "\(cause)" }
  }

  private let checkpoint: Checkpoint
  /// The format that was found: `safetensors`, `gguf` or `artifact`.
  public var format: String { checkpoint.format }
  /// Every tensor, in the order of the files.
  public let tensors: [Tensor]

  /// Opens a model.
  ///
  /// - Parameters:
  ///   - path: A file, or the folder of a safetensors or GGUF model.
  ///   - base: The model that a delta was made from.
  /// - Throws: `ReadError` for files that are missing, damaged, or of another format.
  public init(opening path: String, base: String? = nil) throws(ReadError) {
    do throws(FormatError) {
      let checkpoint = try Checkpoint(opening: path, base: base)
      self.checkpoint = checkpoint
      tensors = try checkpoint.tensors.map { (tensor) throws(FormatError) in
        Tensor(
          name: tensor.name, type: tensor.dtype.rawValue,
          storedType: try checkpoint.storedType(of: tensor.name), shape: tensor.shape)
      }
    } catch {
      throw ReadError(error)
    }
  }

  /// The elements of a floating-point tensor in row-major order; of a quantised one the values that
  /// its blocks stand for. Types of 64 bits are rounded.
  ///
  /// - Throws: `ReadError` for a name or a type that is none, and for bytes that are damaged.
  public func floats(of name: String) throws(ReadError) -> [Float] {
    do throws(FormatError) {
      var values = [Float](
        repeating: 0, count: checkpoint.descriptor(named: name)?.elementCount ?? 0)
      var output = values.mutableSpan
      try checkpoint.readFloats(of: name, into: &output)
      return values
    } catch {
      throw ReadError(error)
    }
  }

  /// The bytes of a tensor, little-endian and row-major, in the type `type`.
  ///
  /// - Throws: As `floats(of:)`.
  public func bytes(of name: String) throws(ReadError) -> [UInt8] {
    do throws(FormatError) {
      return try checkpoint.withBytes(of: name) { (bytes) in bytes.copied() }
    } catch {
      throw ReadError(error)
    }
  }
}
