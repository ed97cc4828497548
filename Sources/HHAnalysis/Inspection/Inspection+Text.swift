// An inspection as text and as JSON.

package import HHFormat

extension Inspection {
  /// The inspection as lines: a summary, then one line for the tensors that equal layers have of a
  /// kind, or with `listingAll` for each tensor; settings spelled as told.
  package func text(
    listingAll: Bool = false, _ spelling: (SettingKey) -> String = { $0.description }
  ) -> String {
    var lines = [
      "file          \(path), \(Format.bytes(fileSize))", "format        \(format)",
      "architecture  \(architecture ?? "unknown")",
    ]
    for (name, value) in facts?.lines ?? [] {
      lines.append(name + String(repeating: " ", count: 14 - name.count) + value)
    }
    lines += [
      "parameters    \(Format.count(parameterCount))",
      "tensors       \(tensors.count), \(Format.bytes(byteCount)) uncompressed",
    ]
    for entry in dtypes {
      lines.append(
        "              \(entry.dtype.rawValue): \(entry.count) tensors, \(Format.bytes(entry.byteCount))"
      )
    }
    if !storage.isEmpty {
      lines.append(
        "stored as     " + storage.map { "\($0.type) (\($0.count))" }.joined(separator: ", "))
    }
    if let manifest { lines += Self.lines(of: manifest) }
    if let obstacle {
      let parts = obstacle.spelled(spelling).split(separator: "\n").map(String.init)
      lines.append("note          not convertible as it is: \(parts.first ?? "")")
      lines += parts.dropFirst().map { "              \($0)" }
    }
    lines += [""] + TensorTable(tensors, isCollapsed: !listingAll).lines
    return joined(lines: lines)
  }

  private static func lines(of manifest: ArtifactManifest) -> [String] {
    let description = manifest.description
    var lines = [
      "version       \(manifest.version), by \(description.producer.name)"
        + " \(description.producer.version)"
    ]
    if let map = description.linearAttention {
      lines.append(
        "feature map   \(map.kind), \(map.featureDimension) features before negation,"
          + " keys shared per \(map.sharing.rawValue)")
      if let window = map.window {
        let first = map.sinks.map { " and the first \($0)" } ?? ""
        lines.append("window        softmax weights of the \(window) nearest keys\(first)")
      }
      if !map.softmaxLayers.isEmpty {
        lines.append(
          "softmax       kept in "
            + (map.softmaxLayers.count == 1 ? "layer " : "layers ")
            + map.softmaxLayers.map(String.init).joined(separator: ", "))
      }
    }
    for source in description.provenance.sources {
      lines.append(
        "source        \(source.name), \(Format.bytes(source.bytes)), sha256 \(source.sha256.prefix(16))…"
      )
    }
    if let base = manifest.base {
      let size = base.tensors.reduce(0) { $0 + $1.byteCount }
      lines.append(
        "delta         \(base.tensors.count) tensors, \(Format.bytes(size)), are left to the source"
      )
    }
    for file in manifest.files {
      lines.append("carries       \(quoted(file.name)), \(Format.bytes(file.bytes))")
    }
    lines.append("recipe        \(JSONValue.object(description.provenance.recipe).text)")
    for stage in description.stages {
      // What is no training has no losses, but may have counts.
      let shown =
        stage.losses.count > 0
        ? stage.losses.pairs : stage.qualities.pairs.filter { $0.value.double != nil }
      lines.append("stage         \(stage.name): \(JSONValue.object(JSONObject(shown)).text)")
    }
    return lines
  }

  /// The inspection as one JSON object.
  func json(_ spelling: (SettingKey) -> String) -> JSONObject {
    [
      "file": .string(path), "format": .string(format),
      "architecture": architecture.map { .string($0) } ?? .null,
      "file_bytes": .integer(fileSize),
      "model": facts.map { facts in
        .object(facts.lines.reduce(into: [:]) { $0[$1.name] = .string($1.value) })
      } ?? .null,
      "parameters": .integer(parameterCount), "bytes": .integer(byteCount),
      "obstacle": obstacle.map { .string($0.spelled(spelling)) } ?? .null,
      "manifest": manifest?.json ?? .null,
      "tensors": .array(
        tensors.map { tensor in
          .object([
            "name": .string(tensor.name), "dtype": .string(tensor.dtype.rawValue),
            "shape": .array(tensor.shape.map { .integer($0) }),
            "bytes": .integer(tensor.byteCount), "stored": .string(tensor.stored),
            "note": .string(tensor.note),
          ])
        }),
    ]
  }

  /// `json` as a line of text.
  package func jsonLine(_ spelling: (SettingKey) -> String = { $0.description }) -> String {
    JSONValue.object(json(spelling)).line
  }
}
