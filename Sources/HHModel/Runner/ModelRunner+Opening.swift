// From a path to a model that runs.

package import HHFormat

extension ModelRunner {
  /// Opens a checkpoint as the softmax model it is.
  package convenience init(opening path: String, configuration: String? = nil)
    throws(FormatError)
  {
    let checkpoint = try Checkpoint(opening: path, configuration: configuration)
    let names = try NameMap(checkpoint)
    self.init(
      graph: try Graph(names), parameters: ParameterStore(checkpoint: checkpoint, names: names))
  }
}
