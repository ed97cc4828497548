// One part of a batch that several processes share: I/N, or what a scheduler says.

import ArgumentParser
import HHFormat

/// The part of a list that one of several processes works on: every N-th element, from the I-th on.
struct Shard: Equatable {
  /// From 1.
  let index: Int
  let count: Int

  /// Reads `I/N`, or `auto`, which takes both from the variables of the scheduler that started this
  /// process, or `auto/N` where it says the number alone; anything else is a `ValidationError`.
  init(_ argument: String, variable: (String) -> String? = environmentVariable) throws {
    let parts = argument.split(separator: "/", omittingEmptySubsequences: false)
    let count = parts.count == 2 ? Int(parts[1]) : nil
    guard parts.count == 1 || count.map({ $0 > 0 }) == true else {
      throw Self.error("I/N, auto or auto/N", found: argument)
    }
    if parts[0] == "auto" {
      try self.init(count: count, variable)
    } else if let index = Int(parts[0]), let count {
      self = try Self.checked(index, of: count)
    } else {
      throw Self.error("I/N, auto or auto/N", found: argument)
    }
  }

  private init(index: Int, count: Int) { (self.index, self.count) = (index, count) }

  /// What schedulers call the number of a process, the first number, the step, and how many there are.
  private static let schedulers: [(index: String, first: String?, step: String?, count: String?)] =
    [
      (
        "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_STEP",
        "SLURM_ARRAY_TASK_COUNT"
      ),
      ("JOB_COMPLETION_INDEX", nil, nil, nil),
      ("OMPI_COMM_WORLD_RANK", nil, nil, "OMPI_COMM_WORLD_SIZE"),
      ("PMI_RANK", nil, nil, "PMI_SIZE"),
    ]

  private init(count: Int?, _ variable: (String) -> String?) throws {
    func number(_ name: String?) -> Int? { name.flatMap(variable).flatMap { Int($0) } }
    for names in Self.schedulers {
      guard let index = number(names.index) else { continue }
      guard let count = count ?? number(names.count) else {
        throw Self.error("auto/N, since \(names.index) does not say how many", found: "auto")
      }
      let (distance, overflow) = index.subtractingReportingOverflow(number(names.first) ?? 0)
      let place = overflow ? -1 : distance / max(1, number(names.step) ?? 1)
      self = try Self.checked(place < Int.max ? place + 1 : place, of: count)
      return
    }
    let names = Self.schedulers.map(\.index).joined(separator: ", ")
    throw Self.error("a scheduler's \(names)", found: "none of them")
  }

  private static func checked(_ index: Int, of count: Int) throws -> Shard {
    guard count > 0, (1...count).contains(index) else {
      throw error("a shard from 1 to \(count)", found: "\(index)")
    }
    return Shard(index: index, count: count)
  }

  private static func error(_ expected: String, found: String) -> ValidationError {
    ValidationError("expected \(expected), found \(found.contains(" ") ? found : quoted(found))")
  }

  /// The elements of a list that are this shard's.
  func part<Element>(of list: [Element]) -> [Element] {
    stride(from: index - 1, to: list.count, by: count).map { list[$0] }
  }
}
