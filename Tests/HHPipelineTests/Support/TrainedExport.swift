// Exports of random models, changed as a training elsewhere would change them.

import HHExport
import HHFormat
import HHModel
import HHTestSupport
import ModelTestSupport

@testable import HHPipeline

/// An artifact of a random model and a folder that was exported from it.
struct TrainedExport {
  let directory: TemporaryDirectory
  let artifact: String
  /// The exported folder.
  let folder: String

  init(_ model: String = "llama-gqa") throws {
    directory = try TemporaryDirectory()
    artifact = directory.path("base.hst")
    let student = try Models.golden(model).rewritten()
    Artifacts.disturb(student)
    try Artifacts.write(
      model, to: artifact, maps: student,
      files: [
        SidecarFile(name: "README.md", content: Array("source's card".utf8)),
        SidecarFile(name: "generation_config.json", content: Array("{}".utf8)),
      ])
    folder = try Artifacts.export(artifact, .hf, to: directory.path("exported"))
  }

  /// Writes the folder again, changed, under a new name, with a file that says what trained it.
  func trained(
    _ name: String = "trained",
    state: String? = #"{"global_step": 7, "log_history": [{"loss": 2.5}]}"#,
    change: (inout ModelCopy) -> Void
  ) throws -> String {
    let name = "trained-\(try directoryEntries(of: directory.path).count)"
    var copy = try ModelCopy(at: folder)
    change(&copy)
    let path = try copy.write(to: name, in: directory)
    if let state { try directory.write(state, to: "\(name)/trainer_state.json") }
    return path
  }

  /// Settings to pack a folder.
  func options(_ folder: String, base: Bool = true) -> PackingOptions {
    var options = PackingOptions(folder: folder)
    options.base = base ? artifact : nil
    options.output = directory.path("packed.hst")
    options.force = true
    return options
  }

  /// Packs a folder and opens the artifact.
  func packed(_ folder: String, base: Bool = true) throws -> (PackingSummary, Checkpoint) {
    let summary = try Packing(options(folder, base: base)).run { _ in }
    return (summary, try Checkpoint(opening: summary.output))
  }

  /// Why a folder is refused.
  func refusal(_ folder: String, base: Bool = true) -> FormatError? {
    do {
      _ = try Packing(options(folder, base: base)).run { _ in }
      return nil
    } catch { return error as? FormatError }
  }
}

extension ModelCopy {
  /// Adds a step to the first element of a tensor of 32-bit floats whose name ends so.
  mutating func nudge(_ ending: String) {
    for index in tensors.indices where tensors[index].name.hasSuffix(ending) {
      tensors[index].bytes[2] ^= 0x10
    }
  }
}
