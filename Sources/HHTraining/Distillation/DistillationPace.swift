// How long the rest of distillation takes, from what was timed of it.

/// Mean costs of the three things that distillation does, which differ by far: a teacher's pass of a
/// wide model takes as long as a hundred steps.
struct DistillationPace {
  /// What there is to do.
  struct Work: Equatable {
    /// Layers whose held-out rows the teacher passes and that are measured.
    var layers = 0
    /// Batches that the teacher passes.
    var passes = 0
    /// Steps of a student.
    var steps = 0

    static func + (a: Work, b: Work) -> Work {
      Work(layers: a.layers + b.layers, passes: a.passes + b.passes, steps: a.steps + b.steps)
    }

    static func * (a: Work, factor: Int) -> Work {
      Work(layers: a.layers * factor, passes: a.passes * factor, steps: a.steps * factor)
    }
  }

  /// What was done.
  private(set) var done = Work()
  /// Seconds of all that was done.
  private var layers = 0.0
  private var passes = 0.0
  private var steps = 0.0

  /// Adds the held-out rows of a layer.
  mutating func addLayer(seconds: Double) {
    done.layers += 1
    layers += seconds
  }

  /// Adds the teacher's pass of a batch.
  mutating func addPass(seconds: Double) {
    done.passes += 1
    passes += seconds
  }

  /// Adds a step.
  mutating func addStep(seconds: Double) {
    done.steps += 1
    steps += seconds
  }

  /// Seconds that `work` takes at the mean pace so far; of what was never done, none.
  func seconds(for work: Work) -> Double {
    func seconds(_ total: Double, _ done: Int, _ left: Int) -> Double {
      done > 0 ? total / Double(done) * Double(left) : 0
    }
    return seconds(layers, done.layers, work.layers) + seconds(passes, done.passes, work.passes)
      + seconds(steps, done.steps, work.steps)
  }
}
