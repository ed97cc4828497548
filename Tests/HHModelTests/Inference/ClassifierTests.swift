// Classes by the names of the configuration, probabilities that add up.

import Foundation
import HHCompute
import HHFormat
import HHTestSupport
import Testing

@testable import HHData
@testable import HHModel

@Suite("Classifier")
struct ClassifierTests {
  @Test("images of shapes get the names of the shapes")
  func images() throws {
    var options = InferenceOptions(
      model: Fixtures.path("models/vit"), threads: ThreadPolicy.threads)
    options.images = Fixtures.path("data/shapes/t10k-images-idx3-ubyte")
    let classifier = try Classifier(options)
    let found = try classifier.run { _ in }
    let labels = try DataArray(idxAt: Fixtures.path("data/shapes/t10k-labels-idx1-ubyte"))
      .tokenIDs(vocabularySize: 256)
    #expect(found.count == labels.count)
    let hits = zip(found, labels).count { $0[0].number == Int($1) }
    #expect(Double(hits) > 0.8 * Double(labels.count))
    for classes in found {
      #expect(classes.count == classifier.labels.count)
      #expect(abs(classes.reduce(0) { $0 + Double($1.probability) } - 1) < 1e-5)
      #expect(zip(classes, classes.dropFirst()).allSatisfy { $0.logit >= $1.logit })
      #expect(classes.allSatisfy { $0.label == classifier.labels[$0.number] })
    }
  }

  @Test("a model without a classifier, and examples of the wrong kind, are refused")
  func refused() throws {
    var options = InferenceOptions(
      model: Fixtures.path("models/gpt2"), threads: ThreadPolicy.threads)
    options.texts = ["a"]
    let error = #expect(throws: FormatError.self) { try Classifier(options) }
    #expect(error?.file == options.model)
    options.model = Fixtures.path("models/vit")
    #expect(throws: PipelineError.self) { try Classifier(options) }
  }
}
