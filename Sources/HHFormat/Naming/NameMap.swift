// Which tensor of a checkpoint plays which role: every tensor accounted for, none twice.

internal import OrderedCollections

/// The tensors of one checkpoint sorted into the roles of its architecture.
package struct NameMap: Sendable {
  /// A tensor and its role.
  package struct Entry: Sendable {
    package let role: String
    package let tensor: TensorDescriptor
    /// True where the matrix is stored [input, output] instead of [output, input].
    package let isInputMajor: Bool
  }

  package let schema: ArchitectureSchema
  package let hyperparameters: Hyperparameters
  /// Tensors with a role, in file order.
  package let entries: [Entry]
  /// Tensors left out by a rule of the schema, with the reason.
  package let dropped: [(tensor: TensorDescriptor, why: String)]
  /// Whether the checkpoint has names under which the reference implementation does not read it: with
  /// what training programs put before them, or one of a tied pair in the place of the other.
  package let hasForeignNames: Bool
  /// The head that counts; nil for a model without any.
  package let head: ArchitectureSchema.Head?
  private let byRole: [String: Int]
  private let ties: [String: String]

  /// The tensor that plays a role: its own, or the one it is tied to where it is absent and the
  /// model ties its head.
  package subscript(role: String) -> Entry? {
    if let index = byRole[role] { return entries[index] }
    return ties[role].flatMap { byRole[$0] }.map { entries[$0] }
  }

  /// Whether the checkpoint holds a tensor for this role itself.
  package func holds(_ role: String) -> Bool { byRole[role] != nil }

  /// Sorts a checkpoint's tensors into roles.
  ///
  /// Fails where a tensor is missing, unexpected, or has another shape than the configuration says.
  package init(
    tensors: [TensorDescriptor], configuration: JSONObject?, configurationPath: String?,
    checkpointPath: String
  ) throws(FormatError) {
    try QuantizedWeights(configuration: configuration, file: configurationPath ?? checkpointPath)
      .refuse(tensors)
    let schemas = try ArchitectureSchema.all()
    let unwrapped = try UnwrappedNames(tensors, file: checkpointPath) { names in
      schemas.contains { $0.isShown(by: names) }
    }
    let table = unwrapped.table
    let schema = try ArchitectureDetection(
      names: { table[ByteKey($0)] != nil }, configuration: configuration,
      configurationPath: configurationPath, checkpointPath: checkpointPath
    ).schema(among: schemas)
    let matcher = NameMatcher(
      schema: schema, table: table, file: checkpointPath, configuration: configuration)
    let hyperparameters = try Hyperparameters(
      schema: schema, configuration: configuration, configurationPath: configurationPath,
      checkpointPath: checkpointPath, observed: matcher.observedSizes())
    let matches = try matcher.match(hyperparameters)
    self.schema = schema
    self.hyperparameters = hyperparameters
    entries = matches.entries
    dropped = matches.dropped
    hasForeignNames = unwrapped.isChanged || matches.hasTwin
    ties = matches.ties
    let byRole = Dictionary(
      entries.enumerated().map { ($1.role, $0) }, uniquingKeysWith: { first, _ in first })
    self.byRole = byRole
    head = try HeadChoice(
      schema: schema, configuration: configuration, configurationFile: hyperparameters.file,
      checkpointPath: checkpointPath, labelCount: hyperparameters.integer("labelCount"),
      holds: { role in byRole[role] != nil },
      gives: { role in
        byRole[role] != nil || matches.ties[role] != nil
      }
    ).head()
  }
}

extension NameMap {
  /// Roles that the checkpoint stores although they may be tied to another stored one.
  package var storedTies: [(role: Entry, tied: Entry)] {
    ties.compactMap { role, tied in
      guard let own = byRole[role], let other = byRole[tied] else { return nil }
      return (entries[own], entries[other])
    }
  }
}
