// The Python package in python/: its own tests on artifacts of this program, and its wheel.

import Foundation
import HHFormat
import HHModel
import HHTestSupport
import Testing

@Suite("the Python package")
struct PythonPackageTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  /// Runs a shell command in the test's folder, where `$python` is the interpreter, and returns what
  /// it printed.
  private func shell(_ script: String) throws -> String {
    let outcome = try Tool.shell(
      """
      python='\(try #require(Python.path))' root='\(Fixtures.root)'
      export PYTHONDONTWRITEBYTECODE=1 OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
      \(script)
      """, in: folder)
    try #require(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    return outcome.output + outcome.errors
  }

  @Test(
    "its tests pass on artifacts of every architecture", .needsPython(with: "numpy", "gguf"))
  func ownTests() throws {
    let output = try shell(
      """
      set -e
      make() {  # NAME MODEL
        $hh "$2" --stages rewrite -q -o $1.zst
        $hh export $1.zst --to hf -q -o $1-hf
        $hh export $1.zst --to safetensors -q -o $1.safetensors
      }
      for name in gpt2 bert vit llama; do make $name "$root/fixtures/models/$name"; done
      for name in bert-old-names gpt2-model-f16 llama-bf16; do
        $hh "$root/fixtures/golden/forward/$name" --stages rewrite -q -o $name.zst
        $hh export $name.zst --to hf -q -o $name-hf
      done
      $hh "$root/fixtures/golden/wild/bert-wrapped" --stages rewrite -q -o wrapped.zst
      $hh export "$root/fixtures/models/llama" --to gguf --dtype q8_0 -q -o llama.gguf
      make blocks llama.gguf
      mv blocks.safetensors blocks.f32
      HH_ARTIFACTS=$PWD PYTHONPATH="$root/python" "$python" -m unittest discover -s "$root/python/tests"
      """)
    #expect(output.contains("\nOK"), "\(output.suffix(3000))")
    #expect(!output.contains("Ran 0 tests"))
  }

  @Test("a wheel of it is whole, and reads an artifact", .needsPython(with: "setuptools", "numpy"))
  func wheel() throws {
    let files = try shell(
      """
      set -e
      cp -rL "$root/python" source
      "$python" -m pip wheel --quiet --no-deps --no-build-isolation --no-index -w . ./source >&2
      "$python" -m zipfile -e hedgehog_convert-*.whl installed
      cd installed
      find . -type f | grep -v dist-info | LC_ALL=C sort
      """)
    #expect(
      files.split(separator: "\n").filter { $0.hasPrefix("./") }.map { $0.dropFirst(2) } == [
        "hedgehog_convert/__init__.py", "hedgehog_convert/architectures/bert.json",
        "hedgehog_convert/architectures/gpt2.json", "hedgehog_convert/architectures/llama.json",
        "hedgehog_convert/architectures/vit.json", "hedgehog_convert/artifact.py",
        "hedgehog_convert/linear_attention.py", "hedgehog_convert/model.py",
        "hedgehog_convert/modeling_hedgehog.py", "hedgehog_convert/naming.py",
        "hedgehog_convert/py.typed", "hh_artifact.py",
      ])
    let output = try shell(
      """
      cd installed
      $hh "$root/fixtures/models/gpt2" --stages rewrite -q -o a.zst
      "$python" - <<'END'
      import hedgehog_convert.naming
      with hedgehog_convert.load_artifact("a.zst") as artifact:
          print(len(artifact), hedgehog_convert.naming.Naming(artifact).class_name, artifact.get_tensor("transformer.wte.weight").shape)
      END
      """)
    #expect(output == "52 HedgehogGPT2LMHeadModel (512, 64)\n")
  }

  @Test("it has the program's version and every setting of linear attention", .needsPython)
  func sameAsTheProgram() throws {
    let project = try String(
      contentsOfFile: "\(Fixtures.root)/python/pyproject.toml", encoding: .utf8)
    #expect(project.contains("\nversion = \"\(Producer.version)\"\n"))
    let output = try shell(
      """
      PYTHONPATH="$root/python" "$python" -c '
      import json
      from hedgehog_convert.naming import SETTINGS
      print(json.dumps(SETTINGS))'
      """)
    let settings = try #require(JSONValue(parsing: Array(output.utf8)).object)
    let fields = LinearAttentionDescription.fields.filter { $0.configuration != nil }
    #expect(settings.pairs.map(\.key) == fields.map(\.name))
    #expect(settings.pairs.map(\.value.string) == fields.map(\.configuration))
  }
}
