// The names of a classifier's classes.

extension Checkpoint {
  /// The name of each of `count` classes: the configuration's `id2label`, or `LABEL_N`.
  package func classNames(_ count: Int) -> [String] {
    let names = configuration?["id2label"]
    return (0..<count).map { names?["\($0)"]?.string ?? "LABEL_\($0)" }
  }
}
