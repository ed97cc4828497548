// A text that names settings is spelled by whoever shows it.

import Testing

@testable import HHFormat

@Suite("SettingText")
struct SettingTextTests {
  private let text: SettingText = "pass \("it") with \(.base), or \(.dtype, "keep")\(1)"

  private func option(_ setting: SettingKey) -> String { "--\(setting.option ?? "")" }

  @Test("settings stand in the text as they are spelled, with their values")
  func spelling() {
    #expect(text.spelled(option) == "pass it with --base, or --dtype keep1")
    #expect(text.description == "pass it with base, or dtype keep1")
    #expect(text.settings == [.base, .dtype])
    let outer: SettingText = "first \(text)"
    #expect(outer.settings == text.settings)
    #expect(SettingText("--force").settings.isEmpty)
  }

  @Test("a text from a file breaks no line and is no setting")
  func inline() {
    let text: SettingText = "a\nb \(.base)"
    #expect(text.inline.spelled(option) == "a\\u{A}b --base")
  }

  @Test("an error's head and remedy are each one line, whatever the facts hold")
  func errors() {
    let error = FormatError(
      .badData, file: "a\nb", place: "p", problemText: "expected \(.dtype), found c\nd",
      remedy: "pass \(.base)")
    #expect(
      error.text.spelled(option)
        == "a\\u{A}b: p: expected --dtype, found c\\u{A}d\nhint: pass --base")
    #expect(error.description == "a\\u{A}b: p: expected dtype, found c\\u{A}d\nhint: pass base")
    #expect(error.problem == "expected dtype, found c\nd" && error.hint == "pass base")
  }
}
