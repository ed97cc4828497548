// What a run must find again to go on: its inputs, and nobody else at work on it.

import Foundation
import Glibc
import HHFormat
import HHTestSupport
import Testing

@Suite("Inputs of a resumed run")
struct ResumeInputsTests {
  let bench: Bench

  init() throws { bench = try Bench() }

  @Test("a run goes on only with the model and the data that it began with, and whole files")
  func inputs() throws {
    let text = try String(contentsOfFile: Fixtures.path("data/held-out.txt"), encoding: .utf8)
    try bench.folder.write(text, to: "text.txt")
    let stopped = try Tool.run(
      [
        "models/gpt2", "--data", "text.txt", "--length", "32", "--steps", "4", "--finetune-steps",
        "400",
        "--run", "run", "-o", "out",
      ], in: bench.folder, until: "\"stage\":\"finetune\",\"step\":10", then: SIGTERM)
    #expect(stopped.status == 75)
    try bench.folder.write(text + " more", to: "text.txt")
    let other = try Tool.run("resume", "run", in: bench.folder)
    #expect(other.status == 65, "\(other)")
    expectError(other, "expected the model and the data that the run began with, found others")
    let recipe = try bench.bytes("run/recipe.yaml")
    let rated = try Tool.run("resume", "run", "--finetune-lr", "0.1", in: bench.folder)
    #expect(rated.status == 65, "\(rated)")
    #expect(try bench.bytes("run/recipe.yaml") == recipe)
    try bench.folder.write(text, to: "text.txt")
    // Each damaged checkpoint is to be removed: then the one before it counts, at last none.
    for (damage, rest) in [
      ({ $0[$0.count / 2] ^= 1 }, "goes on from the checkpoint before it"),
      ({ $0.removeLast($0.count / 3) }, "begins anew, since it is the only checkpoint"),
    ] as [((inout [UInt8]) -> Void, String)] {
      let names = try directoryEntries(of: bench.folder.path("run"))
      let name = try #require(names.last { $0.hasPrefix("checkpoint-") })
      var bytes = Array(try bench.bytes("run/\(name)"))
      damage(&bytes)
      try Data(bytes).write(to: URL(filePath: bench.folder.path("run/\(name)")))
      let damaged = try Tool.run("resume", "run", in: bench.folder)
      #expect(damaged.status == 65, "\(damaged)")
      let hint = "\nhint: remove 'run/\(name)'; then 'hh-convert resume run' \(rest)\n"
      #expect(damaged.errors.contains("run/\(name)") && damaged.errors.contains(hint), "\(damaged)")
      try FileManager.default.removeItem(atPath: bench.folder.path("run/\(name)"))
    }
    let anew = try Tool.run(
      ["resume", "run"], in: bench.folder, until: "\"stage\":\"distil\"", then: SIGTERM)
    #expect(anew.status == 75, "\(anew)")
  }

  @Test("a run goes on only with the labels, held-out rows and files beside the model of its begin")
  func otherInputs() throws {
    var contents: [String: [UInt8]] = ["vit/tokenizer_config.json": Array("{}".utf8)]
    for name in ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"] {
      let bytes = Array(try bench.bytes("data/shapes/\(name)"))
      contents[name] = bytes
      contents["held/\(name)"] = bytes
    }
    for (name, bytes) in contents { try bench.folder.write(bytes, to: name) }
    for name in try directoryEntries(of: Fixtures.path("models/vit")) {
      let file = try MappedFile(at: Fixtures.path("models/vit/\(name)"))
      try bench.folder.write(file.bytes.copied(), to: "vit/\(name)")
    }
    let stopped = try Tool.run(
      [
        "vit", "--data", "train-images-idx3-ubyte", "--held-out", "held/train-images-idx3-ubyte",
        "--steps", "2", "--batch", "4", "--finetune-steps", "400", "--run", "run", "-o", "out",
      ], in: bench.folder, until: #""stage":"finetune","step":10"#, then: SIGTERM)
    #expect(stopped.status == 75, "\(stopped)")
    for name in [
      "vit/tokenizer_config.json", "train-labels-idx1-ubyte", "held/train-labels-idx1-ubyte",
      "held/train-images-idx3-ubyte",
    ] {
      let old = try #require(contents[name])
      var other = old
      if name.hasSuffix(".json") { other.append(10) } else { other[old.count - 1] ^= 1 }
      try bench.folder.write(other, to: name)
      let refused = try Tool.run("resume", "run", in: bench.folder)
      #expect(refused.status == 65, "\(name) \(refused)")
      #expect(refused.errors.contains("that the run began with, found others"), "\(refused)")
      try bench.folder.write(old, to: name)
    }
    let resumed = try Tool.run("resume", "run", "--finetune-lr", "1e-4", "-q", in: bench.folder)
    #expect(resumed.status == 0, "\(resumed)")
  }

  @Test("a run that is going on is left alone, and can be taken up once its process is gone")
  func alive() throws {
    let arguments =
      Bench.short("gpt2") + [
        "--finetune-steps", "400", "--checkpoint-steps", "5", "--run", "run", "-o", "out", "-q",
      ]
    let outcome = try Tool.shell(
      """
      "$hh" \(arguments.joined(separator: " ")) &
      for i in $(seq 600); do
        ls run/checkpoint-* > /dev/null 2>&1 && break
        sleep 0.05
      done
      kill -STOP $!
      touch run/.left.partial
      "$hh" resume run
      echo "status $?"
      ls -A run
      kill -KILL $!
      wait $!
      "$hh" resume run -q
      """, in: bench.folder)
    #expect(outcome.status == 0, "\(outcome)")
    #expect(outcome.output.contains("status 75\n"), "\(outcome)")
    #expect(outcome.output.contains(".left.partial\n"), "\(outcome)")
    #expect(
      outcome.errors.contains(
        "run: expected a run that was stopped, found that the run is going on in another process"),
      "\(outcome)")
  }
}
