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

  /// The key of the means in GGUF metadata, one number a channel.
  package static let ggufMeansKey = "clip.vision.image_mean"
  /// The key of the deviations in GGUF metadata, one number a channel.
  package static let ggufDeviationsKey = "clip.vision.image_std"

  /// Reads preprocessor_config.json among a model's files, or a GGUF model's metadata; without it, or
  /// without a key, mean and deviation are 0.5 and the scale 1/255, as in Hugging Face's
  /// ViTImageProcessor.
  ///
  /// - Throws: `badData` for numbers that are not one a channel, not finite, or deviations of 0.
  package init(_ files: ModelFiles, channels: Int) throws(FormatError) {
    if let gguf = files.gguf, let own = try ImageNormalization(gguf, channels: channels) {
      self = own
      return
    }
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

  /// Means and deviations of GGUF metadata; nil where it has neither.
  private init?(_ gguf: any GGUFMetadataSource, channels: Int) throws(FormatError) {
    func channelValues(_ key: String) throws(FormatError) -> [Float]? {
      guard let values = try gguf.floats(key) else { return nil }
      guard values.count == channels, values.allSatisfy(\.isFinite) else {
        throw gguf.error(
          key, "expected \(channels) finite numbers, one a channel, found \(values.count)")
      }
      return values
    }
    let means = try channelValues(Self.ggufMeansKey)
    let deviations = try channelValues(Self.ggufDeviationsKey)
    if means == nil, deviations == nil { return nil }
    scale = 1.0 / 255
    self.means = means ?? Array(repeating: 0.5, count: channels)
    self.deviations = deviations ?? Array(repeating: 0.5, count: channels)
    guard !self.deviations.contains(0) else {
      throw gguf.error(Self.ggufDeviationsKey, "expected no deviation of 0, found one")
    }
  }

  /// The normalised value of a pixel.
  package func callAsFunction(_ pixel: Float, channel: Int) -> Float {
    (pixel * scale - means[channel]) / deviations[channel]
  }
}
