// SHA-256 of two messages at a time, where the processor has instructions for it.

internal import CHHKernels

/// Whether `sha256Blocks` and `sha256BlockPairs` may be called.
package let hasSHA256Instructions = hh_sha256_is_available() != 0

/// Takes whole blocks of 64 bytes into a state of eight words.
package func sha256Blocks(_ state: inout [UInt32], _ data: RawSpan) {
  precondition(state.count == 8 && data.byteCount.isMultiple(of: 64), "sha256Blocks: whole blocks")
  // Safe: the state has eight words, and the data as many blocks as are asked for.
  unsafe state.withUnsafeMutableBufferPointer { state in
    unsafe data.withUnsafeBytes { data in
      guard let state = state.baseAddress, let bytes = data.baseAddress else { return }
      unsafe hh_sha256(state, bytes.assumingMemoryBound(to: UInt8.self), data.count / 64)
    }
  }
}

/// Takes as many whole blocks of one message as of another, each into a state of its own.
package func sha256BlockPairs(
  _ first: inout [UInt32], _ a: RawSpan, _ second: inout [UInt32], _ b: RawSpan
) {
  precondition(first.count == 8 && second.count == 8, "sha256BlockPairs: states of eight words")
  precondition(
    a.byteCount == b.byteCount && a.byteCount.isMultiple(of: 64), "sha256BlockPairs: whole blocks")
  // Safe: both states have eight words, and both messages as many blocks as are asked for.
  unsafe first.withUnsafeMutableBufferPointer { first in
    unsafe second.withUnsafeMutableBufferPointer { second in
      unsafe a.withUnsafeBytes { a in
        unsafe b.withUnsafeBytes { b in
          guard let first = first.baseAddress, let second = second.baseAddress,
            let x = a.baseAddress, let y = b.baseAddress
          else { return }
          unsafe hh_sha256_pair(
            first, x.assumingMemoryBound(to: UInt8.self),
            second, y.assumingMemoryBound(to: UInt8.self), a.count / 64)
        }
      }
    }
  }
}
