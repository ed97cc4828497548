// One part of a batch, told by an option or by a scheduler's variables.

import Testing

@testable import hh_convert

@Suite("Shard")
struct ShardTests {
  @Test(
    "shards take every element once, and as many as they can evenly", arguments: [1, 2, 3, 7, 20])
  func parts(count: Int) throws {
    let list = Array(0..<10)
    let parts = try (1...count).map { try Shard("\($0)/\(count)").part(of: list) }
    #expect(parts.flatMap(\.self).sorted() == list)
    #expect(parts.allSatisfy { abs($0.count - 10 / count) <= 1 })
    #expect(parts.allSatisfy { $0 == $0.sorted() })
  }

  @Test(
    "what a scheduler says, the first of them that says anything",
    arguments: [
      (
        [
          "SLURM_ARRAY_TASK_ID": "7", "SLURM_ARRAY_TASK_MIN": "5", "SLURM_ARRAY_TASK_COUNT": "4",
          "PMI_RANK": "0", "PMI_SIZE": "9",
        ], "auto", "3/4"
      ),
      (
        [
          "SLURM_ARRAY_TASK_ID": "9", "SLURM_ARRAY_TASK_MIN": "1", "SLURM_ARRAY_TASK_STEP": "4",
          "SLURM_ARRAY_TASK_COUNT": "3",
        ], "auto", "3/3"
      ),
      (["JOB_COMPLETION_INDEX": "0"], "auto/3", "1/3"),
      (["OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_SIZE": "3"], "auto", "3/3"),
      (["PMI_RANK": "1", "PMI_SIZE": "2"], "auto", "2/2"),
    ] as [([String: String], String, String)])
  func automatic(variables: [String: String], argument: String, expected: String) throws {
    #expect(try Shard(argument) { variables[$0] } == Shard(expected))
  }

  @Test(
    "anything else is refused",
    arguments: [
      ([:], "0/3", "expected a shard from 1 to 3, found '0'"),
      ([:], "4/3", "expected a shard from 1 to 3, found '4'"),
      ([:], "-1/3", "expected a shard from 1 to 3, found '-1'"),
      ([:], "1/0", "expected I/N, auto or auto/N, found '1/0'"),
      ([:], "1", "expected I/N, auto or auto/N, found '1'"),
      ([:], "1/2/3", "expected I/N, auto or auto/N, found '1/2/3'"),
      ([:], "", "expected I/N, auto or auto/N, found ''"),
      ([:], "auto", "expected a scheduler's SLURM_ARRAY_TASK_ID, "),
      (
        ["JOB_COMPLETION_INDEX": "0"], "auto",
        "expected auto/N, since JOB_COMPLETION_INDEX does not"
      ),
      (["PMI_RANK": "2", "PMI_SIZE": "2"], "auto", "expected a shard from 1 to 2, found '3'"),
      (
        [
          "SLURM_ARRAY_TASK_ID": "17", "SLURM_ARRAY_TASK_MIN": "3", "SLURM_ARRAY_TASK_COUNT": "2",
        ], "auto", "expected a shard from 1 to 2, found '15'"
      ),
      (
        ["PMI_RANK": "-9223372036854775808", "PMI_SIZE": "2"], "auto",
        "expected a shard from 1 to 2, found '-92"
      ),
    ] as [([String: String], String, String)])
  func refused(variables: [String: String], argument: String, message: String) {
    #expect {
      try Shard(argument) { variables[$0] }
    } throws: {
      "\($0)".contains(message)
    }
  }
}
