// swift-tools-version: 6.2
import PackageDescription

/// Settings shared by every Swift target; listed once so that no target can be laxer than another.
let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableExperimentalFeature("Lifetimes"),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
]

func library(
  _ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []
) -> Target {
  .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: dependencies + ["HHTestSupport"], swiftSettings: settings)
}

let collections = Target.Dependency.product(
  name: "OrderedCollections", package: "swift-collections")
let arguments = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")

let yams = Target.Dependency.product(name: "Yams", package: "Yams")

/// What every floor of the pipeline stands on.
let foundation: [Target.Dependency] = ["HHFormat", "HHCompute", collections]

/// All floors of the pipeline.
let floors: [Target.Dependency] =
  ["HHPipeline", "HHExport", "HHAnalysis", "HHTraining", "HHModel", "HHData"] + foundation

let package = Package(
  name: "hh-convert",
  products: [
    .executable(name: "hh-convert", targets: ["hh-convert"]),
    // Reads models in anyone's program: `ModelFile` is what is public of it.
    .library(name: "HHFormat", targets: ["HHFormat"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .systemLibrary(
      name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(
      name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    // The one C target: hot loops with function multiversioning, always optimised.
    .target(
      name: "CHHKernels",
      cSettings: [
        .headerSearchPath("support"), .unsafeFlags(["-O3", "-Wall", "-Wextra", "-Werror"]),
      ]),
    library("HHKernels", ["CHHKernels"]),
    library(
      "HHFormat", ["CCrypto", "CZstd", "HHKernels", collections],
      resources: ["gpt2", "bert", "vit", "llama"].map {
        .embedInCode("Schemas/architectures/\($0).json")
      }),
    library("HHCompute", ["HHKernels"]),
    // The floors of the pipeline: each imports those above it in this list and no others.
    library("HHData", ["HHCompute", "HHFormat"]),
    library("HHModel", ["HHData"] + foundation),
    library("HHTraining", ["HHModel", "HHData"] + foundation),
    library("HHAnalysis", ["HHTraining", "HHModel", "HHData"] + foundation),
    library(
      "HHExport", ["HHTraining", "HHModel", "HHData"] + foundation,
      resources: ["modeling_hedgehog", "linear_attention"].map {
        .embedInCode("Python/\($0).py")
      }),
    library(
      "HHPipeline", ["HHAnalysis", "HHTraining", "HHModel", "HHData", yams] + foundation,
      resources: [
        "hybrid", "hedgehog", "gpt2-wikitext", "bert-classifier", "bert-glue", "vit", "llama-lora",
        "lolcats",
      ].map {
        .embedInCode("Recipes/Shipped/\($0).yaml")
      }),
    .executableTarget(
      name: "hh-convert", dependencies: floors + [arguments], swiftSettings: settings),
    // Timings of parts; in no product, since nobody but Benchmarks/ runs it.
    .executableTarget(
      name: "hh-bench", dependencies: ["HHFormat", "HHCompute", arguments],
      path: "Benchmarks/hh-bench",
      swiftSettings: settings),
    .target(
      name: "HHTestSupport", dependencies: ["HHFormat", "HHCompute"], path: "Tests/HHTestSupport",
      swiftSettings: settings),
    // The models under fixtures/, opened to run.
    .target(
      name: "ModelTestSupport",
      dependencies: ["HHTestSupport", "HHExport", "HHModel"] + foundation,
      path: "Tests/ModelTestSupport", swiftSettings: settings),
    // Every reader as one call, for the suite's own mutations and for scripts/mutate and fuzz.
    .target(
      name: "ReaderProbes", dependencies: ["HHFormat", "HHModel", "HHData", "HHTestSupport"],
      path: "Tests/ReaderProbes", swiftSettings: settings),
    .executableTarget(
      name: "mutate", dependencies: ["HHTestSupport", "ReaderProbes"], path: "Tests/Mutation",
      swiftSettings: settings),
    tests("HHKernelsTests", ["HHKernels", "HHFormat"]),
    tests("HHFormatTests", ["HHFormat"]),
    tests("HHComputeTests", ["HHCompute", "HHFormat", "HHKernels"]),
    // Tests of a floor may convert whole models.
    tests("HHDataTests", floors + ["ModelTestSupport"]),
    tests("HHModelTests", floors + ["ModelTestSupport"]),
    tests("HHTrainingTests", floors + ["ModelTestSupport"]),
    tests("HHAnalysisTests", floors + ["ModelTestSupport"]),
    tests("HHExportTests", floors + ["ModelTestSupport"]),
    tests("HHPipelineTests", floors + ["ModelTestSupport", "ReaderProbes"]),
    tests("HHConvertTests", ["hh-convert", "HHKernels"] + floors),
  ],
  swiftLanguageModes: [.v6],
  cLanguageStandard: .c17
)

// Its main function is libFuzzer's, which is there only where all is built with --sanitize fuzzer.
if Context.environment["HH_FUZZ"] != nil {
  package.targets.append(
    .executableTarget(
      name: "fuzz", dependencies: ["HHFormat", "HHTestSupport", "ReaderProbes"],
      path: "Tests/Fuzzing", swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])]))
}
