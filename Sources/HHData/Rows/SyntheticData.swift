// Inputs made up from a seed, for a conversion without data.

package import HHCompute

/// Made-up inputs. They teach the feature maps where attention goes, not what a task wants.
package enum SyntheticData {
  /// Encoder rows: the frame around ids drawn evenly from `ordinary`, which is not empty.
  package static func encoderRows(
    count: Int, length: Int, ordinary: [Int32], frame: TokenFrame, generator: SeededGenerator
  ) -> TokenRows {
    precondition(!ordinary.isEmpty, "there must be ids to draw from")
    var generator = generator.split("encoder rows")
    let body = max(0, length - frame.prefix.count - frame.suffix.count)
    var ids: [Int32] = []
    for _ in 0..<count {
      ids += frame.prefix
      for _ in 0..<body { ids.append(ordinary[generator.uniform(below: ordinary.count)]) }
      ids += frame.suffix
    }
    return TokenRows(ids: ids, length: frame.prefix.count + body + frame.suffix.count)
  }

  /// The ids of a vocabulary that stand for text: all but those with a role and BERT's `[unused0]`
  /// and its like. Without a tokenizer, all.
  package static func ordinaryIDs(
    vocabularySize: Int, tokenizer: (any Tokenizer)?
  ) -> [Int32] {
    let size = Int32(clamping: vocabularySize)
    guard let tokenizer else { return Array(0..<size) }
    let roles = Set(tokenizer.special.structural + [tokenizer.special.unknown].compactMap(\.self))
    let ordinary = (0..<min(size, Int32(clamping: tokenizer.vocabularySize))).filter { id in
      guard !roles.contains(id) else { return false }
      let text = tokenizer.decode([id])
      return !text.isEmpty && !text.hasPrefix("[unused")
    }
    return ordinary.isEmpty ? Array(0..<size) : ordinary
  }

  /// Smooth images: a slanted gradient and a few soft blobs, scaled to pixels from 0 to 255 and
  /// normalised like real ones.
  package static func images(
    count: Int, shape: ImageShape, normalization: ImageNormalization, generator: SeededGenerator
  ) -> ImageSet {
    var generator = generator.split("images")
    var values: [Float] = []
    values.reserveCapacity(count * shape.valueCount)
    for _ in 0..<count {
      for channel in 0..<shape.channels {
        let blobs = (0..<1 + generator.uniform(below: 4)).map { _ in Blob(&generator) }
        let slope = (generator.uniform() - 0.5, generator.uniform() - 0.5)
        for row in 0..<shape.height {
          for column in 0..<shape.width {
            let y = Float(row) / Float(shape.height)
            let x = Float(column) / Float(shape.width)
            let light = blobs.reduce(slope.0 * y + slope.1 * x) { $0 + $1.light(y, x) }
            let pixel = (min(1, max(0, light)) * 255).rounded()
            // Pixels as a file of bytes would have them, at the scale the model expects.
            values.append(
              normalization(normalization.scale == 1 ? pixel / 255 : pixel, channel: channel))
          }
        }
      }
    }
    return ImageSet(values: values, shape: shape)
  }

  /// A soft round spot; a rational fall-off, as an exponential may differ between machines.
  private struct Blob {
    let y, x, radius, strength: Float

    init(_ generator: inout SeededGenerator) {
      y = generator.uniform()
      x = generator.uniform()
      radius = 0.05 + 0.25 * generator.uniform()
      strength = generator.uniform() * 1.5 - 0.25
    }

    func light(_ y: Float, _ x: Float) -> Float {
      let distance = ((y - self.y) * (y - self.y) + (x - self.x) * (x - self.x)) / (radius * radius)
      let fall = 1 / (1 + distance)
      return strength * fall * fall
    }
  }
}
