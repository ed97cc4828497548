// From stored pixels to what a vision model was trained on.

package import HHFormat

/// value = (pixel × scale - mean) / deviation, by channel.
package struct ImageNormalization: Sendable, Equatable {
  /// What a pixel is multiplied with first.
  package let scale: Float
  /// Means by channel.
  package let means: [Float]
  /// Standard deviations by channel, none of them 0.
  package let deviations: [Float]

  /// Reads preprocessor_config.json among a model's files; without it, or without a key, mean and deviation
  /// are 0.5 and the scale 1/255, as in Hugging Face's ViTImageProcessor.
  package init(_ files: ModelFiles, channels: Int) throws(FormatError) {
    let name = "preprocessor_config.json"
    let file = files.path(name)
    let config = files.holds(name) ? try files.object(name) : [:]
    func channelValues(_ key: String) throws(FormatError) -> [Float] {
      guard let value = config[key] else { return Array(repeating: 0.5, count: channels) }
      let numbers = (value.array ?? [value]).map { $0.double.map(Float.init) }
      let values = numbers.compactMap(\.self).filter(\.isFinite)
      guard values.count == numbers.count, values.count == channels || values.count == 1 else {
        throw FormatError(
          .badData, file: file, place: "key '\(key)'",
          problem: "expected \(channels) numbers, one a channel, found \(value.text)")
      }
      return values.count == channels ? values : Array(repeating: values[0], count: channels)
    }
    let rescales = config["do_rescale"]?.bool ?? true
    scale = rescales ? Float(config["rescale_factor"]?.double ?? 1.0 / 255) : 1
    if config["do_normalize"]?.bool ?? true {
      means = try channelValues("image_mean")
      deviations = try channelValues("image_std")
    } else {
      means = Array(repeating: 0, count: channels)
      deviations = Array(repeating: 1, count: channels)
    }
    guard scale.isFinite, !deviations.contains(0) else {
      throw FormatError(
        .badData, file: file, problem: "expected finite numbers and no deviation of 0")
    }
  }

  /// The normalised value of a pixel.
  package func callAsFunction(_ pixel: Float, channel: Int) -> Float {
    (pixel * scale - means[channel]) / deviations[channel]
  }
}
