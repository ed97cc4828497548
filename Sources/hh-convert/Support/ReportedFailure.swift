// What a command says of a failure, and the status in which it ends.

import HHFormat
import HHModel
import HHPipeline

/// How a command calls settings in its errors: as the user spelled them.
struct SettingNames {
  /// The options that were given on the command line, as they are written.
  var given: [String] = []
  /// The file or name of the recipe that was followed.
  var recipe: String?
  /// The help of the command, where it has not every option that settings have.
  var help: String?

  /// An option where it was given or where no recipe says anything of it, else the recipe's key with
  /// its line.
  func place(of setting: SettingKey) -> String {
    let option = setting.option.map { "--\($0)" }
    if let option, given.contains(option) { return option }
    // It was read before; what is wrong with it would have been said then.
    if let recipe, let place = (try? Recipe.named(recipe))?.place(of: setting) { return place }
    if let option, help?.contains("\(option) <") != false { return option }
    return "key '\(setting)'"
  }

  /// A setting as a command takes it.
  static func option(of setting: SettingKey) -> String {
    setting.option.map { "--\($0)" } ?? "'\(setting)'"
  }
}

/// A failure in the words and with the status in which the process ends.
struct ReportedFailure: Error {
  let message: String
  let status: ExitStatus

  /// Translates any error of the libraries.
  init(_ error: any Error, naming names: SettingNames = SettingNames()) {
    switch error {
    case let error as FormatError:
      self.init(message: error.text.spelled(SettingNames.option), status: ExitStatus(error.kind))
    case let error as PipelineError:
      let status: ExitStatus =
        switch error {
        case .diverged, .finetuningDiverged: .badSettings
        case .notFinite: .badData
        case .invalidSetting, .missingSetting, .tooLarge, .invalidInput: .usage
        case .unfaithful: .verificationFailed
        case .interrupted(let signal), .stopped(_, .interrupted(let signal)):
          Interrupts.status(of: signal)
        case .stopped: .badSettings
        }
      let sentence = error.sentence(.init(place: names.place, option: SettingNames.option))
      self.init(message: sentence, status: status)
    default:
      self.init(message: "\(error)", status: .software)
    }
  }

  init(message: String, status: ExitStatus) {
    self.message = message
    self.status = status
  }

  /// The failure as the folder of a run keeps it.
  var ofRun: RunFailure { RunFailure(sentence: message, status: status.rawValue) }

  /// Runs a command's work and translates whatever it throws, naming settings as they were spelled.
  static func reporting<T>(
    naming names: SettingNames = SettingNames(), _ work: () throws -> T
  ) throws -> T {
    do {
      return try work()
    } catch let failure as ReportedFailure {
      throw failure
    } catch {
      throw ReportedFailure(error, naming: names)
    }
  }
}
