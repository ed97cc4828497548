// A run's folder: its recipe, its event log and its last checkpoints.
//
//     RUN/untrained/                                     a new model, or one with a new classifier
//     RUN/recipe.yaml                                    every setting, written out
//     RUN/events.jsonl                                   one event a line, appended
//     RUN/checkpoint-000007.hedgehog.safetensors.zst     the last two
//     RUN/last-error.json                                how the last process ended that failed

internal import HHData
package import HHFormat
internal import HHTraining

/// The folder of a run that can be resumed.
package struct RunFolder: Sendable {
  /// The folder.
  package let path: String
  /// Whether the run is yet to begin.
  let isNew: Bool
  private let log: AppendedFile
  /// Keeps other processes out for as long as this one has the run open.
  private let lock: FileLock

  /// The untrained model of a run that trains one.
  private static let modelName = "untrained"
  static let recipeName = "recipe.yaml"
  static let logName = "events.jsonl"
  private static let prefix = "checkpoint-"
  /// Checkpoints that are kept.
  private static let keptCount = 2

  /// Makes the folder of a new run.
  ///
  /// - Throws: `.cannotCreate` where there is one already, or where another process has begun it.
  init(creating path: String, recipe: Recipe) throws(FormatError) {
    self.path = path
    isNew = true
    if isPresent(join(path, Self.recipeName)) {
      throw FormatError(
        .cannotCreate, file: path, problem: "expected a new folder for the run, found a run in it",
        hint: "go on with it: hh-convert resume \(path)")
    }
    // A process that was killed before the run had its recipe leaves nothing to go on from.
    removeAbandoned(in: path)
    try makeFolder(at: path)
    try Self.write(recipe, to: path, replacing: false)
    lock = try Self.lock(of: path)
    log = try AppendedFile(at: join(path, Self.logName))
  }

  /// Makes the folder of a run that trains a model without a teacher, with what it begins with in it.
  ///
  /// - Throws: `FormatError` for what makes no model, and as other runs do; nothing is left behind
  ///   then.
  package init(training options: ConversionOptions) throws(FormatError) {
    let path = options.run ?? options.outputPath + ".run"
    try self.init(creating: path, recipe: Recipe(options, file: path))
    do throws(FormatError) { _ = try self.options() } catch {
      discard()
      throw error
    }
  }

  /// Removes the folder of a run that could not begin.
  package func discard() {
    removeFolder(at: join(path, Self.modelName))
    removeFolder(at: path)
  }

  /// Opens the folder of a run that was stopped, where there is one.
  ///
  /// - Throws: `.cannotCreate` where the run is going on.
  package static func openIfPresent(_ path: String) throws(FormatError) -> RunFolder? {
    isPresent(join(path, Self.recipeName)) ? try RunFolder(opening: path) : nil
  }

  /// Opens the folder of a run that was stopped, and clears away what a kill left behind.
  ///
  /// - Throws: `.missingInput` where there is no run, `.cannotCreate` where it is going on.
  package init(opening path: String) throws(FormatError) {
    self.path = path
    isNew = false
    guard isPresent(join(path, Self.recipeName)) else {
      throw FormatError(
        .missingInput, file: path,
        problem: "expected the folder of a run, found no recipe.yaml in it"
      )
    }
    // Before anything is cleared away: a living process still needs what looks left behind.
    lock = try Self.lock(of: path)
    log = try AppendedFile(at: join(path, Self.logName))
    for name in try directoryEntries(of: path)
    where name.hasPrefix(".") && name.hasSuffix(".partial") {
      removeFile(at: join(path, name))
    }
  }

  /// Whether the run of some settings has its output: an artifact of these settings, or the folder of
  /// a softmax model.
  package func isDone(_ options: ConversionOptions) throws(FormatError) -> Bool {
    guard options.hasOutput else { return false }
    guard options.rewrites else { return isFinished() }
    return try Completion(of: remembering(options)) == .done
  }

  /// The settings of the run's conversion.
  package func options() throws(FormatError) -> ConversionOptions {
    var options = try Recipe.named(join(path, Self.recipeName)).options(model: nil, threads: 1)
    options.run = path
    if let initialWeights = options.initialWeights {
      options.model = try initialWeights.model(
        in: join(path, Self.modelName), configuration: &options.configuration,
        classes: options.finetuning.classes, seed: options.seed)
    }
    return options
  }

  /// The settings with the rates before theirs at which work of the run was done.
  func remembering(
    _ options: ConversionOptions
  ) throws(FormatError) -> ConversionOptions {
    guard let numbers = try openLastCheckpoint()?.numbers else { return options }
    var options = options
    options.earlierRates = EarlierRates(in: numbers, before: options)
    return options
  }

  /// Gives the run the learning rates of other settings from here on, a precision that was chosen since
  /// it began, and all settings where it has no checkpoint yet.
  func takeSettings(of options: ConversionOptions) throws(FormatError) {
    let old = try Recipe.named(join(path, Self.recipeName)).options(model: nil, threads: 1)
    guard
      try lastCheckpoint() == nil
        || old.distillation.learningRate != options.distillation.learningRate
        || old.finetuning.learningRate != options.finetuning.learningRate
        || old.distillation.precision != options.distillation.precision
        || old.finetuning.precision != options.finetuning.precision
    else { return }
    try Self.write(try Recipe(options, file: path), to: path, replacing: true)
  }

  /// Adds an event to the log.
  func append(_ event: ConversionEvent, at moment: Moment) throws(FormatError) {
    try log.append(JSONValue.object(event.object(at: moment)).line + "\n")
  }

  /// Whether the run has written its output.
  package func isFinished() -> Bool {
    log.lastLineBegins(with: #"{"event":"summary""#)
  }

  /// The path of the last checkpoint; nil before the first.
  package func lastCheckpoint() throws(FormatError) -> String? {
    try checkpoints().last.map { join(path, $0) }
  }

  /// The last checkpoint; nil before the first.
  ///
  /// - Throws: `badData` for a damaged one, with the hint to go on without it.
  func openLastCheckpoint() throws(FormatError) -> RunCheckpoint? {
    let names = try checkpoints()
    guard let last = names.last.map({ join(path, $0) }) else { return nil }
    let rest =
      names.count > 1
      ? "goes on from the checkpoint before it" : "begins anew, since it is the only checkpoint"
    return try RunCheckpoint(
      at: last, remedy: "remove '\(last)'; then 'hh-convert resume \(path)' \(rest)")
  }

  /// Writes the next checkpoint and removes those that are too old.
  func save(
    _ state: RunState, description: ArtifactDescription, threads: Int
  ) throws(FormatError) {
    let last = try checkpoints().last.flatMap { Int($0.dropFirst(Self.prefix.count).prefix(6)) }
    let digits = "\((last ?? 0) + 1)"
    let number = String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    try RunCheckpoint.write(
      state, to: join(path, Self.prefix + number + artifactSuffix),
      description: description, threads: threads)
    for name in try checkpoints().dropLast(Self.keptCount) { removeFile(at: join(path, name)) }
  }

  /// The names of the checkpoints, oldest first.
  private func checkpoints() throws(FormatError) -> [String] {
    try directoryEntries(of: path).filter { $0.hasPrefix(Self.prefix) }
  }

  /// Takes the lock of a run, that of its log.
  private static func lock(of path: String) throws(FormatError) -> FileLock {
    guard let lock = try FileLock(of: join(path, Self.logName)) else {
      throw FormatError(
        // The other one may be killed before its end, as on a node that was given up for lost.
        .exhausted, file: path,
        problem:
          "expected a run that was stopped, found that the run is going on in another process",
        hint: "wait for that process to end, or stop it first")
    }
    return lock
  }

  private static func write(
    _ recipe: Recipe, to path: String, replacing: Bool
  ) throws(FormatError) {
    var file = try AtomicFile(at: join(path, Self.recipeName), replacing: replacing)
    let bytes = Array(try recipe.yaml().utf8)
    // Safe: bytes have no padding.
    try file.write(unsafe bytes.span.bytes)
    try file.commit()
  }
}
