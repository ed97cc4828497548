// Examples of text tasks in tab-separated files.

package import HHFormat

/// Texts, or pairs of texts, each with what they are labelled with.
package struct LabelledText: Sendable {
  /// One example; `second` is nil where the task has single texts.
  package struct Example: Sendable, Equatable {
    package let first: String
    package let second: String?
    package let label: Double
  }

  package let examples: [Example]

  /// Reads classification examples: a header that names the columns (`sentence`, or `sentence1` and
  /// `sentence2`, and `label`), then one example a line, its label a class from 0.
  ///
  /// - Throws: `unsupported` for a single class: such a head predicts a number, and always the same
  ///   class.
  package init(classificationAt path: String, classCount: Int) throws(FormatError) {
    guard classCount > 1 else {
      throw FormatError(
        .unsupported, file: path,
        problem: "expected a model of two classes or more for labelled texts, found one whose head"
          + " gives a single number",
        hint: "'hh-convert eval --task glue' measures such a model")
    }
    var lines = Self.lines(try readText(at: path))
    let header = lines.isEmpty ? [] : lines.removeFirst().fields
    func column(_ names: [String]) -> Int? { names.lazy.compactMap(header.firstIndex).first }
    guard let first = column(["sentence", "sentence1", "text", "question", "premise"]),
      let label = column(["label"])
    else {
      throw FormatError(
        .badData, file: path, place: "line 1",
        problem: "expected columns 'sentence' (or 'sentence1' and 'sentence2') and 'label', found "
          + quoted(header.joined(separator: " ")))
    }
    let second = column(["sentence2", "hypothesis"])
    examples = try Self.examples(lines, path, columns: header.count) {
      (fields) throws(FieldError) in
      guard let label = Int(fields[label]), (0..<classCount).contains(label) else {
        throw FieldError(
          problem: "expected a label from 0 to \(classCount - 1) (the model's classes), found "
            + quoted(fields[label]))
      }
      return Example(
        first: fields[first], second: second.map { fields[$0] }, label: Double(label))
    }
  }

  /// Reads pairs with a similarity, as the STS benchmark has them: no header, the score in the
  /// fifth column, the texts in the sixth and seventh.
  package init(similarityAt path: String) throws(FormatError) {
    examples = try Self.examples(Self.lines(try readText(at: path)), path, columns: 7) {
      (fields) throws(FieldError) in
      guard let score = Double(fields[4]), score.isFinite else {
        throw FieldError(
          problem: "expected a score in the fifth column, found \(quoted(fields[4]))")
      }
      return Example(first: fields[5], second: fields[6], label: score)
    }
  }

  private struct Line {
    let number: Int
    let fields: [String]
  }

  private struct FieldError: Error {
    let problem: String
  }

  private static func lines(_ text: String) -> [Line] {
    text.utf8Lines.enumerated().compactMap { index, line in
      guard !line.isEmpty else { return nil }
      let fields = line.utf8.split(separator: 0x09, omittingEmptySubsequences: false)
      return Line(number: index + 1, fields: fields.map { String(Substring($0)) })
    }
  }

  private static func examples(
    _ lines: [Line], _ path: String, columns: Int,
    _ example: ([String]) throws(FieldError) -> Example
  ) throws(FormatError) -> [Example] {
    guard !lines.isEmpty else {
      throw FormatError(.badData, file: path, problem: "expected examples, found none")
    }
    var examples: [Example] = []
    for line in lines {
      do throws(FieldError) {
        guard line.fields.count >= columns else {
          throw FieldError(problem: "expected \(columns) columns, found \(line.fields.count)")
        }
        examples.append(try example(line.fields))
      } catch {
        throw FormatError(
          .badData, file: path, place: "line \(line.number)", problem: error.problem)
      }
    }
    return examples
  }
}
