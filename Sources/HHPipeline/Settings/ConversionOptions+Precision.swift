// A precision to be chosen becomes one.

internal import HHCompute
internal import HHModel
internal import HHTraining

extension ConversionOptions {
  /// Replaces `auto` by the faster precision for a model's products here.
  ///
  /// Everything that follows, a run's recipe and the artifact's provenance included, knows the choice
  /// alone: a run goes on as it began on whatever machine.
  ///
  /// - Returns: what was measured; nil where nothing was to be chosen.
  mutating func choosePrecision(for graph: Graph) -> PrecisionChoice? {
    guard leavesPrecisionOpen else { return nil }
    let choice = PrecisionChoice(measuring: graph.typicalProducts)
    self = choosing(choice.precision)
    return choice
  }

  /// The settings with every precision that they may stand for: another machine may have chosen
  /// another.
  var withEveryPrecision: [ConversionOptions] {
    leavesPrecisionOpen ? ProductPrecision.allCases.map(choosing) : [self]
  }

  private var leavesPrecisionOpen: Bool {
    (stages.contains(.distil) && distillation.precision == .auto)
      || (finetuning.isEnabled && finetuning.precision == .auto)
  }

  private func choosing(_ precision: ProductPrecision) -> ConversionOptions {
    var options = self
    if distillation.precision == .auto { options.distillation.precision = .init(precision) }
    if finetuning.precision == .auto { options.finetuning.precision = .init(precision) }
    return options
  }
}

extension Graph {
  /// The distinct products of a block with its weights. Extents beyond which rates no longer change
  /// are cut there, so that timing takes milliseconds.
  fileprivate var typicalProducts: [PrecisionChoice.Extents] {
    let most = 1024
    var products: [PrecisionChoice.Extents] = []
    for linear in linears {
      let product = PrecisionChoice.Extents(
        rows: most / 2, depth: min(most, linear.inputs), columns: min(most, linear.outputs))
      if !products.contains(product) { products.append(product) }
    }
    return products
  }
}
