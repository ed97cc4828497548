// Images as a vision model takes them.

package import HHFormat

/// The image a model takes.
package struct ImageShape: Sendable, Equatable {
  /// Colour channels.
  package let channels: Int
  /// Rows of pixels.
  package let height: Int
  /// Pixels in a row.
  package let width: Int
  /// Values in an image.
  package var valueCount: Int { channels * height * width }

  /// Creates a shape; the product of the extents must not overflow.
  package init(channels: Int, height: Int, width: Int) {
    self.channels = channels
    self.height = height
    self.width = width
  }
}

extension ImageShape {
  /// The images that a vision model takes.
  package init(_ sizes: Hyperparameters) {
    let side = sizes.integer("imageSize")
    self.init(channels: sizes.integer("channelCount"), height: side, width: side)
  }
}

/// Images, [count, channels, height, width], normalised.
package struct ImageSet: Sendable, Equatable {
  /// All values, one image after the other.
  package let values: [Float]
  /// The shape of each image.
  package let shape: ImageShape
  /// The class of each image, where it is known.
  package let labels: [Int32]?
  /// Number of images.
  package var count: Int { values.count / shape.valueCount }

  /// Takes values that already are normalised images.
  package init(values: [Float], shape: ImageShape, labels: [Int32]? = nil) {
    precondition(values.count.isMultiple(of: shape.valueCount), "values must fill whole images")
    self.values = values
    self.shape = shape
    self.labels = labels
  }

  /// Takes images from an array [n, h, w] (one channel), [n, h, w, c] or [n, c, h, w]. Bytes and
  /// other integers are pixels and get normalised; f32 values are taken to be normalised already.
  ///
  /// Throws `badData` where the images are not of the model's shape, as nothing is resized, and for
  /// values that are not finite.
  package init(
    _ array: DataArray, shape: ImageShape, normalization: ImageNormalization,
    labels: [Int32]? = nil
  ) throws(FormatError) {
    let extents = array.shape.count == 3 ? array.shape + [1] : array.shape
    let (c, h, w) = (shape.channels, shape.height, shape.width)
    let isChannelsFirst = extents.count == 4 && Array(extents.dropFirst()) == [c, h, w]
    guard isChannelsFirst || (extents.count == 4 && Array(extents.dropFirst()) == [h, w, c]) else {
      throw FormatError(
        .badData, file: array.path,
        problem: "images do not fit the model: expected [n, \(h), \(w), \(c)], found "
          + "\(array.shape)", hint: "images are not resized: scale them to \(w) x \(h) first")
    }
    guard extents[0] > 0 else {
      throw FormatError(.badData, file: array.path, problem: "expected images, found none")
    }
    if let labels, labels.count != extents[0] {
      throw FormatError(
        .badData, file: array.path,
        problem: "expected as many labels as images, \(extents[0]), found \(labels.count)")
    }
    let pixels = array.floats()
    var values = [Float](repeating: 0, count: pixels.count)
    for image in 0..<extents[0] {
      for channel in 0..<c {
        for place in 0..<h * w {
          let target = (image * c + channel) * h * w + place
          let source = isChannelsFirst ? target : (image * h * w + place) * c + channel
          values[target] =
            array.dtype == .f32 ? pixels[source] : normalization(pixels[source], channel: channel)
        }
      }
    }
    if let index = values.firstIndex(where: { !$0.isFinite }) {
      throw FormatError(
        .badData, file: array.path, place: "image \(index / shape.valueCount)",
        problem: "expected finite numbers, found \(values[index])")
    }
    self.init(values: values, shape: shape, labels: labels)
  }

  /// The values of one image, [channels, height, width].
  package subscript(image: Int) -> ArraySlice<Float> {
    values[image * shape.valueCount..<(image + 1) * shape.valueCount]
  }

  /// The images of the given indices, in that order.
  package func images(_ indices: some Sequence<Int>) -> ImageSet {
    var chosen: [Float] = []
    var chosenLabels: [Int32] = []
    for image in indices {
      chosen += self[image]
      if let labels { chosenLabels.append(labels[image]) }
    }
    return ImageSet(values: chosen, shape: shape, labels: labels == nil ? nil : chosenLabels)
  }
}
