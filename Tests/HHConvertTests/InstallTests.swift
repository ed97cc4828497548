// What scripts/install puts where, what shells make of it, and that all of it goes again.

import Foundation
import HHTestSupport
import Testing

@Suite("scripts/install")
struct InstallTests {
  private let folder: TemporaryDirectory

  init() throws {
    folder = try TemporaryDirectory()
    // In place of ArgumentParser's tool, which a build of its own would make.
    try folder.write(
      """
      #!/bin/sh
      [ "$2 $3" = "--multi-page --output-directory" ] || exit 1
      echo '.Dt HH-CONVERT 1' > "$4/hh-convert.1"
      echo '.Dt HH-CONVERT.RECIPE.LIST 1' > "$4/hh-convert.recipe.list.1"

      """, to: "manual")
  }

  private func install(_ arguments: String) throws -> Tool.Outcome {
    try Tool.shell(
      """
      chmod +x manual
      HH_CONVERT=$hh HH_MANUAL=$PWD/manual '\(Fixtures.root)/scripts/install' \(arguments)
      """, in: folder)
  }

  private var files: Set<String> {
    get throws {
      let all = try #require(FileManager.default.enumerator(atPath: folder.path("to")))
      return Set(
        all.compactMap { $0 as? String }.filter { name in
          var isFolder: ObjCBool = false
          let path = folder.path("to/\(name)")
          // Safe: the pointer is to a variable that lives through the call.
          return unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
            && !isFolder.boolValue
        })
    }
  }

  @Test("program, man pages and completions are installed, used and uninstalled")
  func installation() throws {
    let outcome = try install("to")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(
      try files == [
        "bin/hh-convert", "share/man/man1/hh-convert.1",
        "share/man/man1/hh-convert-recipe-list.1",
        "share/bash-completion/completions/hh-convert", "share/zsh/site-functions/_hh-convert",
        "share/fish/vendor_completions.d/hh-convert.fish",
      ])
    let page = try String(
      contentsOfFile: folder.path("to/share/man/man1/hh-convert-recipe-list.1"), encoding: .utf8)
    #expect(page == ".Dt HH-CONVERT-RECIPE-LIST 1\n")
    let version = try Tool.shell("to/bin/hh-convert --version", in: folder)
    #expect(version.output.hasPrefix("hh-convert "))
    #expect(try install("--uninstall to").status == 0)
    #expect(try files.isEmpty)
  }

  @Test(
    "bash completes commands, options and values",
    arguments: [
      ("ge", "generate"), ("generate m --templ", "--template"),
      ("generate m --template ''", "chatml llama-2 llama-3 zephyr mistral"),
      ("export m --to ''", "hf safetensors gguf onnx"), ("convert m --effort q", "quick"),
    ])
  func completion(_ words: String, _ expected: String) throws {
    let outcome = try Tool.shell(
      """
      source <($hh --generate-completion-script bash)
      COMP_WORDS=(hh-convert \(words)) COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
      _hh-convert hh-convert "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
      echo "${COMPREPLY[*]}"
      """, in: folder)
    #expect(outcome.output == expected + "\n")
  }

  @Test("a folder that cannot be written and two folders are refused before anything is built")
  func refused() throws {
    try folder.write("", to: "file")
    let file = try install("file")
    #expect(file.status == 73)
    #expect(
      file.errors.contains("file/bin: expected a folder that can be written, found none"))
    #expect(try install("a b").status == 64)
    #expect(try install("--help").status == 64)
  }
}
