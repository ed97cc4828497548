// A GGUF model in several files.

/// The name of one of several files, `STEM-00001-of-00003.gguf`.
struct GGUFPartName {
  /// The part before the numbers.
  let stem: String
  /// The number of this file, from 1.
  let number: Int
  /// The number of files.
  let count: Int

  /// The first name of a set of files.
  init(stem: String, count: Int) {
    self.stem = stem
    number = 1
    self.count = count
  }

  /// Parses a file name; nil where it is not the name of a part.
  init?(_ name: String) {
    let parts = name.split(separator: "-", omittingEmptySubsequences: false)
    guard name.hasSuffix(".gguf"), parts.count >= 4, parts[parts.count - 2] == "of",
      let number = Self.number(parts[parts.count - 3]),
      let count = Self.number(parts[parts.count - 1].dropLast(".gguf".count))
    else { return nil }
    stem = parts.dropLast(3).joined(separator: "-")
    self.number = number
    self.count = count
  }

  /// The name of another file of the same set.
  func sibling(_ number: Int) -> String {
    "\(stem)-\(number.digits(atLeast: 5))-of-\(count.digits(atLeast: 5)).gguf"
  }

  private static func number(_ text: Substring) -> Int? {
    text.utf8.count == 5 && text.utf8.allSatisfy { (48..<58).contains($0) } ? Int(text) : nil
  }
}

extension GGUFFile {
  /// Opens a model's file and, where it is the first of several, the others in order.
  ///
  /// The rules are those of llama.cpp's loader: the first file says how many there are
  /// (`split.count`) and how many tensors in all (`split.tensors.count`), each knows its own number
  /// (`split.no`, from 0), and no tensor occurs twice. A part that is a link into another folder
  /// than the first part's is refused.
  static func openAll(startingAt path: String) throws(FormatError) -> [GGUFFile] {
    let first = try GGUFFile(at: path)
    let count = try first.splitKey("split.count") ?? 1
    guard count > 1 else { return [first] }
    guard let name = GGUFPartName(lastComponent(of: path)), name.count == count else {
      throw FormatError(
        .badData, file: path, place: "key 'split.count'",
        problem: "expected a file named 'NAME-00001-of-\(count).gguf' (five digits each), found "
          + quoted(lastComponent(of: path)))
    }
    try first.check("split.no", is: 0, hint: "pass '\(name.sibling(1))' instead")
    var files = [first]
    let confinement = try Confinement(
      to: directory(of: path), directory(of: try resolvedPath(path)))
    for number in 1..<count {
      let path = join(directory(of: path), name.sibling(number + 1))
      if let target = try confinement.escape(of: path) {
        throw FormatError(
          .badData, file: path,
          problem: "expected a file in the folder of the first part, found a link to "
            + quoted(target))
      }
      let file = try GGUFFile(at: path)
      try file.check("split.no", is: number)
      try file.check("split.count", is: count)
      files.append(file)
    }
    try checkTensors(of: files)
    return files
  }

  private static func checkTensors(of files: [GGUFFile]) throws(FormatError) {
    var names: [ByteKey: String] = [:]
    for file in files {
      for tensor in file.tensors {
        if let other = names.updateValue(file.path, forKey: ByteKey(tensor.name)) {
          throw FormatError(
            .badData, file: file.path, place: "tensor \(quoted(tensor.name))",
            problem: "expected each tensor in one file, found it in \(quoted(other)) too")
        }
      }
    }
    try files[0].check("split.tensors.count", is: names.count)
  }

  private func splitKey(_ key: String) throws(FormatError) -> Int? {
    guard let value = header[key] else { return nil }
    guard let number = value.integer, (0..<100_000).contains(number) else {
      throw FormatError(
        .badData, file: path, place: "key '\(key)'",
        problem: "expected a whole number below 100000, found \(value.text)")
    }
    return number
  }

  private func check(_ key: String, is expected: Int, hint: String? = nil) throws(FormatError) {
    let found = try splitKey(key)
    guard found == expected else {
      throw FormatError(
        .badData, file: path, place: "key '\(key)'",
        problem: "expected \(expected), found \(found.map { "\($0)" } ?? "none")", hint: hint)
    }
  }
}
