// How much an artifact may unpack to: the option, and what it means for a command.

import ArgumentParser
import HHFormat

/// The option that allows an artifact more than its size accounts for.
struct UnpackingArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Most bytes that an artifact may unpack to, such as 2GB (default: 64 MiB and 32 times the \
      file's size).
      """, valueName: "bytes"), transform: ByteCount.init)
  var maxUnpacked: ByteCount?

  /// The limit that was asked for.
  var limit: UnpackingLimit { maxUnpacked.map { .bytes($0.bytes) } ?? .automatic }
}

/// A command that unpacks the artifacts it is given.
protocol UnpackingCommand: ParsableCommand {
  var unpacking: UnpackingArguments { get }
}

extension ParsableCommand {
  /// Runs the command under the limit that its arguments give.
  mutating func runLimited() throws {
    let limit = (self as? any UnpackingCommand)?.unpacking.limit ?? .automatic
    try UnpackingLimit.$chosen.withValue(limit) { try run() }
  }
}
