// How well predicted classes agree with the true ones.

internal import HHCompute

/// Counts of (true class, predicted class).
package struct ConfusionMatrix: Sendable, Equatable {
  /// counts[truth][prediction].
  package let counts: [[Int]]

  /// Counts predictions; classes are numbered from 0.
  package init(truth: [Int], predictions: [Int], classCount: Int) {
    precondition(truth.count == predictions.count, "one prediction for each example")
    var counts = Array(repeating: Array(repeating: 0, count: classCount), count: classCount)
    for (truth, prediction) in zip(truth, predictions) { counts[truth][prediction] += 1 }
    self.counts = counts
  }

  private var total: Int { counts.joined().reduce(0, +) }
  private func truths(_ label: Int) -> Int { counts[label].reduce(0, +) }
  private func predictions(_ label: Int) -> Int { counts.reduce(0) { $0 + $1[label] } }

  /// Share of examples whose class was predicted.
  package var accuracy: Double {
    total == 0 ? 0 : Double(counts.indices.reduce(0) { $0 + counts[$1][$1] }) / Double(total)
  }

  /// F1 of one class: the harmonic mean of precision and recall, 0 where the class occurs nowhere.
  package func f1(of label: Int) -> Double {
    let sum = truths(label) + predictions(label)
    return sum == 0 ? 0 : 2 * Double(counts[label][label]) / Double(sum)
  }

  /// F1 of class 1 where there are two classes, else the mean over the classes.
  package var f1: Double {
    if counts.count == 2 { return f1(of: 1) }
    return counts.isEmpty
      ? 0 : counts.indices.reduce(0) { $0 + f1(of: $1) } / Double(counts.count)
  }

  /// Matthews' correlation coefficient for any number of classes (Gorodkin 2004); 0 where one of
  /// the marginals is constant.
  package var matthews: Double {
    let classes = counts.indices
    let total = Double(total)
    let correct = Double(classes.reduce(0) { $0 + counts[$1][$1] })
    let truth = classes.map { Double(truths($0)) }
    let predicted = classes.map { Double(predictions($0)) }
    func product(_ a: [Double], _ b: [Double]) -> Double {
      zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
    }
    let covariance = correct * total - product(truth, predicted)
    let spread =
      ((total * total - product(predicted, predicted)) * (total * total - product(truth, truth)))
      .squareRoot()
    return spread == 0 ? 0 : covariance / spread
  }
}
