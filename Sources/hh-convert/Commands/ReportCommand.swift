// hh-convert report ARTIFACT|RUN…: a page about conversions.

import ArgumentParser
import HHAnalysis
import HHFormat
import HHPipeline

struct ReportCommand: UnpackingCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Write an HTML page about artifacts and runs: quality, layers, losses, time.",
    discussion: helpExamples(
      "report gpt2.hedgehog.safetensors.zst",
      "report gpt2.run other.run --data held-out.txt -o both.html",
      discussion: """
        The page needs no network and no script. An artifact tells its quality, its layers and its \
        provenance; the folder of a run also losses by step, time and memory. With --data or --model \
        attention itself is looked at, as 'diagnose' does, and with a text a language model's \
        perplexity by position and its recall are measured.
        """))

  @Argument(
    help: ArgumentHelp(
      "Artifacts and folders of runs, which are shown side by side.", valueName: "path"),
    completion: .file())
  var inputs: [String]

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The page to write (default: report.html).", valueName: "file"),
    completion: .file(extensions: ["html"]))
  var output: String?

  @Option(
    help: ArgumentHelp(
      "Look at attention, and compare with this softmax model (default: the artifact's own weights).",
      valueName: "model"), completion: .file())
  var model: String?

  @Option(
    help: ArgumentHelp(
      """
      Look at attention on these rows (default with --model: the model's own samples, or made-up \
      ones).
      """, valueName: "file"), completion: .file())
  var data: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Tokens per row (default: 256, or the model's positions).", valueName: "tokens"))
  var length: Int?

  @Option(parsing: .unconditional, help: "Most rows to look at, up to 64 (default: 8).")
  var rows: Int?

  @OptionGroup var opening: OpeningArguments

  @Flag(help: "Replace an existing page.")
  var force = false

  @Flag(name: .shortAndLong, help: "Print nothing but errors.")
  var quiet = false

  var unpacking: UnpackingArguments { opening.unpacking }

  func validate() throws {
    guard !inputs.isEmpty else { throw ValidationError("Missing expected argument '<path> ...'") }
    try check(length, in: 2...1_048_576, "--length")
    try check(rows, in: 1...64, "--rows")
    let given = [
      ("--length", length != nil), ("--rows", rows != nil), ("--base", opening.base != nil),
    ]
    if !looks, let name = given.first(where: \.1)?.0 {
      throw ValidationError("\(name): expected --data or --model beside it, found none")
    }
  }

  /// Whether attention is looked at.
  private var looks: Bool { data != nil || model != nil }

  func run() throws {
    try ReportedFailure.reporting {
      Interrupts.listen()
      let file = ReportFile(path: output ?? "report.html", isForced: force)
      try file.check(besides: inputs + [model, data, opening.base].compactMap(\.self))
      var models = try inputs.map { try ModelReport(on: $0, advice: \.text) }
      if looks {
        for index in models.indices { try look(&models[index]) }
      }
      try file.write(models)
      guard !quiet else { return }
      Terminal.show(inline("\(file.path): a report on \(inputs.joined(separator: ", "))") + "\n")
    }
  }

  /// Adds what attention is on data.
  private func look(_ report: inout ModelReport) throws {
    guard let artifact = report.artifact else {
      report.examination = .missing("There is no artifact to look at.")
      return
    }
    var diagnosis = DiagnosisOptions(model: artifact, threads: opening.threads)
    (diagnosis.configuration, diagnosis.tokenizer) = (opening.config, opening.tokenizer)
    // A delta takes the rest of its weights from the model that it was made from.
    diagnosis.base = opening.base ?? (report.isDelta ? model : nil)
    (diagnosis.data, diagnosis.length) = (data, length)
    diagnosis.rowLimit = rows ?? diagnosis.rowLimit
    let options = ExaminationOptions(diagnosis, teacher: model)
    report.examination = .known(
      try ProgressLine.following("report", isQuiet: quiet) {
        try Examination(options, progress: $0)
      })
  }
}
