// What errors call the settings of an evaluation.

internal import HHFormat
internal import HHModel
internal import HHTraining

extension SettingKey {
  /// What is measured.
  static let task = EvaluationSettings().key(\.task)
  /// The part of attention that is left out.
  static let ablate = SettingKey(option: "ablate")
  /// The softmax model to compare with.
  static let teacher = SettingKey(option: "teacher")
}
