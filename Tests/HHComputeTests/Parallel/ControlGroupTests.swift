// Limits of control groups, read from files such as the system's.

import HHTestSupport
import Testing

@testable import HHCompute

@Suite("ControlGroup")
struct ControlGroupTests {
  @Test(
    "the least limit of a group and of those above it",
    arguments: [
      ("0::/a/b\n", ["a/b/memory.max": "max\n", "a/memory.max": "5000\n"], 5000),
      ("0::/a/b\n", ["a/b/memory.max": "4000\n", "memory.max": "5000\n"], 4000),
      ("0::/not/seen/here\n", ["memory.max": "3000\n"], 3000),
      (
        "3:cpu,memory:/job\n2:pids:/job\n",
        [
          "memory/job/memory.limit_in_bytes": "2000\n",
          "memory/memory.limit_in_bytes": "9223372036854771712\n", "job/memory.max": "1\n",
        ], 2000
      ),
      ("0::/a\n", ["a/memory.max": "max\n"], nil), ("nonsense\n", ["memory.max": "1\n"], nil),
      ("", [:], nil),
    ] as [(String, [String: String], Double?)])
  func limits(groups: String, files: [String: String], expected: Double?) throws {
    let root = try TemporaryDirectory()
    try root.write(groups, to: "proc/self/cgroup")
    for (name, text) in files { try root.write(text, to: "sys/fs/cgroup/\(name)") }
    #expect(ControlGroup.memoryLimit(in: root.path) == expected)
  }

  @Test("a system without such files has no limit")
  func none() throws {
    #expect(ControlGroup.memoryLimit(in: try TemporaryDirectory().path) == nil)
  }
}
