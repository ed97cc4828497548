// Exit codes: one table for every command.

import Glibc
import HHFormat
import HHModel

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
  /// Training diverged with these settings.
  case badSettings = 78
  case hungUp = 129
  case interrupted = 130
  case terminated = 143

  /// The status of a run that a signal ended.
  init(signal: Int32) {
    self =
      switch signal {
      case SIGHUP: .hungUp
      case SIGINT: .interrupted
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
      }
  }
}

/// A failure in the words and with the status in which the process ends.
struct ReportedFailure: Error {
  let message: String
  let status: ExitStatus

  /// Translates any error of the libraries.
  init(_ error: any Error) {
    switch error {
    case let error as FormatError:
      self.init(message: error.description, status: ExitStatus(error.kind))
    case let error as PipelineError:
      let status: ExitStatus =
        switch error {
        case .diverged, .finetuningDiverged: .badSettings
        case .notFinite: .badData
        case .invalidOption: .usage
        case .unfaithful: .verificationFailed
        case .interrupted(let signal), .stopped(_, .interrupted(let signal)):
          ExitStatus(signal: signal)
        case .stopped: .badSettings
        }
      self.init(message: error.description, status: status)
    default:
      self.init(message: "\(error)", status: .software)
    }
  }

  init(message: String, status: ExitStatus) {
    self.message = message
    self.status = status
  }

  /// Runs a command's work and translates whatever it throws. Where a command has not all options
  /// that settings have, but those named, the others are called by their keys in a recipe.
  static func reporting<T>(
    knowing options: Set<String>? = nil, _ work: () throws -> T
  ) throws -> T {
    do {
      return try work()
    } catch let failure as ReportedFailure {
      throw failure
    } catch PipelineError.invalidOption(let name, let problem)
      where name.hasPrefix("--") && options?.contains(name) == false
    {
      let key = name.dropFirst(2).map { $0 == "-" ? "_" : $0 }
      throw ReportedFailure(
        PipelineError.invalidOption(name: "key '\(String(key))'", problem: problem))
    } catch {
      throw ReportedFailure(error)
    }
  }
}
