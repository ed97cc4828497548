// What a template's text is recognised by, and what it is not taken for.

import Testing

@testable import HHData

@Suite("ChatTemplateText")
struct ChatTemplateTextTests {
  private func template(_ text: String) -> ChatTemplate? {
    ChatTemplateText(text, bos: "<s>", eos: "</s>").template(today: "01 Jan 2026")
  }

  @Test(
    "templates of other families are named",
    arguments: [
      ("{{ '<start_of_turn>' + role }}", "gemma"),
      ("{{'<|' + message['role'] + '|>' + '\\n' + message['content'] + '<|end|>' }}", "phi-3"),
      ("<|im_start|>user<|im_sep|>{{ x }}<|im_end|>", "phi-4"),
      ("[SYSTEM_PROMPT]{{ x }}[INST]{{ y }}[/INST]", "mistral v7"),
      ("{{ 'USER: ' + message['content'] }}", "vicuna"),
    ])
  func foreign(_ text: String, _ name: String) {
    #expect(ChatTemplateText(text, bos: "", eos: "").foreignFamily == name)
    #expect(template(text) == nil)
  }

  @Test(
    "what is no template, or does what is not known here, is of no family",
    arguments: [
      "", "<|im_start|>", "[INST]", "{{ messages }}", "<|user|>\n{{ x }}",
      // Falcon 3: the user's messages end otherwise.
      "{{ '<|user|>\\n' + message['content'] + '\\n' }}{{ '<|assistant|>\\n' }}",
      // Texts of other makers with the marks of a family.
      "{% set x = '<<SYS>>\\n' + messages[0]['content'] %}{{ '[INST] ' + x + ' [/INST]' }}",
      "{{ bos_token + system_message }}{{ '[INST] ' + message['content'] + ' [/INST]' }}",
      "{{ '<|start_header_id|>' + x + '<|eot_id|>\\n' }}",
      "{% if x %}\n    {{ '<|im_start|>' + x + '<|im_end|>' }}{% endif %}",
      "{{ strftime_now('%d') }}<|im_start|>{{ x }}<|im_end|>",
      "<|im_start|><|im_end|>" + String(repeating: "x", count: 1 << 17),
    ])
  func unknown(_ text: String) {
    #expect(template(text) == nil)
  }

  @Test("a hostile text of the largest size is answered soon")
  func hostile() {
    for part in [
      "'[INST] ", "add_generation_prompt", "'<|im_start|>system\n", "set system_message = '",
    ] {
      let marks = "<|im_start|><|im_end|>[INST][/INST]<<SYS>>"
      _ = template(marks + String(repeating: part, count: 4000 / part.utf8.count))
    }
  }

  @Test("literals lose their escapes, and a message in double quotes keeps an apostrophe")
  func literals() {
    let text = #"{{ "<|im_start|>system\nYou're \"kind\".<|im_end|>\n" }}"#
    #expect(template(text)?.defaultSystem == #"You're "kind"."#)
    #expect(template("{{ '<|im_start|>system\\n' + x + '<|im_end|>' }}")?.defaultSystem == nil)
  }
}
