// Losses for TensorBoard, as they come.

internal import FoundationEssentials
internal import HHData
package import HHFormat
internal import HHTraining

/// An event file in a folder that TensorBoard watches.
package final class TensorBoardLog {
  private let file: AppendedFile

  /// Begins another file in a folder, which is made if need be.
  ///
  /// - Throws: `.cannotCreate`, `.io`.
  package init(in folder: String) throws(FormatError) {
    try makeFolder(at: folder)
    let time = Date().timeIntervalSince1970
    let process = ProcessInfo.processInfo.processIdentifier
    file = try AppendedFile(
      at: join(folder, "events.out.tfevents.\(Int(time)).hh-convert.\(process)"))
    try file.append(TensorBoardRecord.version(at: time))
  }

  /// Refuses, before any work, a folder that no file can be written to.
  static func check(_ folder: String) throws(FormatError) {
    let isThere = isPresent(folder)
    _ = try AtomicFile(at: isThere ? join(folder, "events.out.tfevents") : folder, replacing: false)
  }

  /// Adds the numbers of an event, if it has any.
  package func add(_ event: ConversionEvent) throws(FormatError) {
    guard case .progress(let event) = event else { return }
    let time = Date().timeIntervalSince1970
    for scalar in event.scalars {
      try file.append(
        TensorBoardRecord.scalar(scalar.tag, scalar.value, step: scalar.step, at: time))
    }
  }
}

extension ProgressEvent {
  /// The numbers to draw, each with its name and its step; what is known of a layer once and for all
  /// has the layer as its step.
  var scalars: [(tag: String, value: Double, step: Int)] {
    switch self {
    case .step(let step): [("distil/layer \(step.layer)/loss", step.loss, step.step)]
    case .measured(let measured):
      [
        (
          measured.stage + (measured.layer.map { "/layer \($0)" } ?? "") + "/held-out loss",
          measured.loss, measured.step
        )
      ]
    case .layerFinished(let layer, _):
      [("distil/KL by layer", layer.klAfter, layer.layer)]
    case .finetuneStep(let step):
      [
        ("\(step.stage)/loss", step.loss, step.step),
        ("\(step.stage)/learning rate", step.rate, step.step),
        ("\(step.stage)/gradient norm", step.gradientNorm, step.step),
      ]
    default: []
    }
  }
}
