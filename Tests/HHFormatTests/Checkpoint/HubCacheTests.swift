// Models by their names on the Hugging Face hub, found in the cache of its programs.

import HHTestSupport
import Testing

@testable import HHFormat

@Suite("HubCache")
struct HubCacheTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test("the folder is where the environment puts it")
  func folders() {
    func folder(_ environment: [String: String]) -> String? {
      HubCache(environment: environment).folder
    }
    let all = ["HOME": "/h", "XDG_CACHE_HOME": "/x", "HF_HOME": "/f", "HF_HUB_CACHE": "/c"]
    #expect(folder(all) == "/c")
    #expect(folder(all.filter { $0.key != "HF_HUB_CACHE" }) == "/f/hub")
    #expect(folder(["HOME": "/h", "XDG_CACHE_HOME": "/x"]) == "/x/huggingface/hub")
    #expect(folder(["HOME": "/h", "HF_HOME": ""]) == "/h/.cache/huggingface/hub")
    #expect(folder([:]) == nil)
  }

  @Test("names of the hub, and paths that are none")
  func names() {
    for name in ["gpt2", "org/model-1.5_x", "a/b"] { #expect(HubCache.isName(name)) }
    for name in ["", "/a", "a/", "a/b/c", "../b", "a/..b", "./a", "a--b/c", "a b", "é/b"] {
      #expect(!HubCache.isName(name), "\(name)")
    }
  }

  @Test("a downloaded model is opened from its main revision")
  func opening() throws {
    let cache = HubCache(environment: ["HF_HUB_CACHE": directory.path])
    #expect(cache.snapshot(of: "org/model") == nil)
    let entry = "models--org--model"
    try directory.writeOneByteTensors(["x"], to: "\(entry)/snapshots/abc/model.safetensors")
    // Without a note of the main revision the only one counts.
    let first = directory.path("\(entry)/snapshots/abc")
    #expect(cache.snapshot(of: "org/model") == first)
    #expect(try CheckpointSource.locate("org/model", cache: cache).directory == first)
    try directory.writeOneByteTensors(["x"], to: "\(entry)/snapshots/def/model.safetensors")
    #expect(cache.snapshot(of: "org/model") == nil)
    try directory.write("def\n", to: "\(entry)/refs/main")
    #expect(cache.snapshot(of: "org/model") == directory.path("\(entry)/snapshots/def"))
    for forged in ["../../../x", "", "gone"] {
      try directory.write(forged, to: "\(entry)/refs/main")
      #expect(cache.snapshot(of: "org/model") == nil, "\(forged)")
    }
  }

  @Test("a name that was not downloaded says how to get it")
  func missing() throws {
    let cache = HubCache(environment: ["HF_HUB_CACHE": directory.path])
    let error = try #require(throws: FormatError.self) {
      try CheckpointSource.locate("no-such-organisation/model", cache: cache)
    }
    #expect(error.kind == .missingInput && error.file == "no-such-organisation/model")
    #expect(error.hint?.contains("'hf download no-such-organisation/model'") == true)
  }
}
