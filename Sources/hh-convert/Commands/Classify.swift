// hh-convert classify MODEL: the classes of texts or images.

import ArgumentParser
import HHFormat
import HHModel

struct Classify: UnpackingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Classify texts or images, with an artifact or a softmax checkpoint.",
    discussion: helpExamples(
      "classify bert/ --text \"a fine film\"",
      "classify vit/ --images images.npy --top 3",
      discussion: """
        Prints for each example its likeliest class and that class's probability, with the example \
        behind it; a model with one output gives its value.
        """))

  @Argument(help: modelHelp, completion: .file())
  var model: String

  @OptionGroup var opening: OpeningArguments

  @OptionGroup var examples: ExampleArguments

  @Option(parsing: .unconditional, help: "Classes to print for each example.")
  var top = 1

  @Flag(help: "Print one JSON object per example.")
  var json = false

  var unpacking: UnpackingArguments { opening.unpacking }

  func validate() throws { try check(top, in: 1...1_000_000, "--top") }

  func run() throws {
    try ReportedFailure.reporting {
      Interrupts.listen()
      let options = try examples.options(for: model, opening)
      let classifier = try Interrupts.reading { try Classifier(options) }
      let results = try ProgressLine.following("classify", isQuiet: json) {
        try classifier.run(progress: $0)
      }
      for (index, classes) in results.enumerated() {
        let shown = Array(classes.prefix(top))
        let isRegression = classifier.labels.count == 1
        try Terminal.print(
          (json
            ? line(index, shown, options)
            : text(index, shown, isRegression: isRegression, options)) + "\n")
      }
    }
  }

  private func text(
    _ index: Int, _ classes: [ClassProbability], isRegression: Bool, _ options: InferenceOptions
  ) -> String {
    let figures = classes.map { found in
      "\(inline(found.label))\t\(Format.fixed(Double(isRegression ? found.logit : found.probability), 4))"
    }
    // The tab between the texts of a pair stays.
    let name = ExampleArguments.name(index, of: options)
      .split(separator: "\t", omittingEmptySubsequences: false).map { inline(String($0)) }
      .joined(separator: "\t")
    return (figures + [name]).joined(separator: "\t")
  }

  private func line(
    _ index: Int, _ classes: [ClassProbability], _ options: InferenceOptions
  ) -> String {
    var line = ExampleArguments.start(index, of: options)
    line["classes"] = .array(
      classes.map {
        .object([
          "class": .integer($0.number), "label": .string($0.label),
          "probability": .number(Double($0.probability)), "logit": .number(Double($0.logit)),
        ])
      })
    return JSONValue.object(line).line
  }
}
