import HHCompute
import Testing

@Suite struct OneDNNTests {
  @Test("without oneDNN, or with a library that lacks its product, there are no units to use")
  func absence() {
    for names in [[], ["libdnnl-that-is-not-there.so.1"], ["libm.so.6"]] {
      guard case .failure(let absence) = OneDNN.opened(names) else {
        Issue.record("opened \(names)")
        continue
      }
      #expect(absence == .notInstalled)
    }
  }

  @Test("an absence is part of a sentence, and what is not fast says why")
  func reasons() {
    #expect("\(OneDNN.Absence.notInstalled)" == "oneDNN (libdnnl) is not installed")
    let reasons = [OneDNN.Absence.notInstalled, .noUnits, .wrongResult].map(\.description)
    #expect(Set(reasons).count == 3)
    if let missing = ProductPrecision.missingUnits { #expect(reasons.contains(missing)) }
  }
}
