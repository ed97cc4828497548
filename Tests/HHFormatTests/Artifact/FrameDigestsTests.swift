import HHTestSupport
import Testing

@testable import HHFormat

@Suite("FrameDigests")
struct FrameDigestsTests {
  /// Frames of equal and of different sizes, an odd number of them.
  private static let frames = {
    var forge = FileForge(seed: 4)
    return [100, 100, 64, 0, 1000, 63, 128].map { forge.bytes($0) }
  }()

  private static let list = {
    var list = FrameDigests()
    for digest in FrameDigests.digests(of: frames) { list.append(digest) }
    return list
  }()

  @Test("digests made in pairs are those of each frame alone")
  func pairs() {
    let digests = FrameDigests.digests(of: Self.frames)
    #expect(digests == Self.frames.map { FrameDigests.digest(of: $0.raw) })
    #expect(digests.allSatisfy { $0.count == 8 })
    #expect(FrameDigests.digests(of: []).isEmpty)
  }

  @Test("a list is read back, and says which frame is which")
  func roundTrip() throws {
    let bytes = Self.list.encoded()
    #expect(bytes.count == FrameDigests.encodedSize(count: 7))
    let parsed = FrameDigests(parsing: bytes.raw, count: 7)
    let read = try #require(parsed)
    #expect(read.count == 7)
    for (index, frame) in Self.frames.enumerated() {
      let digest = FrameDigests.digest(of: frame.raw)
      #expect(read.agrees(digest, at: index) && !read.agrees(digest, at: (index + 1) % 7))
    }
    var whole = FrameDigests()
    whole.append(contentsOf: Self.list)
    #expect(whole.encoded() == bytes)
  }

  @Test("a flipped bit anywhere, a byte more or less and another count are refused")
  func damaged() {
    let bytes = Self.list.encoded()
    for index in bytes.indices {
      var changed = bytes
      changed[index] ^= 0x10
      let isRead = FrameDigests(parsing: changed.raw, count: 7) != nil
      #expect(!isRead, "byte \(index)")
    }
    let (longer, shorter) = (bytes + [0], Array(bytes.dropLast()))
    let others = [
      FrameDigests(parsing: longer.raw, count: 7), FrameDigests(parsing: shorter.raw, count: 7),
      FrameDigests(parsing: bytes.raw, count: 6),
    ]
    #expect(others.allSatisfy { $0 == nil })
  }
}
