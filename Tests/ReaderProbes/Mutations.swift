// The single-byte mutations of a file, in an order that any number of them samples evenly.

/// Some or all of the 255 · n files that differ from one of n bytes in one byte, each once.
package struct Mutations: Sequence, IteratorProtocol {
  private let file: [UInt8]
  private let count: Int
  private let stride: Int
  private var number = 0

  /// The first `count` mutations of a file, which is not empty.
  package init(of file: [UInt8], count: Int) {
    let all = 255 * file.count
    self.file = file
    self.count = Swift.min(count, all)
    // Steps of the golden section spread evenly; a step without a common factor meets all.
    var stride = Swift.max(1, Int(Double(all) * 0.618_033_988_75))
    while greatestCommonDivisor(stride, all) != 1 { stride += 1 }
    self.stride = stride
  }

  package mutating func next() -> (offset: Int, bytes: [UInt8])? {
    guard number < count else { return nil }
    let index = number * stride % (255 * file.count)
    number += 1
    var bytes = file
    bytes[index / 255] &+= UInt8(index % 255 + 1)
    return (index / 255, bytes)
  }
}

private func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
  b == 0 ? a : greatestCommonDivisor(b, a % b)
}
