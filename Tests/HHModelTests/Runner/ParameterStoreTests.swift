// Weights by role, converted and released.

import HHCompute
import HHData
import HHFormat
import HHModel
import HHTestSupport
import Testing

@Suite("ParameterStore")
struct ParameterStoreTests {
  private func store(_ name: String) throws -> (ParameterStore, NameMap, Checkpoint) {
    let checkpoint = try Checkpoint(opening: Fixtures.path("golden/forward/\(name)"))
    let names = try NameMap(checkpoint)
    return (ParameterStore(checkpoint: checkpoint, names: names), names, checkpoint)
  }

  @Test("a role's weights are the file's, in float32", arguments: ["gpt2-model-f16", "llama-bf16"])
  func values(_ name: String) throws {
    let (store, names, checkpoint) = try store(name)
    for entry in names.entries {
      var expected = [Float](repeating: .nan, count: entry.tensor.elementCount)
      var span = expected.mutableSpan
      try checkpoint.readFloats(of: entry.tensor.name, into: &span)
      #expect(try store.vector(entry.role).values == expected)
    }
  }

  @Test("loaded once, and again after a release")
  func release() throws {
    let (store, _, _) = try store("gpt2-base")
    let first = try store.vector("finalNorm.weight")
    #expect(try store.vector("finalNorm.weight") === first)
    store.release()
    let second = try store.vector("finalNorm.weight")
    #expect(second !== first && second.values == first.values)
  }

  @Test("a matrix has the extents in which it is stored")
  func matrices() throws {
    let (store, names, _) = try store("gpt2-base")
    let graph = try Graph(names)
    let attention = try #require(graph.attentions.first)
    guard case .fused(let linear) = attention.projection else { return }
    let matrix = try store.matrix(linear)
    #expect(matrix.rows == 20 && matrix.columns == 60)
    // The tied head is the embeddings, stored as the head would be.
    #expect(try store.vector("head.weight").values == store.vector("embedding.token.weight").values)
  }

  @Test(
    "a store for inference keeps matrices of 16-bit floats as they are, and runs to the same logits",
    arguments: ["gpt2-model-f16", "llama-bf16"])
  func halves(_ name: String) throws {
    let checkpoint = try Checkpoint(opening: Fixtures.path("golden/forward/\(name)"))
    let names = try NameMap(checkpoint)
    let graph = try Graph(names)
    let wide = ParameterStore(checkpoint: checkpoint, names: names)
    let narrow = ParameterStore(checkpoint: checkpoint, names: names, halves: .stored)
    let role = "embedding.token.weight"
    let table = try #require(try narrow.half(role, columns: graph.hiddenSize))
    let values = Matrix(rows: table.rows, columns: table.columns)
    table.widen(into: values)
    #expect(try values.values == wide.vector(role).values)
    #expect(try wide.half(role, columns: graph.hiddenSize) == nil)

    let tokens = TokenBatch(ids: [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8], length: 12)
    for count in [2, 12] {
      let input = ModelInput.tokens(TokenBatch(ids: Array(tokens.ids.prefix(count)), length: count))
      let outputs = try [wide, narrow].map { store in
        let runner = ModelRunner(graph: graph, parameters: store)
        let hidden = Matrix(rows: count, columns: graph.hiddenSize)
        var state = try runner.embed(input, into: hidden)
        try runner.run(graph.nodes.filter { $0.layer != nil }, &state)
        return state.hidden.values
      }
      for (a, b) in zip(outputs[0], outputs[1]) { #expect(abs(a - b) <= 1e-5) }
    }
  }

  @Test("a store that rounds serves what products in bfloat16 round to, whatever is stored")
  func rounded() throws {
    let (store, names, checkpoint) = try store("llama-gqa")
    let rounding = ParameterStore(checkpoint: checkpoint, names: names, halves: .rounded)
    let linear = try #require(try Graph(names).linears.first)
    let matrix = try store.matrix(linear)
    let half = try #require(try rounding.half(linear.weight, columns: matrix.columns))
    #expect(half.format == .bfloat16)
    let wide = Matrix(rows: half.rows, columns: half.columns)
    half.widen(into: wide)
    for (a, b) in zip(wide.values, matrix.values) { #expect(abs(a - b) <= abs(b) / 256) }

    let count = maximumSmallBatch + 3
    let x = Matrix(
      rows: count, columns: linear.inputs,
      (0..<count * linear.inputs).map { Float($0 % 23) / 7 - 1.5 })
    let results = [(), ()].map { Matrix(rows: x.rows, columns: linear.outputs) }
    half.roundedProduct(x, transposed: !linear.isInputMajor, into: results[0])
    gemm(
      x, transposed: false, matrix, transposed: !linear.isInputMajor, into: results[1],
      precision: .bfloat16)
    #expect(results[0].values == results[1].values)
  }

  @Test("a change is served whenever weights are read, and undone without a trace")
  func changes() throws {
    let (store, names, _) = try store("llama-gqa")
    let linear = try #require(try Graph(names).linears.first)
    let role = linear.weight
    let original = try store.vector(role).values
    let (a, b) = (Matrix(rows: 1, columns: linear.inputs), Matrix(rows: linear.outputs, columns: 1))
    a[0, 1] = 2
    b[0, 0] = 3
    let change = LowRankChange(a: a, b: b, isInputMajor: linear.isInputMajor, factor: 1)
    store.change(role, by: change)
    var expected = original
    expected[linear.isInputMajor ? linear.outputs : 1] += 6
    #expect(try store.vector(role).values == expected)
    store.release()
    #expect(try store.vector(role).values == expected)
    store.change(role, by: change, undoing: true)
    #expect(try store.vector(role).values == original)
    let pinned = try store.pin(role).values
    store.change(role, by: change)
    #expect(pinned.values == expected)
    #expect(try store.vector(role) === pinned)
    store.change(role, by: change, undoing: true)
    #expect(zip(pinned.values, original).allSatisfy { abs($0 - $1) < 1e-6 })
  }

  @Test("a role that the checkpoint does not fill is an error that names it")
  func missing() throws {
    let (store, _, checkpoint) = try store("bert-model")
    #expect(
      throws: FormatError(
        .badData, file: checkpoint.path, place: "role 'classifier.weight'",
        problem: "expected a tensor for it, found none")
    ) { try store.vector("classifier.weight") }
  }
}
