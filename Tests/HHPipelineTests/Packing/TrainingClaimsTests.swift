// What is quoted of others' files, and what is not.

import HHFormat
import HHTestSupport
import Testing

@testable import HHPipeline

@Suite("TrainingClaims")
struct TrainingClaimsTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test("plain values of known keys are quoted, the last loss among them, and nothing else")
  func quoted() throws {
    try directory.write(
      """
      {"global_step": 3, "epoch": 0.5, "log_history": [{"loss": 3.0}, {"loss": 2.0}, {"eval": 1}],
       "best_model_checkpoint": "/home/somebody", "max_steps": {"x": 1}}
      """, to: "trainer_state.json")
    try directory.write(
      #"{"r": 8, "target_modules": ["q_proj", "v_proj"], "base_model_name_or_path": "/home/x"}"#,
      to: "adapter_config.json")
    try directory.write(#"{"transformers_version": "5.24.0", "n_layer": 2}"#, to: "config.json")
    let claims = try TrainingClaims(folder: directory.path)
    #expect(
      claims.files == [
        "config.json": ["transformers_version": "5.24.0"],
        "trainer_state.json": ["global_step": 3, "epoch": 0.5, "loss": 2.0],
        "adapter_config.json": ["r": 8, "target_modules": ["q_proj", "v_proj"]],
      ])
    #expect(claims.unreadable.isEmpty)
  }

  @Test("long texts and lists are not quoted, and files that cannot be read are named")
  func bounds() throws {
    let long = String(repeating: "x", count: 201)
    let list = Array(repeating: "\"a\"", count: 65).joined(separator: ",")
    try directory.write(
      "{\"transformers_version\": \"\(long)\"}", to: "config.json")
    try directory.write("{\"r\": 1, \"target_modules\": [\(list)]}", to: "adapter_config.json")
    try directory.write("{\"epoch\": NaN}", to: "trainer_state.json")
    let claims = try TrainingClaims(folder: directory.path)
    #expect(claims.files == ["adapter_config.json": ["r": 1]])
    #expect(claims.unreadable == ["trainer_state.json"])
  }
}
