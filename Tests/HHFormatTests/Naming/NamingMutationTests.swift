// Random damage to a configuration and a tensor table ends in a map or an error, never in a crash.

import HHFormat
import HHTestSupport
import Testing

@Suite("Naming under mutation")
struct NamingMutationTests {
  private static let values: [JSONValue] = [
    .null, .bool(true), .bool(false), .integer(0), .integer(1), .integer(3), .integer(-7),
    .integer(64), .integer((1 << 31) - 1), .integer(.max), .integer(.min), .unsigned(.max),
    .number(0.5), .number(1e300), .number(-1e-300), .string(""), .string("silu"),
    .string("4*hiddenSize"), .array([]), .array([.integer(4), .integer(4)]), .object([:]),
    .object(["rope_type": .string("llama3"), "factor": .integer(0)]),
    .object(["rope_theta": .string("x")]),
  ]
  private static let extents = [0, 1, 2, 7, 24, 1 << 31, 1 << 40, 1 << 62, Int.max]

  @Test(
    "1,000 damaged checkpoints",
    arguments: ["gpt2-base", "bert-old-names", "vit-model", "llama-gqa"]
  )
  func survives(golden: String) throws {
    let original = try TensorTable(golden: golden)
    var forge = FileForge(seed: UInt64(golden.utf8.count))
    var failures = 0
    for _ in 0..<250 {
      var table = original
      for _ in 0...forge.next(below: 3) { damage(&table, &forge) }
      do throws(FormatError) {
        let map = try table.matched()
        // A map that is accepted is whole: its shapes are the ones it computes with.
        for entry in map.entries {
          #expect(entry.tensor.shape.allSatisfy { $0 > 0 }, "\(entry.tensor)")
        }
      } catch {
        failures += 1
        #expect(["config", "model"].contains(error.file))
        #expect(!error.problem.isEmpty)
      }
    }
    #expect(failures > 50)
  }

  private func damage(_ table: inout TensorTable, _ forge: inout FileForge) {
    let index = forge.next(below: table.tensors.count)
    let tensor = table.tensors[index]
    switch forge.next(below: 8) {
    case 0: table.tensors.remove(at: index)
    case 1:
      let name = String(tensor.name.shuffled(using: &forge))
      table.set(name, tensor.shape)
    case 2:
      table.set(
        tensor.name, tensor.shape.map { _ in Self.extents[forge.next(below: Self.extents.count)] })
    case 3: table.set(tensor.name, Array(tensor.shape.dropLast()))
    case 4: table.configuration = forge.next(below: 4) == 0 ? nil : table.configuration
    default:
      let keys = table.configuration?.keys ?? []
      guard !keys.isEmpty else { return }
      let value = forge.next(below: Self.values.count + 1)
      table.configuration?[keys[forge.next(below: keys.count)]] =
        value == Self.values.count ? nil : Self.values[value]
    }
  }
}

extension FileForge: RandomNumberGenerator {}
