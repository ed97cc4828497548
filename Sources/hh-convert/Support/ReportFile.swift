// A report on its way to a file.

import HHAnalysis
import HHFormat
import HHModel
import HHPipeline

/// The file of a report.
struct ReportFile {
  let path: String
  /// Whether it may take the place of another file.
  let isForced: Bool

  /// Refuses a file that cannot be written, or that is no page to replace.
  func check(besides inputs: [String]) throws(FormatError) {
    try checkReport(at: path, replacing: isForced, besides: inputs)
  }

  /// Writes a page about a conversion that is done.
  func write(_ conversion: Conversion, _ history: RunHistory) throws(FormatError) {
    let options = conversion.options
    let model =
      if let run = options.run {
        try ModelReport(on: run, advice: \.text)
      } else {
        try ModelReport(artifact: options.outputPath, history, advice: \.text)
      }
    try write([model])
  }

  /// Writes a page about models.
  func write(_ models: [ModelReport]) throws(FormatError) {
    let page = ReportPage(
      models, producer: "\(Producer.name) \(Producer.version)", spelling: SettingNames.option)
    try write(page.html)
  }

  /// Writes a text.
  func write(_ text: String) throws(FormatError) {
    var file = try AtomicFile(at: path, replacing: isForced)
    let bytes = Array(text.utf8)
    // Safe: bytes have no padding.
    try file.write(unsafe bytes.span.bytes)
    try file.commit()
  }
}

extension ReportFile {
  /// The report that a conversion was asked for; nil for none.
  init?(of conversion: Conversion) {
    guard let path = conversion.options.report else { return nil }
    self.init(path: path, isForced: conversion.options.force)
  }
}
