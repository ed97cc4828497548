// Images: layout, normalisation, refusals.

import HHFormat
import HHTestSupport
import Testing

@testable import HHData

@Suite("ImageSet")
struct ImageSetTests {
  private let directory: TemporaryDirectory
  private let shape = ImageShape(channels: 3, height: 1, width: 2)

  init() throws { directory = try TemporaryDirectory() }

  private func normalization(_ config: String?, channels: Int = 3) throws -> ImageNormalization {
    if let config { try directory.write(config, to: "preprocessor_config.json") }
    return try ImageNormalization(ModelFiles(in: directory.path), channels: channels)
  }

  @Test("Both layouts give channels first")
  func layouts() throws {
    let config = #"{"do_rescale": false, "do_normalize": false}"#
    let normalization = try normalization(config)
    let last = ArrayForge.numpy("|u1", "(1, 1, 2, 3)", [1, 2, 3, 4, 5, 6])
    let first = ArrayForge.numpy("|u1", "(1, 3, 1, 2)", [1, 4, 2, 5, 3, 6])
    for bytes in [last, first] {
      let array = try DataArray(numpyAt: directory.write(bytes, to: "x.npy"))
      let images = try ImageSet(array, shape: shape, normalization: normalization)
      #expect(images.values == [1, 4, 2, 5, 3, 6])
      #expect(images.count == 1)
    }
  }

  @Test("A value that is not finite is refused with its image")
  func nonfinite() throws {
    let normalization = try normalization(nil, channels: 1)
    let bytes = [Float(0), .nan].flatMap { value in
      (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(8 * $0)) }
    }
    let array = try DataArray(
      numpyAt: directory.write(ArrayForge.numpy("<f4", "(2, 1, 1)", bytes), to: "x.npy"))
    let error = #expect(throws: FormatError.self) {
      try ImageSet(
        array, shape: ImageShape(channels: 1, height: 1, width: 1), normalization: normalization)
    }
    #expect("\(error.map(\.description) ?? "")".contains("image 1: expected finite numbers"))
  }

  @Test("Without a configuration a pixel goes from -1 to 1")
  func defaults() throws {
    let normalization = try normalization(nil)
    #expect(normalization(0, channel: 0) == -1)
    #expect(abs(normalization(255, channel: 2) - 1) < 1e-6)
  }

  @Test("The configuration's numbers are used, one for all channels or one each")
  func configured() throws {
    let config = #"{"image_mean": [0.5], "image_std": [0.5, 0.25, 1], "rescale_factor": 0.5}"#
    let normalization = try normalization(config)
    #expect(normalization.means == [0.5, 0.5, 0.5])
    #expect(normalization(2, channel: 1) == 2)
  }

  @Test(
    "A configuration that cannot be meant is refused",
    arguments: [
      #"{"image_mean": [0.5, 0.5]}"#, #"{"image_std": [0]}"#, #"{"image_std": "x"}"#,
      #"{"image_mean": []}"#, #"{"rescale_factor": 1e999}"#,
    ])
  func badConfiguration(config: String) {
    #expect(throws: FormatError.self) { try normalization(config) }
  }

  @Test("Images of another shape are refused, and floats are taken as they are")
  func shapes() throws {
    let normalization = try normalization(nil)
    let other = ArrayForge.idx([1, 2, 2], [1, 2, 3, 4])
    let array = try DataArray(idxAt: directory.write(other, to: "x"))
    let error = #expect(throws: FormatError.self) {
      try ImageSet(array, shape: shape, normalization: normalization)
    }
    #expect(error?.problem.contains("expected [n, 1, 2, 3], found [1, 2, 2]") == true)
    let float = ArrayForge.numpy("<f4", "(1, 1, 1)", [0, 0, 0xC0, 0xBF])
    let floats = try DataArray(numpyAt: directory.write(float, to: "f.npy"))
    let one = ImageShape(channels: 1, height: 1, width: 1)
    #expect(try ImageSet(floats, shape: one, normalization: normalization).values == [-1.5])
  }
}
