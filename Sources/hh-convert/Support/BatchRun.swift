// Running the conversions of a batch, several at a time, each as a process of its own.

import Glibc
import HHData
import HHFormat
import HHPipeline

/// What became of one model of a batch.
struct BatchResult {
  /// The end of a model's turn.
  enum State {
    /// Converted; the values of the conversion's summary.
    case done(JSONObject)
    /// Its artifact was there.
    case skipped
    /// With the error's sentence and the exit status; 128 and the signal's number after a crash.
    case failed(String, status: Int32)
    /// The batch ended before its turn, or undid what was begun.
    case open
  }

  let unit: BatchUnit
  let state: State
  /// Wall time.
  var seconds = 0.0
}

/// Converts what is left to do of a batch.
struct BatchRun {
  /// A unit that is being converted.
  private struct Job {
    let index: Int
    let process: ChildProcess
    let stopwatch = Stopwatch()
    /// The last event that is a line of JSON.
    var event = ""
  }

  let units: [BatchUnit]
  /// The arguments of `convert` for the unit with an index, but for the model and the output.
  let arguments: (Int) -> [String]
  let jobs: Int
  let keepsGoing: Bool
  /// Whether each unit has a run folder until it is done.
  let keepsRuns: Bool
  /// Looks whether a unit is done, after another process has written its output.
  let isDone: (Int) throws -> Bool

  /// Converts the units at `indices`, in their order.
  ///
  /// `report` hears of each unit that ends; `tick` some times a second of what runs, each with its
  /// latest event. After a signal or, unless `keepsGoing`, a failure nothing new begins; what runs
  /// is stopped by the signal, and ends in its own time after a failure.
  ///
  /// - Returns: the signal that ended the run, or 0.
  func run(
    _ indices: [Int], report: (Int, BatchResult) -> Void,
    tick: ([(unit: BatchUnit, event: String)]) -> Void
  ) throws -> Int32 {
    var waiting = indices[...]
    var running: [Job] = []
    var signal: Int32 = 0
    var hasFailed = false
    while true {
      while running.count < jobs, signal == 0, keepsGoing || !hasFailed,
        let index = waiting.popFirst()
      {
        running.append(Job(index: index, process: try start(index)))
      }
      if running.isEmpty { return signal }
      let ended = takeEnded(from: &running)
      signal = Interrupts.signal
      if signal != 0 { for job in running { job.process.stop(by: signal) } }
      for job in ended {
        let result = try finish(job, isInterrupted: signal != 0)
        if case .failed = result.state { hasFailed = true }
        report(job.index, result)
      }
      tick(running.map { (units[$0.index], $0.event) })
    }
  }

  private func start(_ index: Int) throws(FormatError) -> ChildProcess {
    let unit = units[index]
    let run = keepsRuns ? ["--run", Self.runFolder(of: unit), "--resume"] : []
    return try ChildProcess(
      ["convert", "--json", "-o", unit.output] + run + arguments(index) + ["--", unit.model])
  }

  private static func runFolder(of unit: BatchUnit) -> String { unit.output + ".run" }

  /// Waits a moment for news and takes out of `running` what has ended.
  private func takeEnded(from running: inout [Job]) -> [Job] {
    var events = running.map { pollfd(fd: $0.process.output, events: Int16(POLLIN), revents: 0) }
    // Safe: poll fills the elements of the array, of which it gets the count.
    guard unsafe poll(&events, nfds_t(events.count), 200) > 0 else { return [] }
    var ended: [Job] = []
    for index in running.indices.reversed() where events[index].revents != 0 {
      if let lines = running[index].process.readLines() {
        if let last = lines.last { running[index].event = last }
      } else {
        ended.append(running.remove(at: index))
      }
    }
    return ended
  }

  private func finish(_ job: Job, isInterrupted: Bool) throws -> BatchResult {
    let unit = units[job.index]
    let (end, errors) = job.process.wait()
    let state: BatchResult.State
    switch end {
    case .exited(0):
      state = .done(Self.summary(job.event))
      if keepsRuns { removeFolder(at: Self.runFolder(of: unit)) }
    case .exited(let status) where try Self.othersWork.contains(status) && isDone(job.index):
      state = .skipped
    case .exited(let status)
    where isInterrupted && (status > 128 || status == ExitStatus.tryAgain.rawValue):
      state = .open
    case .exited(let status): state = .failed(Self.sentence(errors), status: status)
    case .signalled where isInterrupted: state = .open
    case .signalled(let signal):
      state = .failed(
        "the conversion crashed: signal \(signal), \(Self.name(ofSignal: signal))",
        status: 128 + signal)
    }
    return BatchResult(unit: unit, state: state, seconds: job.stopwatch.seconds)
  }

  /// The statuses of a conversion whose output or run another process has.
  private static let othersWork = [
    ExitStatus.cannotCreate.rawValue, ExitStatus.tryAgain.rawValue,
  ]

  private static func summary(_ event: String) -> JSONObject {
    do {
      return try JSONValue(parsing: Array(event.utf8)).object ?? [:]
    } catch {
      return [:]
    }
  }

  /// The error in what a conversion wrote to standard error, without its hint.
  private static func sentence(_ errors: String) -> String {
    let mark = "error: "
    let line = errors.split(separator: "\n").last { $0.hasPrefix(mark) }
    return line.map { String($0.dropFirst(mark.count)) } ?? "failed without a message"
  }

  private static func name(ofSignal signal: Int32) -> String {
    // Safe: the text is constant and copied.
    unsafe strsignal(signal).map { unsafe String(cString: $0) } ?? "unknown"
  }
}
