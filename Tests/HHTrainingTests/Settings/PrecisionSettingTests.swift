// The precision as it is asked for, and what is computed in.

import HHCompute
import HHFormat
import HHModel
import HHTraining
import Testing

@Suite("PrecisionSetting")
struct PrecisionSettingTests {
  @Test("a chosen precision is computed in, and recipes name it")
  func chosen() {
    for precision in ProductPrecision.allCases {
      let setting = PrecisionSetting(precision)
      #expect(setting.product == precision)
      #expect(setting.json == .string(precision.rawValue))
    }
  }

  @Test("what is yet to be chosen counts as float32")
  func open() {
    #expect(PrecisionSetting(json: .string("auto")) == .auto)
    #expect(PrecisionSetting.auto.product == .float32)
    #expect(PrecisionSetting(json: .string("float16")) == nil)
  }
}
