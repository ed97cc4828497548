// Which of a graph's parameters an objective reaches.

internal import HHModel

extension Graph {
  /// Roles of the parameters whose gradients an objective gives, each once, in order.
  func roles(reaching objective: ObjectiveKind) -> [String] {
    var seen: Set<String> = []
    let used = nodes.filter { node in
      guard case .head(let head) = node.operation else { return true }
      return objective.uses(head, in: self)
    }
    return used.flatMap(\.operation.roles).filter { seen.insert($0).inserted }
  }
}
