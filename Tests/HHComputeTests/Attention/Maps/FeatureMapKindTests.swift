// The list of feature maps, and what each says of itself.

import HHCompute
import Testing

struct FeatureMapKindTests {
  @Test(
    "Every kind is found by its name, no two have the same, and all are tested against a definition"
  )
  func names() {
    let kinds = FeatureMapKind.allCases
    #expect(Set(kinds.map(\.rawValue)).count == kinds.count)
    for kind in kinds { #expect(FeatureMapKind(rawValue: kind.rawValue) == kind) }
    #expect(FeatureMapKind(rawValue: "softmax") == nil)
    #expect(Set(MapCase.all.map(\.kind.rawValue)) == Set(kinds.map(\.rawValue)))
  }

  @Test(
    "What a kind says of its parameters is what its function has",
    arguments: FeatureMapKind.allCases)
  func parameters(_ kind: FeatureMapKind) {
    func parameters(hasBias: Bool) -> [FeatureParameter] {
      kind.function(.init(featureSize: 3, hasBias: hasBias)).parameters(headSize: 4)
    }
    let all = parameters(hasBias: true)
    #expect(all.contains { $0.name == "weight" } == kind.hasDimension)
    #expect(all.contains { $0.name == "bias" } == kind.canHaveBias)
    #expect(!parameters(hasBias: false).contains { $0.name == "bias" })
    #expect(all.allSatisfy { $0.isTrained != kind.isRandom })
  }

  @Test(
    "A constant changes the features of the kinds that have one, and of no others",
    arguments: FeatureMapKind.allCases)
  func constants(_ kind: FeatureMapKind) {
    func features(_ constant: Double) -> [Float] {
      let function = kind.function(.init(featureSize: 4, constant: constant))
      return MapRun(function, rows: 3, headSize: 4, seed: 1, spread: 1).phi.values
    }
    #expect((features(2) != features(5)) == kind.hasConstant)
  }
}
