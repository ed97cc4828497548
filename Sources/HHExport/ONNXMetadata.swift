// What an ONNX model says of itself.

internal import HHFormat
internal import HHModel

/// The fields of a model beside its graph: who wrote it, which operators it needs and where it comes
/// from.
struct ONNXMetadata {
  private let source: ExportSource
  private let opset: ONNXOpset
  private let domains: [String]

  /// The metadata of a source's model in a graph.
  init(_ source: ExportSource, opset: ONNXOpset, _ graph: ONNXGraph) {
    (self.source, self.opset) = (source, opset)
    domains = Set(graph.nodes.map(\.domain)).sorted()
  }

  var message: ProtobufMessage {
    ProtobufMessage {
      $0.integer(1, opset.format)
      $0.text(2, Producer.name)
      $0.text(3, Producer.version)
      for domain in domains {
        $0.message(
          8,
          ProtobufMessage {
            if !domain.isEmpty { $0.text(1, domain) }
            $0.integer(2, domain.isEmpty ? opset.version : 1)
          })
      }
      for (key, value) in properties {
        $0.message(
          14,
          ProtobufMessage {
            $0.text(1, key)
            $0.text(2, value)
          })
      }
    }
  }

  /// The architecture, and of a converted model what its manifest says of its attention and origin, as
  /// JSON.
  private var properties: [(String, String)] {
    var properties = [
      ("architecture", source.names.schema.architecture),
      ("model", source.isHedgehog ? "hedgehog" : "softmax"),
    ]
    guard source.isHedgehog, let manifest = source.manifest?.json else { return properties }
    for key in ["featureMap", "provenance", "stages"] {
      if let value = manifest[key] { properties.append((key, value.text)) }
    }
    return properties
  }
}
