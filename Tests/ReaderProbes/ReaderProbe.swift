// Every reader of foreign bytes as one call, for mutation and fuzzing.

internal import Glibc
import HHFormat
package import HHTestSupport

/// What a reader made of some bytes.
package enum Verdict: Sendable {
  /// It refused them with a `FormatError`.
  case refused
  /// It took them, every tensor or entry could be used, and what was read is the same after it was
  /// written and read again.
  case accepted
}

/// A promise of a reader that some bytes broke.
package struct ProbeFailure: Error, CustomStringConvertible {
  package let description: String

  init(_ description: String) { self.description = description }

  /// A failure of the machine, not of a reader.
  package static func system(_ call: String) -> ProbeFailure {
    ProbeFailure("\(call) failed: \(systemMessage(errno))")
  }
}

/// A reader together with the files that it needs beside the bytes in question.
package protocol ReaderProbe {
  /// Sound files of the format, small and different in kind.
  static func seeds() throws -> [[UInt8]]
  /// Lays the other files out in `folder`, which is the probe's own.
  init(in folder: TemporaryDirectory) throws
  /// Reads the bytes as a file and uses all that the reader gives.
  ///
  /// Throws `FormatError` where the reader refuses the bytes and `ProbeFailure` where it breaks a
  /// promise; anything else that happens is a crash.
  func read(_ bytes: [UInt8]) throws
}

extension ReaderProbe {
  /// What the reader makes of the bytes; throws `ProbeFailure` only.
  package func verdict(on bytes: [UInt8]) throws -> Verdict {
    do {
      try read(bytes)
      return .accepted
    } catch is FormatError {
      return .refused
    }
  }
}

/// The readers by name.
package enum Reader: String, CaseIterable, Sendable {
  case safetensors, index, configuration, gguf, artifact, decompressed, tokenizer, settings
  case sentencepiece, adapter, exported, generation, text, array

  /// The reader's probe.
  package var probe: any ReaderProbe.Type {
    switch self {
    case .safetensors: SafetensorsProbe.self
    case .index: IndexProbe.self
    case .configuration: ConfigurationProbe.self
    case .gguf: GGUFProbe.self
    case .artifact: ArtifactProbe.self
    case .decompressed: DecompressedProbe.self
    case .tokenizer: TokenizerProbe.self
    case .settings: SettingsProbe.self
    case .sentencepiece: SentencePieceProbe.self
    case .adapter: AdapterProbe.self
    case .exported: ExportedConfigurationProbe.self
    case .generation: GenerationProbe.self
    case .text: TextProbe.self
    case .array: ArrayProbe.self
    }
  }
}

/// Runs what must succeed once a file was accepted: there, a refusal is a broken promise.
func promised<Result>(_ what: String, _ body: () throws -> Result) throws -> Result {
  do {
    return try body()
  } catch let error as FormatError {
    throw ProbeFailure("\(what): \(error)")
  }
}

/// Throws where what was read again is not what was read first.
func require(_ condition: Bool, _ what: @autoclosure () -> String) throws {
  guard condition else { throw ProbeFailure(what()) }
}

/// The content of a file.
func content(of path: String) throws -> [UInt8] {
  let file = try MappedFile(at: path)
  return file.bytes.copied()
}
