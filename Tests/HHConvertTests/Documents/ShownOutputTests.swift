// What the comparison of documents with output lets through, and what it does not.

import HHTestSupport
import Testing

@Suite("ShownOutput")
struct ShownOutputTests {
  @Test(
    "what varies from run to run, or from processor to processor, makes no difference",
    arguments: [
      (["0.3 s, 165,683 tokens/s"], "7 min 12 s, 9 tokens/s"),
      (["peak memory 54.4 MB"], "peak memory 1.2 GB"),
      (["time         about 0.5 s"], "time         about 12 s"),
      (["layer 0 (1 of 3)  KL 0.5531 -> 0.0453"], "layer 0 (1 of 3)  KL 0.5530 -> 0.0461"),
      (["a.zst: 528.6 kB"], "a.zst: 528.5 kB"),
      (["one", "… and so on"], "one\ntwo\nthree\n"),
      (["…", "three"], "one\ntwo\nthree\n"),
      (["sha256 87904c…"], "sha256 87904c0368bd4b0d…"),
      (["saved to …/run"], "saved to /tmp/x/run"),
      (["KL 0.01 …"], "KL 0.01 and 7.5 more"),
      (["one", "two"], "one\ntrain  step 20  held-out loss 5.5039\ntwo\nwrite   1 of 2 B\n"),
      (["train  step 20"], "train  step 10\ntrain  step 20\n"),
    ])
  func agrees(_ shown: [String], _ output: String) {
    #expect(ShownOutput.difference(shown, from: output) == nil)
  }

  @Test(
    "anything else does",
    arguments: [
      (["52 tensors"], "53 tensors"), (["52 tensors"], "52 tensors\nwarning"),
      (["52 tensors", "sound"], "52 tensors"), (["KL 0.5531"], "KL 0.6531"),
      (["train  step 20"], "train  step 10\n"), (["KL 0.5531"], "KL 0.553"),
      (["…", "three"], "one\ntwo\n"),
      (["one", "… and so on"], "two\n"), (["528.6 kB"], "428.6 kB"), (["528.6 kB"], "528.6 MB"),
      (["from …/run to"], "from /tmp/walk to"), (["ab…bc"], "abc"), (["KL 0.01 …"], "KL 0.51 a"),
    ])
  func differs(_ shown: [String], _ output: String) {
    #expect(ShownOutput.difference(shown, from: output) != nil)
  }
}
