// The settings of a stage in the form that shapes keys of conversions and manifests.

package import HHFormat
internal import HHModel

extension TrainingPlan {
  /// The settings that shape a result.
  ///
  /// Those that there always were come first, in an order of their own, and what came later only
  /// where it is not the default: keys and manifests of earlier versions stay as they were.
  package var record: JSONObject {
    let isDistilling = settings.stage == .distil
    let old =
      isDistilling
      ? [
        "steps", "epochs", "batch", "rows", "learning_rate", "schedule", "warm_up", "plateau",
        "early_stop", "clip", "weight_decay", "loss", "budget",
      ]
      : [
        "steps", "epochs", "batch", "accumulation", "learning_rate", "schedule", "warm_up",
        "weight_decay", "clip", "loss",
      ]
    let (members, defaults) = (settings.members, TrainingSettings(settings.stage).members)
    var record: JSONObject = [:]
    for key in old {
      record[key == "schedule" && !isDistilling ? "decay" : key] = members[key] ?? .null
    }
    record["steps"] = .integer(steps)
    if !isDistilling {
      record["loss"] = settings.loss.json
      record["temperature"] = .number(temperature)
    }
    // Classes are in the checkpoint, whose digest counts.
    let rest = ["precision", "plateau", "early_stop", "lora"] + members.keys
    for key in rest where !old.contains(key) && key != "classes" && members[key] != defaults[key] {
      record[key] = members[key]
    }
    return record
  }
}
