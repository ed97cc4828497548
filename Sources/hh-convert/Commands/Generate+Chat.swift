// hh-convert generate MODEL --chat: messages and answers by turns.

import ArgumentParser
import HHFormat
import HHModel

extension Generate {
  func validateChat() throws {
    let options = [("--system", system != nil), ("--template", template != nil)]
    if !chat, let option = options.first(where: \.1)?.0 {
      throw ValidationError("\(option): expected --chat beside it, found none")
    }
    if chat, prompts != nil {
      throw ValidationError(
        "--prompts: expected none beside --chat, found one\nhint: messages that depend on each other"
          + " come from standard input: --chat < FILE")
    }
  }

  /// Answers every message. A signal ends the conversation, and is no failure of it.
  func converse() throws -> ExitStatus {
    var conversation = try Conversation(
      opening: model, configuration: opening.config, base: opening.base,
      tokenizer: opening.tokenizer, threads: opening.threads,
      ConversationOptions(
        family: template, system: system, maximumTokens: maxTokens, sampling: sampling,
        seed: seed ?? 0))
    do {
      guard prompt.isEmpty else {
        for message in prompt { try answer(message, in: &conversation) }
        return .success
      }
      var input = MessageInput()
      while let message = try input.next() { try answer(message, in: &conversation) }
      return .success
    } catch PipelineError.interrupted(let signal) {
      Terminal.writeError("\n")
      return ExitStatus(signal: signal)
    }
  }

  /// Shows an answer as it comes.
  private func answer(_ message: String, in conversation: inout Conversation) throws {
    let result = try conversation.answer(to: message) { text in
      try Interrupts.check()
      if !json { Terminal.show(written: text) }
    }
    try json ? Terminal.print(line(of: result) + "\n") : Terminal.print(written: "\n")
  }
}
