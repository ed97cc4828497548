import Testing

@testable import HHFormat

@Suite("GGUFTypePolicy")
struct GGUFTypePolicyTests {
  private func tensor(
    _ role: String, _ shape: [Int], _ dtype: DType = .f16
  ) -> GGUFLayout.Tensor {
    let source = TensorDescriptor(name: "x", dtype: dtype, shape: shape, byteRange: 0..<0)
    return GGUFLayout.Tensor(role: role, source: source, name: "x", order: .asStored, fixed: 0)
  }

  private func type(
    _ wanted: GGMLType?, _ role: String, _ shape: [Int], _ dtype: DType = .f16,
    isHead: Bool = false
  ) -> GGMLType {
    GGUFTypePolicy(wanted).type(of: tensor(role, shape, dtype), isHead: isHead)
  }

  @Test("matrices get the wanted type, small tensors stay F32")
  func matrices() {
    #expect(type(.q4K, "layers.0.mlp.up.weight", [8, 512]) == .q4K)
    #expect(type(.q4K, "embedding.token.weight", [8, 512]) == .q4K)
    #expect(type(.f16, "layers.0.mlp.up.weight", [8, 3], .f32) == .f16)
    for (role, shape) in [
      ("layers.0.norm.weight", [512]), ("embedding.position.weight", [8, 512]),
      ("layers.0.attention.feature_map.query.weight", [8, 512]), ("x", [2, 2, 2, 2]),
    ] { #expect(type(.q4K, role, shape) == .f32, "\(role)") }
  }

  @Test("without a wish a matrix keeps its own type, and integers do too")
  func own() {
    #expect(type(nil, "layers.0.mlp.up.weight", [8, 512], .bf16) == .bf16)
    #expect(type(nil, "layers.0.norm.weight", [512], .bf16) == .f32)
    #expect(type(.q8_0, "ids", [512], .i32) == .i32)
  }

  @Test("rows that are no whole number of blocks get the nearest type with shorter ones")
  func fallbacks() {
    let role = "layers.0.mlp.up.weight"
    #expect(type(.q4K, role, [8, 96]) == .q5_0)
    #expect(type(.q6K, role, [8, 96]) == .q8_0)
    #expect(type(.q2K, role, [8, 96]) == .q4_0)
    #expect(type(.q4K, role, [8, 40]) == .f16)
    #expect(type(.q8_0, role, [8, 33]) == .f16)
  }

  @Test("the matrix that gives the logits is not stored below Q6_K")
  func heads() {
    #expect(type(.q4K, "head.weight", [8, 512], isHead: true) == .q6K)
    #expect(type(.q4K, "head.weight", [8, 96], isHead: true) == .q8_0)
    #expect(type(.q8_0, "head.weight", [8, 512], isHead: true) == .q8_0)
  }

  @Test("every type that weights are written in has its file type")
  func fileTypes() {
    let numbers = GGMLType.writable.compactMap(\.fileType)
    #expect(numbers.count == GGMLType.writable.count && Set(numbers).count == numbers.count)
    #expect(GGMLType.q4K.fileType == 14 && GGMLType.i8.fileType == nil)
    #expect(GGMLType.q8_0.bitsPerElement == 8.5 && GGMLType.f16.bitsPerElement == 16)
  }
}
