// The precision of training as it is asked for.

package import HHCompute
internal import HHFormat
internal import HHModel

/// What the factors of matrix products are rounded to in training.
package enum PrecisionSetting: String, SettingValue, CaseIterable {
  case float32
  case bfloat16
  /// The faster of the two for the model on this machine, chosen before anything else is decided.
  case auto

  /// A precision that was chosen.
  package init(_ precision: ProductPrecision) {
    switch precision {
    case .float32: self = .float32
    case .bfloat16: self = .bfloat16
    }
  }

  /// The precision to compute in: float32 until another has been chosen.
  package var product: ProductPrecision { self == .bfloat16 ? .bfloat16 : .float32 }
}
