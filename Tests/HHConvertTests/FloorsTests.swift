// Modules import downwards only, and folders do not use each other in a circle.

import Foundation
import HHTestSupport
import Testing

@Suite("Floors of the package")
struct FloorsTests {
  /// The modules from the lowest upwards, each with what it may import that is none of them.
  private static let floors: [(module: String, others: Set<String>)] = [
    ("CHHKernels", []), ("HHKernels", []),
    ("HHFormat", ["CCrypto", "CZstd", "OrderedCollections"]),
    ("HHCompute", []), ("HHData", []), ("HHModel", []), ("HHTraining", []),
    ("HHAnalysis", []), ("HHExport", ["OrderedCollections"]), ("HHPipeline", ["Yams"]),
    ("hh-convert", ["ArgumentParser"]),
  ]
  private static let toolchain: Set<String> = [
    "Dispatch", "Foundation", "FoundationEssentials", "Glibc", "Synchronization",
  ]

  /// The modules that a Swift source imports.
  private static func imports(of text: String) -> [String] {
    text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard let at = words.firstIndex(of: "import"), at < 3, words.count > at + 1,
        words[..<at].allSatisfy({ $0.hasPrefix("@") || accessLevels.contains(String($0)) })
      else { return nil }
      return words.last?.split(separator: ".").first.map(String.init)
    }
  }
  private static let accessLevels: Set<String> = [
    "private", "fileprivate", "internal", "package", "public",
  ]

  /// What a module imports although it may not.
  private static func breaches(_ imports: Set<String>, by module: String) -> Set<String> {
    guard let floor = floors.firstIndex(where: { $0.module == module }) else { return imports }
    return imports.subtracting(toolchain).subtracting(floors[floor].others)
      .subtracting(floors[..<floor].map(\.module))
  }

  @Test("no file imports a module above its own or one that is not listed")
  func imports() throws {
    let sources = "\(Fixtures.root)/Sources"
    let files = try #require(FileManager.default.enumerator(atPath: sources))
    var found: [String: Set<String>] = [:]
    for case let file as String in files where file.hasSuffix(".swift") {
      let module = String(file.prefix { $0 != "/" })
      let text = try String(contentsOfFile: "\(sources)/\(file)", encoding: .utf8)
      let imports = Set(Self.imports(of: text))
      #expect(Self.breaches(imports, by: module).isEmpty, "\(file)")
      found[module, default: []].formUnion(imports)
    }
    #expect(Set(found.keys) == Set(Self.floors.map(\.module)).subtracting(["CHHKernels"]))
    for (module, others) in Self.floors {
      #expect(others.subtracting(found[module, default: []]).isEmpty, "\(module) needs less")
    }
  }

  @Test("a breach is found")
  func breach() {
    let text = "package import HHModel\n@testable import struct HHData.Tokenizer\nimport Yams\n"
    let imports = Set(Self.imports(of: text))
    #expect(imports == ["HHModel", "HHData", "Yams"])
    #expect(Self.breaches(imports, by: "HHData") == ["HHModel", "HHData", "Yams"])
    #expect(Self.breaches(imports, by: "HHPipeline").isEmpty)
    #expect(Self.breaches(imports, by: "New") == imports)
  }

  /// What scripts/uses prints of a package, and its exit status.
  private static func uses(_ package: String) throws -> (output: String, status: Int32) {
    try run(["\(Fixtures.root)/scripts/uses", package])
  }

  private static func run(_ words: [String]) throws -> (output: String, status: Int32) {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = words
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    // Reads to the end first: a full pipe would make the program wait for ever.
    let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return (String(decoding: data, as: UTF8.self), process.terminationStatus)
  }

  private static var hasPython: Bool {
    get throws { try run(["python3", "--version"]).status == 0 }
  }

  @Test("the table of uses has no circle", .enabled("no python3") { try Self.hasPython })
  func table() throws {
    let (output, status) = try Self.uses(Fixtures.root)
    #expect(status == 0, "\(output)")
    #expect(output.contains("\n| HHFormat/JSON | HHFormat/Core, HHFormat/IO |\n"))
  }

  @Test(
    "the table's script refuses an undeclared import and a circle of folders",
    .enabled("no python3") { try Self.hasPython })
  func refusals() throws {
    let package = try TemporaryDirectory()
    try package.write(
      "let base: [Target.Dependency] = [\"HHBase\"]\nlibrary(\"HHBase\", []),\n"
        + "library(\"HHFormat\", base + [\"HHOther\"]),\n", to: "Package.swift")
    try package.write("import HHFormat\nstruct Below {}\n", to: "Sources/HHBase/Below.swift")
    try package.write(
      "import HHBase\nstruct A { let text = \"\\(B.text)\" }\n", to: "Sources/HHFormat/One/A.swift")
    try package.write(
      "// A\nimport HHBase\nstruct B { static let text = \"A\" }\n",
      to: "Sources/HHFormat/Two/B.swift")
    var (output, status) = try Self.uses(package.path)
    #expect(status == 1)
    #expect(output.contains("HHBase imports HHFormat, which Package.swift does not declare"))
    #expect(!output.contains("circle"))
    #expect(output.contains("| HHFormat/One | HHFormat/Two |"))

    try package.write("struct Below {}\n", to: "Sources/HHBase/Below.swift")
    (output, status) = try Self.uses(package.path)
    #expect(status == 0)
    try package.write("extension B { var a: A? { nil } }\n", to: "Sources/HHFormat/Two/C.swift")
    (output, status) = try Self.uses(package.path)
    #expect(status == 1)
    #expect(output.contains("uses: in a circle: HHFormat/One, HHFormat/Two"))
  }
}
