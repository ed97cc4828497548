// Exit codes: one table for every command.

import Glibc
import HHFormat

/// What the process's exit code says; the numbers are those of sysexits where they fit.
enum ExitStatus: Int32, CaseIterable {
  case success = 0
  /// `verify` found a defect, `diff` a difference, an export does not read back, or a model of a
  /// `batch` failed.
  case verificationFailed = 3
  /// The arguments are wrong.
  case usage = 64
  /// The input is broken or contradicts itself.
  case badData = 65
  /// The input does not exist or cannot be opened.
  case missingInput = 66
  /// The input is valid but not something this program handles.
  case unsupported = 69
  /// An error of a kind that no command should let through: a defect of this program.
  case software = 70
  /// The output exists or cannot be created.
  case cannotCreate = 73
  /// A read or write failed: a full disk, a broken device.
  case io = 74
  /// The run was stopped and can go on, or the machine lacked something for now: try again.
  case tryAgain = 75
  /// Training diverged with these settings.
  case badSettings = 78
  case hungUp = 129
  case interrupted = 130
  case warned = 138
  case terminated = 143

  /// The status of work that a signal ended with nothing to go on from.
  init(signal: Int32) {
    self =
      switch signal {
      case SIGHUP: .hungUp
      case SIGINT: .interrupted
      case SIGUSR1: .warned
      default: .terminated
      }
  }

  /// The status of a file's failure.
  init(_ kind: FormatError.Kind) {
    self =
      switch kind {
      case .missingInput: .missingInput
      case .badData: .badData
      case .unsupported: .unsupported
      case .cannotCreate: .cannotCreate
      case .io: .io
      case .exhausted: .tryAgain
      }
  }
}
