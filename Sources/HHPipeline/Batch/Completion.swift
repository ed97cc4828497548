// Whether a model's artifact is there already.

internal import HHData
package import HHFormat

/// What stands where a conversion's artifact would go.
package enum Completion: Sendable, Equatable {
  /// Nothing.
  case absent
  /// A whole artifact of the same sources, made with the same settings by the same version.
  case done
  /// Something else, in words.
  case other(String)

  /// Looks at a conversion's output.
  ///
  /// The artifact's container, header and manifest are checked; its tensors, which were whole when
  /// the file got its name, are not decompressed. The sources are read once for their digests.
  ///
  /// - Throws: `FormatError` where the model or its data cannot be read.
  package init(of options: ConversionOptions) throws(FormatError) {
    guard isPresent(options.outputPath) else {
      self = .absent
      return
    }
    let recipe: JSONObject
    let made: [Provenance.Source]
    do throws(FormatError) {
      let manifest = try ArtifactReader(at: options.outputPath, limit: .none).manifest
      recipe = manifest.description.provenance.recipe
      made = manifest.description.provenance.sources
    } catch {
      self = .other("no whole artifact: \(error.problem)")
      return
    }
    let checkpoint = try Checkpoint(
      opening: options.model, configuration: options.configuration, base: options.base)
    let sources = try ConversionKey.sources(of: checkpoint)
    let sidecars = try SidecarFiles(of: checkpoint)
    var keys: [String] = []
    for options in options.withEveryPrecision {
      keys.append(try ConversionKey(sidecars: sidecars, options: options).text(for: sources))
    }
    if let key = recipe[ConversionKey.member]?.string, keys.contains(key) {
      self = .done
    } else if made.map(\.sha256) != sources.map(\.sha256) {
      self = .other("an artifact of other weights or another configuration")
    } else {
      self = .other("an artifact made with other settings, another tokenizer or by another version")
    }
  }
}
