// What we compute, for other programs to compare with.

import HHCompute
import HHData
import HHFormat
import HHModel

/// Files of inputs and outputs.
enum Expectations {
  /// Writes an input and everything that we compute from it beside an exported model.
  static func write(
    of runner: ModelRunner, for input: ModelInput, in folder: String
  ) throws {
    var tensors: [(name: String, dtype: DType, shape: [Int], bytes: [UInt8])] = []
    func add(_ name: String, _ shape: [Int], _ values: [Float]) {
      tensors.append((name, .f32, shape, DType.f32.store(values.span) ?? []))
    }
    func add(_ name: String, _ shape: [Int], _ values: [Int]) {
      let bytes = values.flatMap { value in
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
      }
      tensors.append((name, .i64, shape, bytes))
    }
    let rows = input.rowCount
    let length = runner.length(of: input)
    switch input {
    case .tokens(let batch):
      add("input_ids", [rows, length], batch.ids.map(Int.init))
      let lengths = batch.validLengths ?? Array(repeating: length, count: rows)
      add(
        "attention_mask", [rows, length],
        lengths.flatMap { valid in (0..<length).map { $0 < valid ? 1 : 0 } })
      if let types = batch.tokenTypes {
        add("token_type_ids", [rows, length], types.map(Int.init))
      }
    case .images(let pixels):
      guard case .patchEmbedding(let patches)? = runner.graph.nodes.first?.operation else { return }
      let side = patches.imageSize
      add("pixel_values", [rows, patches.channelCount, side, side], pixels.values)
    }
    let outputs = try runner.outputs(for: input)
    add("hidden", [rows, length, runner.graph.hiddenSize], outputs.hidden.values)
    if let pooled = outputs.pooled { add("pooled", [rows, pooled.columns], pooled.values) }
    if let logits = outputs.logits {
      let perToken = logits.rows != rows
      add("logits", (perToken ? [rows, length] : [rows]) + [logits.columns], logits.values)
    }
    try SafetensorsWriter.write(
      to: "\(folder)/expected.safetensors", tensors: tensors, metadata: [])
  }
}
