// Reading a manifest strictly: nothing missing, nothing unknown, every value of its kind.

extension ArtifactManifest {
  /// Reads the text of a manifest.
  ///
  /// Throws `.unsupported` for a higher major version and `.badData` for anything that breaks the
  /// schema. Unknown members are passed over only where the file's minor version is newer than
  /// ours; `file` is named in errors.
  package init(parsing text: String, file: String) throws(FormatError) {
    let document: JSONValue
    do throws(JSONError) {
      document = try JSONValue(parsing: Array(text.utf8))
    } catch {
      throw FormatError(
        .badData, file: file, place: "manifest", problem: "byte \(error.offset): \(error.problem)")
    }
    guard let version = document["formatVersion"]?.string.flatMap(Version.init(parsing:)) else {
      throw FormatError(
        .badData, file: file, place: "manifest",
        problem: "'formatVersion': expected a version such as '\(Version.current)', found "
          + (document["formatVersion"].map { $0.excerpt } ?? "none"))
    }
    guard version.major <= Version.current.major else {
      throw FormatError(
        .unsupported, file: file, place: "manifest",
        problem: "format version \(version) is newer than \(Version.current), the newest known",
        hint: "update hh-convert")
    }
    let known = [Version.withoutBlocks, .current].first { $0.major == version.major }
    let isNewer = version.minor > known?.minor ?? .max
    self = try ManifestMembers.reading(document, file: file, tolerant: isNewer) {
      (members) throws(FormatError) in try Self(members: &members, version: version)
    }
  }

  private init(members: inout ManifestMembers, version: Version) throws(FormatError) {
    self.version = version
    _ = try members.string("formatVersion")
    let producer = try members.object("producer") { (members) throws(FormatError) in
      ArtifactDescription.Producer(
        name: try members.string("name"), version: try members.string("version"))
    }
    let architecture = try members.object("architecture") { (members) throws(FormatError) in
      ArtifactDescription.Architecture(
        name: try members.string("name"), config: try members.freeObject("config"))
    }
    let linearAttention =
      members.has("featureMap")
      ? try members.object("featureMap") { (members) throws(FormatError) in
        try LinearAttentionDescription(members: &members)
      } : nil
    frameSize = try members.count("frameSize")
    guard frameSize > 0, frameSize <= Self.maximumFrameSize, frameSize.isMultiple(of: 8) else {
      throw members.problem(
        "'frameSize': expected a multiple of 8 up to \(Self.maximumFrameSize), found \(frameSize)")
    }
    tensors = try members.map("tensors") { (name, members) throws(FormatError) in
      try Tensor(name: name, members: &members)
    }
    files = members.has("files") && version.hasFiles ? try members.files("files") : []
    base =
      members.has("base") && version.hasFiles
      ? try members.object("base") { (members) throws(FormatError) in
        try ArtifactBase(members: &members)
      } : nil
    let provenance = try members.object("provenance") { (members) throws(FormatError) in
      try Provenance(members: &members)
    }
    let stages = try members.list("stages") { (members) throws(FormatError) in
      ArtifactDescription.Stage(
        name: try members.string("name"), losses: try members.freeObject("losses"),
        qualities: try members.freeObject("qualities"))
    }
    description = ArtifactDescription(
      producer: producer, architecture: architecture, linearAttention: linearAttention,
      provenance: provenance, stages: stages,
      state: members.has("state") ? try members.freeObject("state") : nil)
    guard version.hasBlocks || !tensors.contains(where: { $0.layout == .blocks }) else {
      throw members.problem("'layout': expected no blocks before version \(Version.current)")
    }
    try checkFiles(members)
    try checkBase(members)
  }
}

extension ArtifactManifest {
  /// Each carried file must be a tensor of bytes, and each such tensor a file.
  private func checkFiles(_ members: ManifestMembers) throws(FormatError) {
    guard version.hasFiles else { return }
    var stored: [ByteKey: Tensor] = [:]
    for tensor in tensors { stored[ByteKey(tensor.name)] = tensor }
    for file in files {
      guard let tensor = stored.removeValue(forKey: ByteKey(file.tensorName)),
        tensor.dtype == .u8, tensor.shape == [file.bytes], tensor.sha256 == file.sha256,
        tensor.origin == .state
      else {
        throw members.problem(
          "'files.\(file.name)': expected a tensor \(quoted(file.tensorName)) of its bytes")
      }
    }
    for tensor in tensors
    where tensor.name.hasPrefix(CarriedFile.tensorPrefix) && stored[ByteKey(tensor.name)] != nil {
      throw members.problem("tensor \(quoted(tensor.name)): expected a file in 'files', found none")
    }
  }

  /// A tensor lies in the artifact or in its base, not in both.
  private func checkBase(_ members: ManifestMembers) throws(FormatError) {
    guard let base else { return }
    let stored = Set(tensors.map { ByteKey($0.name) })
    for tensor in base.tensors where stored.contains(ByteKey(tensor.name)) {
      throw members.problem("tensor \(quoted(tensor.name)): stored, and in 'base' too")
    }
  }
}

extension ManifestMembers {
  /// Files by their names.
  fileprivate mutating func files(_ key: String) throws(FormatError) -> [CarriedFile] {
    try map(key) { (name, members) throws(FormatError) in
      guard SidecarRules.allows(name) else {
        throw members.problem(
          "expected the plain name of a tokenizer, settings, licence or card file, found "
            + quoted(name))
      }
      let bytes = try members.count("bytes")
      guard bytes <= SidecarRules.maximumSize else {
        throw members.problem(
          "'bytes': expected at most \(SidecarRules.maximumSize), found \(bytes)")
      }
      return CarriedFile(name: name, bytes: bytes, sha256: try members.sha256("sha256"))
    }
  }
}

extension ArtifactBase {
  fileprivate init(members: inout ManifestMembers) throws(FormatError) {
    tensors = try members.map("tensors") { (name, members) throws(FormatError) in
      let dtype: DType = try members.choice("dtype")
      let shape = try members.counts("shape")
      guard let size = SafetensorsWriter.byteCount((name: name, dtype: dtype, shape: shape)) else {
        throw members.problem("'shape': \(shape) has no size in bytes as \(dtype.rawValue)")
      }
      return Tensor(
        name: name, dtype: dtype, shape: shape, sha256: try members.sha256("sha256"),
        byteCount: size)
    }
    files = try members.files("files")
  }
}

extension ArtifactManifest.Version {
  /// Whether carried files and deltas exist in this version.
  fileprivate var hasFiles: Bool { major > 1 || minor >= 1 }
  /// Whether tensors may lie in the blocks of a quantised type.
  fileprivate var hasBlocks: Bool { major > 1 }

  /// Reads `major.minor`, both plain decimal numbers.
  fileprivate init?(parsing text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, let major = Int(parts[0]), let minor = Int(parts[1]),
      major >= 1, minor >= 0, "\(major).\(minor)" == text
    else { return nil }
    self.init(major: major, minor: minor)
  }
}

extension ArtifactManifest.Tensor {
  fileprivate init(name: String, members: inout ManifestMembers) throws(FormatError) {
    let dtype: DType = try members.choice("dtype")
    let shape = try members.counts("shape")
    let layout: TensorLayout = try members.choice("layout")
    // Planes are stored with one dimension more, so that one is kept free.
    let blockType = layout == .blocks ? try members.blockType("block") : nil
    guard shape.count <= SafetensorsHeader.maximumRank - 1,
      let size = TensorLayout.byteCount(name, dtype, shape, blockType: blockType)
    else {
      throw members.problem(
        "'shape': \(shape) has no size in bytes as \(blockType?.name ?? dtype.rawValue)")
    }
    if layout == .planes {
      guard layout.applied(to: dtype) == layout else {
        throw members.problem("'layout': \(dtype.rawValue) has no byte planes")
      }
      let order = try members.value("planeOrder")
      let rotation = try members.value("rotateLeft")
      guard order == Self.planeOrder(of: dtype), rotation == .integer(Self.planeRotation) else {
        throw members.problem(
          "expected planes \(Self.planeOrder(of: dtype).text) rotated by \(Self.planeRotation), "
            + "found \(order.excerpt) rotated by \(rotation.excerpt)")
      }
    }
    self.init(
      name: name, dtype: dtype, shape: shape, layout: layout, blockType: blockType,
      sha256: try members.sha256("sha256"), origin: try members.choice("origin"), byteCount: size)
  }
}

extension ManifestMembers {
  /// A quantised type, which says how long its blocks are so that readers need no list of them.
  fileprivate mutating func blockType(_ key: String) throws(FormatError) -> GGMLType {
    try object(key) { (members) throws(FormatError) in
      let name = try members.string("type")
      let (elements, bytes) = (try members.count("elements"), try members.count("bytes"))
      guard let type = GGMLType.allCases.first(where: { $0.name == name }), type.dtype == nil,
        type.elementsPerBlock == elements, type.bytesPerBlock == bytes
      else {
        throw members.problem(
          "expected a quantised type and the size of its blocks, found \(quoted(name)) of"
            + " \(elements) elements in \(bytes) bytes")
      }
      return type
    }
  }
}

extension Provenance {
  fileprivate init(members: inout ManifestMembers) throws(FormatError) {
    let sources = try members.list("sources") { (members) throws(FormatError) in
      let name = try members.string("name")
      guard !name.isEmpty, !name.utf8.starts(with: "/".utf8) else {
        throw members.problem(
          "'name': expected a name in the model's folder, found \(quoted(name))")
      }
      return Source(
        name: name, bytes: try members.count("bytes"), sha256: try members.sha256("sha256"))
    }
    let data =
      members.has("data")
      ? try members.object("data") { (members) throws(FormatError) in
        Data(
          kind: try members.string("kind"),
          sha256: members.has("sha256") ? try members.sha256("sha256") : nil,
          tokens: try members.count("tokens"))
      } : nil
    self.init(
      sources: sources, recipe: try members.freeObject("recipe"),
      seed: try members.unsigned("seed"), data: data)
  }
}
