// The Python files of an exported folder, with the feature maps in them.

internal import HHCompute

/// A Python file of an exported folder.
struct PythonCode: Sendable {
  /// Its name in the folder.
  let name: String
  /// Its bytes.
  let content: [UInt8]

  /// The files that hold a model's code.
  static let files = [
    PythonCode(name: "modeling_hedgehog.py", content: PackageResources.modeling_hedgehog_py),
    PythonCode(name: "linear_attention.py", content: withFeatureMaps),
  ]

  /// The attention's code, with every kind of feature map in place of an empty table.
  private static var withFeatureMaps: [UInt8] {
    let code = String(decoding: PackageResources.linear_attention_py, as: UTF8.self)
    let kinds = FeatureMapKind.allCases
    let definitions = kinds.map(\.python.definitions).filter { !$0.isEmpty }
    let table = ["KINDS = {"] + kinds.map { "    \"\($0)\": \($0.entry)," } + ["}"]
    return Array(
      code.replacing(
        "KINDS = {}  # filled in by the export",
        with: (definitions + [table.joined(separator: "\n")]).joined(separator: "\n\n\n")
      ).utf8)
  }
}

extension FeatureMapKind {
  /// The kind as an entry of Python's table.
  fileprivate var entry: String {
    var arguments = [python.features]
    if !hasDimension { arguments.append("weight=False") }
    if isRandom { arguments.append("trained=False") }
    if storesLogScales { arguments.append("logarithms=True") }
    return "Kind(\(arguments.joined(separator: ", ")))"
  }
}
