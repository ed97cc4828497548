import HHFormat
import Testing

@Suite("TensorDescriptor")
struct TensorDescriptorTests {
  @Test("elements are the product of the extents, one for a scalar")
  func counts() {
    func tensor(_ shape: [Int]) -> TensorDescriptor {
      TensorDescriptor(name: "x", dtype: .f16, shape: shape, byteRange: 10..<34)
    }
    #expect(tensor([3, 4]).elementCount == 12 && tensor([]).elementCount == 1)
    #expect(tensor([3, 0]).elementCount == 0)
    #expect(tensor([3, 4]).byteCount == 24)
  }

  @Test("a product that overflows, or has a negative factor, has no value")
  func checked() {
    #expect(checkedElementCount([]) == 1)
    #expect(checkedElementCount([1 << 31, 1 << 31]) == 1 << 62)
    #expect(checkedElementCount([1 << 32, 1 << 31]) == nil)
    #expect(checkedElementCount([Int.max, 2, 0]) == nil)
    #expect(checkedElementCount([0, Int.max, Int.max]) == 0)
    #expect(checkedElementCount([2, -1]) == nil)
  }
}
