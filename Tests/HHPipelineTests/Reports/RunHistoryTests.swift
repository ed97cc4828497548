// The history of a run from its events.

import HHAnalysis
import HHFormat
import HHTestSupport
import Testing

@testable import HHPipeline

@Suite("RunHistory")
struct RunHistoryTests {
  private func history(_ lines: String...) throws -> RunHistory {
    let folder = try TemporaryDirectory()
    let path = try folder.write(lines.map { $0 + "\n" }.joined(), to: "events.jsonl")
    return try RunHistory(log: path)
  }

  @Test("stages take the time until the next one, and what is done twice counts twice")
  func costs() throws {
    let history = try history(
      #"{"event":"reading","at":0.1}"#,
      #"{"event":"stage","stage":"distil","at":1,"peak_memory_bytes":100}"#,
      #"{"event":"stage","stage":"evaluate","at":5,"peak_memory_bytes":200}"#,
      #"{"event":"stage","stage":"evaluate","at":6,"peak_memory_bytes":200}"#,
      #"{"event":"resumed","checkpoint":null,"at":0.5}"#,
      #"{"event":"stage","stage":"distil","at":2,"peak_memory_bytes":150}"#,
      #"{"event":"summary","output":"a","seconds":4,"peak_memory_bytes":300,"artifact_bytes":7}"#)
    #expect(
      history.costs == [
        StageCost(name: "read", seconds: 3, memory: 150),
        StageCost(name: "distil", seconds: 6, memory: 300),
      ])
    #expect(history.output?.path == "a" && history.output?.bytes == 7)
  }

  @Test("steps that were taken again replace those that were lost")
  func curves() throws {
    func step(_ step: Int, _ loss: Double) -> String {
      #"{"event":"step","stage":"distil","layer":1,"step":\#(step),"loss":\#(loss)}"#
    }
    let history = try history(
      step(10, 3), step(20, 2), step(30, 1), #"{"event":"resumed","checkpoint":"c"}"#,
      step(20, 2.5),
      #"{"event":"measured","stage":"finetune","step":20,"held_out_loss":0.5}"#,
      #"{"event":"finetuned","objective":"hidden","loss_before":1,"loss_after":0.5}"#,
      #"{"event":"finetuned","objective":"hidden","loss_before":1,"loss_after":0.5}"#)
    #expect(history.curves.map(\.steps) == [[10, 20], [0, 20]])
    #expect(history.curves.map(\.losses) == [[3, 2.5], [1, 0.5]])
    #expect(history.curves.map(\.isHeldOut) == [false, true])
    #expect(
      history.stages == [
        StageLosses(name: "finetune", loss: "hidden", before: 1, after: 0.5, softmax: nil)
      ])
  }

  @Test("an end that came too early is told until the run goes on")
  func failure() throws {
    let failed = #"{"event":"failed","message":"interrupted","at":3}"#
    #expect(try history(failed).failure == "interrupted")
    #expect(try history(failed, #"{"event":"resumed"}"#).failure == nil)
  }

  @Test("a torn last line is passed over; any other line that is no event is not")
  func damage() throws {
    let folder = try TemporaryDirectory()
    let torn = try folder.write("{\"event\":\"stage\"}\n{\"eve", to: "torn")
    #expect(try RunHistory(log: torn).curves.isEmpty)
    for (text, problem) in [
      ("{\"event\":1}\n", "line 1: expected an event"), ("\n[]\n", "line 2: expected an event"),
      ("{\"event\":\"stage\"}\nx\n{}", "line 2: invalid JSON"),
    ] {
      let path = try folder.write(text, to: "bad")
      let error = #expect(throws: FormatError.self) { try RunHistory(log: path) }
      #expect(error?.description.hasPrefix("\(path): \(problem)") == true, "\(text)")
    }
    #expect(throws: FormatError.self) { try RunHistory(log: folder.path("none")) }
  }

  @Test("members of another kind tell nothing")
  func strange() throws {
    let history = try history(
      #"{"event":"step","stage":1,"step":"a","loss":[]}"#, #"{"event":"layer","layer":-1}"#,
      #"{"event":"summary","output":3,"verdict":[]}"#, #"{"event":"evaluated","figures":[1]}"#,
      #"{"event":"unheard-of"}"#)
    #expect(history.curves.isEmpty && history.layers.isEmpty && history.output == nil)
  }
}
