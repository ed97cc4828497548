// Event files that TensorBoard reads.

import HHFormat
import HHTestSupport
import Testing

@testable import HHPipeline
@testable import HHTraining

@Suite("TensorBoardLog")
struct TensorBoardLogTests {
  @Test("checksums are those of RFC 3720, and a record has its parts in their places")
  func record() {
    #expect(TensorBoardRecord.checksum(Array("123456789".utf8)) == 0xE306_9283)
    #expect(TensorBoardRecord.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    let record = TensorBoardRecord.scalar("a", 1, step: 300, at: 0)
    // The data: 9 bytes of time, 3 of step, and a summary of 10 behind its 2.
    #expect(record.count == 16 + 24)
    #expect(record[0] == 24)
    #expect(Array(record[12..<24]) == [9, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0xAC, 0x02])
    #expect(
      Array(record[24..<36])
        == [0x2A, 10, 0x0A, 8, 0x0A, 1, UInt8(ascii: "a"), 0x15, 0, 0, 0x80, 0x3F])
  }

  /// The events of a run, some of which have numbers.
  private let events: [ConversionEvent] = [
    .progress(.stage("distil")),
    .progress(
      .step(
        StepProgress(
          layer: 2, layerCount: 3, step: 10, steps: 20, loss: 2.5, tokensPerSecond: 1,
          secondsLeft: 1))),
    .progress(
      .layerFinished(DistilledLayer(layer: 2, klBefore: 1, klAfter: 0.25, klPerHead: []), of: 3)),
    .progress(
      .measured(Measurement(stage: "finetune", layer: nil, step: 300, loss: .nan, perHead: []))),
  ]

  @Test("TensorBoard's own reader gives the numbers back", .needsPython(with: "tensorboard"))
  func reader() throws {
    let folder = try TemporaryDirectory()
    let log = try TensorBoardLog(in: folder.path("new"))
    for event in events { try log.add(event) }
    let program = """
      import sys
      from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
      for event in EventFileLoader(sys.argv[1]).Load():
          for value in event.summary.value:
              print(value.tag, event.step, value.tensor.float_val[0])
      """
    let name = try #require(try directoryEntries(of: folder.path("new")).first)
    let found = try Python.run(program, [folder.path("new/\(name)")])
    #expect(
      found.output.hasSuffix(
        "distil/layer 2/loss 10 2.5\ndistil/KL by layer 2 0.25\nfinetune/held-out loss 300 nan\n"),
      "\(found.output)")
  }

  @Test("a file for each process in a folder that is made if need be")
  func files() throws {
    let folder = try TemporaryDirectory()
    let log = try TensorBoardLog(in: folder.path("new"))
    for event in events { try log.add(event) }
    let names = try directoryEntries(of: folder.path("new"))
    let name = try #require(names.first)
    #expect(name.hasPrefix("events.out.tfevents."))
    let file = try MappedFile(at: folder.path("new/\(name)"))
    let bytes = file.bytes.copied()
    var (start, count) = (0, 0)
    while start < bytes.count {
      start += 16 + Int(bytes[start])
      count += 1
    }
    #expect(start == bytes.count)
    #expect(count == 4)
  }

  @Test("a folder that cannot be written to is refused before work")
  func refused() throws {
    let folder = try TemporaryDirectory()
    try folder.write("", to: "file")
    #expect(throws: FormatError.self) { try TensorBoardLog.check(folder.path("file")) }
    #expect(throws: FormatError.self) { try TensorBoardLog.check(folder.path("none/new")) }
    try TensorBoardLog.check(folder.path("new"))
    try TensorBoardLog.check(folder.path)
    #expect(try directoryEntries(of: folder.path) == ["file"])
  }
}
