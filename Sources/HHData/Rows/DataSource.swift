// A data file read for a model: which reader takes it, and what comes of it.

package import HHFormat

/// Data read from a file, with what provenance needs to know of it.
package struct DataSource: Sendable {
  /// The rows.
  package let rows: DataRows
  /// The file, as the user named it.
  package let path: String
  /// SHA-256 of the file's bytes, in hexadecimal.
  package let digest: String
  /// Tokens that did not fill a row and were left out; 0 for images.
  package let droppedTokenCount: Int

  /// What the rows are for.
  package enum Purpose: Sendable, Equatable {
    /// Rows of this many consecutive tokens.
    case decoder(length: Int)
    /// Rows of this many tokens, `[CLS]` and `[SEP]` among them; with the names of classes also
    /// labelled texts, and pairs of them unless the model has a single token type.
    case encoder(length: Int, classes: [String]? = nil, tokenTypes: Int = 0)
    /// Images of this shape.
    case images(ImageShape)
  }

  /// Reads a file for a model.
  ///
  /// Tokens come from `.npy` (a stream of ids, or rows that already have the length), from `.bin`
  /// (`.u32.bin` holds 32-bit ids, any other 16-bit ones), or from anything else as UTF-8 text
  /// through `tokenizer`: of a `.tsv`, `.csv` or JSON file the texts of one column. Images come from
  /// `.npy` or IDX; labels are read where a file of MNIST's naming lies beside. `files` are the
  /// model's, for the normalisation of images; `columns` names the columns of texts.
  ///
  /// Throws a `FormatError` where the file cannot be read, does not fit the model, holds an id
  /// outside `vocabularySize`, or is too short for one row.
  package init(
    at path: String, for purpose: Purpose, tokenizer: (any Tokenizer)?, vocabularySize: Int,
    files: ModelFiles, columns: [String]? = nil
  ) throws(FormatError) {
    self.path = path
    guard try PathKind(of: path) == .regularFile else {
      throw FormatError(
        .badData, file: path, problem: "expected a file, found a folder, a pipe or a device")
    }
    if columns != nil { try Self.requireColumns(path, purpose) }
    digest = try ContentDigest.ofFile(at: path).sha256
    switch purpose {
    case .images(let shape):
      rows = .images(try Self.images(at: path, shape, files: files))
      droppedTokenCount = 0
    case .encoder(let length, let classes?, let tokenTypes)
    where try TextTable.hasLabels(at: path, columns):
      let limits = TextLimits(
        length: length, vocabularySize: vocabularySize, tokenTypeCount: tokenTypes)
      let text = try LabelledText(classificationAt: path, classes: classes, columns: columns)
      rows = try Self.texts(text, at: path, tokenizer, limits)
      droppedTokenCount = 0
    case .decoder(let length), .encoder(let length, _, _):
      var frame = TokenFrame()
      if case .encoder = purpose, let special = tokenizer?.special {
        frame.prefix = special.cls.map { [$0] } ?? []
        frame.suffix = special.sep.map { [$0] } ?? []
      }
      let (rows, droppedTokenCount) = try Self.tokens(
        at: path, length, frame: frame, tokenizer, vocabularySize, columns)
      self.rows = .tokens(rows)
      self.droppedTokenCount = droppedTokenCount
    }
  }

  /// Refuses data that no columns can be named of: they would be passed over.
  private static func requireColumns(_ path: String, _ purpose: Purpose) throws(FormatError) {
    let found: String
    if case .images = purpose {
      found = "images"
    } else {
      guard [".npy", ".bin"].contains(where: path.lowercased().hasSuffix) else { return }
      found = "token ids"
    }
    throw FormatError(
      .badData, file: path,
      problem: "expected rows with columns for --column (.tsv, .csv, .json, .jsonl), found "
        + found)
  }

  private static func tokens(
    at path: String, _ length: Int, frame: TokenFrame, _ tokenizer: (any Tokenizer)?,
    _ vocabularySize: Int, _ columns: [String]?
  ) throws(FormatError) -> (rows: TokenRows, droppedTokenCount: Int) {
    let name = path.lowercased()
    let stream: [Int32]
    if name.hasSuffix(".npy") {
      let array = try DataArray(numpyAt: path)
      stream = try array.tokenIDs(vocabularySize: vocabularySize)
      if array.shape.count == 2, !stream.isEmpty {
        guard array.shape[1] == length else {
          throw FormatError(
            .badData, file: path,
            problem: "expected rows of \(length) tokens, found \(array.shape)",
            remedy: "use \(.length, "\(array.shape[1])"), or save the ids as one stream")
        }
        return (TokenRows(ids: stream, length: length), 0)
      }
      guard array.shape.count <= 2 else {
        throw FormatError(
          .badData, file: path, problem: "expected [tokens] or [rows, tokens], found \(array.shape)"
        )
      }
    } else if name.hasSuffix(".bin") {
      stream = try DataArray(rawIDsAt: path).tokenIDs(vocabularySize: vocabularySize)
    } else {
      stream = try textTokens(at: path, tokenizer, vocabularySize, columns)
    }
    try checkTokens(
      frame.prefix + frame.suffix, vocabularySize: vocabularySize, file: path, part: "the frame")
    let rows = try TokenRows(stream: stream, length: length, frame: frame, file: path)
    let body = length - frame.prefix.count - frame.suffix.count
    return (rows, stream.count - rows.count * body)
  }

  /// Labelled texts, or pairs of them, as rows.
  private static func texts(
    _ text: LabelledText, at path: String, _ tokenizer: (any Tokenizer)?, _ limits: TextLimits
  ) throws(FormatError) -> DataRows {
    let vocabularySize = limits.vocabularySize
    let examples = text.examples
    guard let tokenizer, tokenizer.vocabularySize <= vocabularySize else {
      throw FormatError(
        .unsupported, file: path,
        problem: "expected a tokenizer of at most \(vocabularySize) tokens beside the model, found "
          + (tokenizer.map { "one of \($0.vocabularySize)" } ?? "none"),
        hint: "put the model's tokenizer.json or vocab.txt beside it")
    }
    return .texts(
      try PaddedTexts(
        examples.map { ($0.first, $0.second) }, tokenizer: tokenizer, limits: limits, file: path),
      labels: examples.map { Int32($0.label) })
  }

  private static func textTokens(
    at path: String, _ tokenizer: (any Tokenizer)?, _ vocabularySize: Int, _ columns: [String]?
  ) throws(FormatError) -> [Int32] {
    if try DataArray.isIDX(at: path) {
      throw FormatError(
        .badData, file: path, problem: "expected text or token ids, found an IDX file")
    }
    guard let tokenizer else {
      throw FormatError(
        .unsupported, file: path, problem: "the model has no tokenizer, so text cannot be read",
        hint: "give token ids as a .npy or .bin file, or put tokenizer.json beside the model")
    }
    let ids = tokenizer.encode(try plainText(at: path, columns))
    try checkTokens(ids, vocabularySize: vocabularySize, file: path)
    return ids
  }

  private static func images(
    at path: String, _ shape: ImageShape, files: ModelFiles
  ) throws(FormatError) -> ImageSet {
    let normalization = try ImageNormalization(files, channels: shape.channels)
    if path.lowercased().hasSuffix(".npy") {
      let array = try DataArray(numpyAt: path)
      return try ImageSet(array, shape: shape, normalization: normalization)
    }
    guard try DataArray.isIDX(at: path) else {
      throw FormatError(
        .unsupported, file: path, problem: "expected images as .npy or IDX, found neither",
        hint: "a compressed file must be decompressed first")
    }
    let array = try DataArray(idxAt: path)
    return try ImageSet(
      array, shape: shape, normalization: normalization, labels: try labels(of: path))
  }

  private static func labels(of path: String) throws(FormatError) -> [Int32]? {
    guard let file = labelsFile(of: path) else { return nil }
    return try DataArray(idxAt: file).tokenIDs(vocabularySize: 256)
  }

  /// The file of labels beside a data file, where there is one. MNIST's naming:
  /// `train-images-idx3-ubyte` goes with `train-labels-idx1-ubyte`.
  package static func labelsFile(of path: String) -> String? {
    let name = lastComponent(of: path)
    guard let range = name.firstRange(of: "images-idx3") else { return nil }
    let file = join(
      HHFormat.directory(of: path), name.replacingCharacters(in: range, with: "labels-idx1"))
    return isPresent(file) ? file : nil
  }
}

extension String {
  fileprivate func replacingCharacters(
    in range: Range<String.Index>, with text: String
  ) -> String {
    String(self[..<range.lowerBound] + text + self[range.upperBound...])
  }
}
