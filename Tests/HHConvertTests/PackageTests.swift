// What scripts/package packs, with a small program in the place of the real one, whose build takes
// minutes.

import Foundation
import HHModel
import HHTestSupport
import Testing

@Suite("scripts/package")
struct PackageTests {
  private let folder: TemporaryDirectory

  init() throws {
    folder = try TemporaryDirectory()
    try folder.write(
      """
      #!/bin/sh
      echo '.Dt HH-CONVERT 1' > "$4/hh-convert.1"

      """, to: "manual")
  }

  private func package(_ program: String, _ arguments: String) throws -> Tool.Outcome {
    try Tool.shell(
      """
      chmod +x manual
      export SOURCE_DATE_EPOCH=1700000000
      HH_CONVERT=\(program) HH_MANUAL=$PWD/manual '\(Fixtures.root)/scripts/package' \(arguments)
      """, in: folder)
  }

  @Test("a tar.gz for any folder and a .deb are made, the same bytes each time")
  func packages() throws {
    for name in ["a", "b"] {
      let outcome = try package("/bin/true", name)
      try #require(outcome.status == 0, "\(outcome.errors)")
    }
    let outcome = try Tool.shell(
      """
      set -e
      cmp a/*.tar.gz b/*.tar.gz
      cmp a/*.deb b/*.deb
      tar -tzf a/*.tar.gz | sed 's|^[^/]*/||' | grep '[^/]$' | LC_ALL=C sort
      echo --
      dpkg-deb -f a/*.deb Package Version Depends
      dpkg-deb --fsys-tarfile a/*.deb | tar -t | grep '[^/]$' | LC_ALL=C sort
      """, in: folder)
    #expect(outcome.errors.isEmpty)
    #expect(
      outcome.lines == [
        "bin/hh-convert", "share/bash-completion/completions/hh-convert",
        "share/doc/hh-convert/CHANGELOG.md", "share/doc/hh-convert/LICENSE",
        "share/doc/hh-convert/NOTICE", "share/doc/hh-convert/README.md",
        "share/fish/vendor_completions.d/hh-convert.fish", "share/man/man1/hh-convert.1",
        "share/zsh/site-functions/_hh-convert", "--", "Package: hh-convert",
        "Version: \(Producer.version)", "Depends: libc6 (>= 2.36), libopenblas0",
        "./usr/bin/hh-convert", "./usr/share/bash-completion/completions/hh-convert",
        "./usr/share/doc/hh-convert/CHANGELOG.md.gz", "./usr/share/doc/hh-convert/NOTICE",
        "./usr/share/doc/hh-convert/README.md", "./usr/share/doc/hh-convert/copyright",
        "./usr/share/fish/vendor_completions.d/hh-convert.fish",
        "./usr/share/man/man1/hh-convert.1.gz",
        "./usr/share/zsh/vendor-completions/_hh-convert",
      ])
  }

  @Test("a program that needs Swift's libraries, and a folder that cannot be written, are refused")
  func refused() throws {
    let dynamic = try package("$hh", "a")
    #expect(dynamic.status == 65)
    #expect(
      dynamic.errors.contains("expected a program with the Swift runtime in it, found one that"))
    try folder.write("", to: "file")
    #expect(try package("/bin/true", "file/a").status == 73)
    #expect(try package("/bin/true", "a b").status == 64)
    #expect(try package("/bin/true", "--help").status == 64)
  }
}
