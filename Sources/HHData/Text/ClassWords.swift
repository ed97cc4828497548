// Labels of texts as numbers or as words.

/// Turns what a file of labelled texts has for a class into the class's number.
struct ClassWords {
  private let count: Int
  private let numbers: [String: Int]

  /// GLUE's own words in the order of its classes, for models whose classes have no names.
  private static let usual = [
    2: ["entailment", "not_entailment"], 3: ["entailment", "neutral", "contradiction"],
  ]

  /// Takes the names of a model's classes. Names such as `LABEL_0` say nothing.
  init(_ names: [String]) {
    count = names.count
    let isNamed = !names.enumerated().allSatisfy { $1 == "LABEL_\($0)" }
    let words = isNamed ? names : Self.usual[names.count] ?? []
    numbers = Dictionary(
      words.enumerated().map { (Self.plain($1), $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The class of a label; nil where it is neither a number of a class nor its name.
  func number(of label: String) -> Int? {
    if let number = Int(label) { return (0..<count).contains(number) ? number : nil }
    return numbers[Self.plain(label)]
  }

  /// What is expected of a label, in words.
  var expectation: String {
    let words = numbers.sorted { $0.value < $1.value }.map(\.key)
    return "a label from 0 to \(count - 1)"
      + (words.isEmpty ? "" : " or one of \(words.joined(separator: ", "))")
      + " (the model's classes)"
  }

  /// Case and the kind of separator do not matter: files write `not_entailment`, models
  /// `NOT ENTAILMENT`.
  private static func plain(_ word: String) -> String {
    String(word.lowercased().map { $0 == " " || $0 == "-" ? "_" : $0 })
  }
}
