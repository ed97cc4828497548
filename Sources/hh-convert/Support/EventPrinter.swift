// Showing a conversion's events: a live line, plain lines, JSON lines or nothing.

import HHAnalysis
import HHCompute
import HHFormat
import HHModel
import HHPipeline
import HHTraining

/// Prints events in the manner that was asked for.
final class EventPrinter {
  /// How events are shown.
  enum Manner {
    /// One line on standard error that is written over.
    case live
    /// A line on standard error every ten seconds.
    case plain
    /// JSON lines on standard output.
    case json
    case quiet

    /// The manner that flags ask for.
    static func chosen(json: Bool, quiet: Bool) -> Manner {
      if json { return .json }
      if quiet { return .quiet }
      return Terminal.isLive ? .live : .plain
    }
  }

  private let manner: Manner
  private let shown: ProgressLine
  private var stage = (name: "", since: Stopwatch())

  init(_ manner: Manner) {
    self.manner = manner
    shown = ProgressLine(isLive: manner == .live)
  }

  /// Opens and runs a conversion and prints its events; a signal stops it. At its end a report is
  /// written where one is asked for.
  ///
  /// - Parameters:
  ///   - folder: The folder of a run that goes on, which keeps why it could not.
  ///   - conversion: Opens the conversion.
  /// - Throws: what ends the conversion.
  func follow(
    resuming folder: RunFolder? = nil,
    opening conversion: (@escaping ConversionReport) throws -> Conversion
  ) throws {
    defer { clear() }
    let sinceStart = Stopwatch()
    func report(_ event: ConversionEvent) throws {
      try Interrupts.check()
      print(event)
    }
    let opened: Conversion
    do {
      opened = try conversion(report)
      try Interrupts.check()
    } catch {
      folder?.record(ReportedFailure(error).ofRun)
      throw error
    }
    let file = ReportFile(of: opened)
    let board = try opened.options.tensorBoard.map(TensorBoardLog.init)
    var history = RunHistory()
    _ = try opened.run { event in
      if file != nil { history.add(event, after: sinceStart.seconds) }
      try board?.add(event)
      try report(event)
    } failure: {
      ReportedFailure($0).ofRun
    }
    try file?.write(opened, history)
  }

  /// Prints one event of work that is no conversion.
  func print(_ event: ProgressEvent) { print(.progress(event)) }

  /// Prints one event.
  func print(_ event: ConversionEvent) {
    switch manner {
    case .json: Terminal.show(event.jsonLine(SettingNames.option))
    case .quiet: break
    case .live, .plain: describe(event)
    }
  }

  private func describe(_ event: ConversionEvent) {
    switch event {
    case .reading(let inputs):
      let files = inputs.data.isEmpty ? "" : " and " + inputs.data.joined(separator: ", ")
      line(
        "reading \(inputs.source) (\(inputs.architecture), \(Format.count(inputs.parameterCount))"
          + " parameters)\(files)")
    case .planned(let plan):
      line(
        "\(plan.architecture): \(plan.rewrite.blocks.count) blocks,"
          + " \(Format.count(plan.rewrite.newParameterCount)) new parameters; "
          + (plan.training.map { training in
            "\(training.data); \(training.hasTeacher ? training.steps : training.finetuning?.steps ?? 0)"
              + " steps of \(training.batchSize) x \(training.length), about \(Format.duration(plan.seconds))"
          } ?? "no training, about \(Format.duration(plan.seconds))"))
    case .resumed(let checkpoint):
      line("goes on from \(checkpoint ?? "the beginning: there is no checkpoint yet")")
    case .progress(let event): describe(event)
    // The summary says what comes of it.
    case .evaluated(let result) where result.task == Fidelity.task: break
    case .evaluated(let result):
      for figure in result.figures {
        line(
          "\(result.task) after \(result.after)  \(figure.name) \(Format.fixed(figure.value, 4))"
            + (figure.teacher.map { " (softmax: \(Format.fixed($0, 4)))" } ?? ""))
      }
    case .failed: break
    case .summary(let summary): describe(summary)
    }
  }

  private func describe(_ event: ProgressEvent) {
    switch event {
    case .stage(let name):
      if name != stage.name { stage = (name, Stopwatch()) }
      progress("\(name)  \(Format.duration(stage.since.seconds))")
    case .sampled(let tokens, let total):
      progress("sample  \(Format.count(tokens)) of \(Format.count(total)) tokens")
    case .step(let step):
      progress(
        "distil  \(Format.layer(step.layer, of: step.layerCount))  step \(step.step)/\(step.steps)"
          + "  loss \(Format.fixed(step.loss, 4))  \(Format.count(Int(step.tokensPerSecond))) tokens/s"
          + "  \(Format.duration(step.secondsLeft)) left")
    case .finetuneStep(let step):
      progress(
        "\(step.stage)  step \(step.step)/\(step.steps)  loss \(Format.fixed(step.loss, 4))"
          + "  \(Format.count(Int(step.tokensPerSecond))) tokens/s"
          + "  \(Format.duration(step.secondsLeft)) left")
    case .finetuned(let summary):
      line(
        (summary.teacherLoss == nil && !summary.asksTeacher ? "trained" : "finetuned")
          + " on \(summary.objective)  held-out loss \(Format.fixed(summary.lossBefore, 4)) ->"
          + " \(Format.fixed(summary.lossAfter, 4))"
          + (summary.teacherLoss.map { " (unconverted: \(Format.fixed($0, 4)))" } ?? "")
          + ", \(Format.count(Int(summary.tokensPerSecond))) tokens/s")
    case .measured(let measurement):
      progress(
        "\(measurement.stage)  step \(measurement.step)"
          + "  held-out loss \(Format.fixed(measurement.loss, 4))")
    case .written(let done, let total):
      progress("write   \(Format.bytes(done)) of \(Format.bytes(total))")
    case .verified(let done, let total):
      progress("verify  \(Format.bytes(done)) of \(Format.bytes(total))")
    case .layerFinished(let result, let total):
      line(
        "\(Format.layer(result.layer, of: total))  KL \(Format.fixed(result.klBefore, 4)) ->"
          + " \(Format.fixed(result.klAfter, 4))")
    case .kept(let layers):
      line("softmax stays in layers \(layers.map(String.init).joined(separator: ", "))")
    case .warning(let text): line("warning: \(text.spelled(SettingNames.option))")
    }
  }

  private func describe(_ summary: ConversionSummary) {
    clear()
    var lines = [
      "\(summary.output): \(Format.bytes(summary.artifactBytes)) (\(Format.bytes(summary.rawBytes)) uncompressed)"
    ]
    var speed = ""
    if let training = summary.training {
      if !training.layers.isEmpty {
        lines.append(
          "mean KL(teacher || student) on held-out rows: \(Format.fixed(training.klBefore, 4)) ->"
            + " \(Format.fixed(training.klAfter, 4))")
      }
      if let verdict = training.verdict {
        lines += [
          "on \(training.evaluations.last?.data ?? "rows"): \(verdict.reason)", verdict.text,
        ]
      }
      if training.tokensPerSecond > 0 {
        speed = " \(Format.count(Int(training.tokensPerSecond))) tokens/s,"
      }
    }
    lines.append(
      "\(Format.duration(summary.seconds)),\(speed) peak memory \(Format.bytes(summary.peakMemory))"
    )
    Terminal.show(joined(lines: lines) + "\n")
  }

  private func line(_ text: String) { shown.line(text) }

  private func progress(_ text: String) { shown.show(text) }

  /// Removes the live line, so that other text starts on a clean one.
  func clear() { shown.clear() }
}
