// A new model in memory, for experiments that keep no file.

internal import HHCompute
package import HHFormat
package import HHModel

extension NewModel {
  /// The model with its first weights, ready to run and to train.
  ///
  /// - Throws: `badData` for sizes that contradict each other, `unsupported` for an architecture that
  ///   is not known.
  package func runner(seed: UInt64) throws(FormatError) -> ModelRunner {
    let place = "new model"
    let configuration = try configuration(nil)
    let tensors = try tensors(configuration, file: place)
    let names = try NameMap(
      tensors: tensors.map(\.tensor), configuration: configuration, configurationPath: nil,
      checkpointPath: place)
    var weights: [String: FloatBuffer] = [:]
    for (role, tensor) in tensors {
      weights[tensor.name] = try values(role: role, count: tensor.elementCount, seed: seed)
    }
    return ModelRunner(
      graph: try Graph(names), parameters: ParameterStore(names: names, weights: weights))
  }
}
