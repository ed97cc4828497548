// A report as one HTML page that needs nothing else: no script, no network.

package import HHFormat

/// A page about some models, side by side.
package struct ReportPage {
  let models: [ModelReport]
  /// The program that wrote it, with its version.
  private let producer: String
  /// How settings are called.
  private let spelling: (SettingKey) -> String

  /// A page about models.
  package init(
    _ models: [ModelReport], producer: String, spelling: @escaping (SettingKey) -> String
  ) {
    (self.models, self.producer, self.spelling) = (models, producer, spelling)
  }

  /// A part of the page with a card for each model.
  private struct Section {
    let name: String
    let id: String
    let lead: String
    let content: (ModelReport) -> [Markup]
  }

  /// The page.
  package var html: String {
    let title =
      models.count == 1
      ? "Report on \(models[0].name)" : "Report on \(models.count) models"
    let body =
      [header(title)] + sections.map(markup) + [
        Markup("footer", [Markup("p", "Written by \(producer).")])
      ]
    let head = [
      Markup(empty: "meta", ["charset": "utf-8"]),
      Markup(
        empty: "meta", ["name": "viewport", "content": "width=device-width,initial-scale=1"]),
      Markup("title", title), .style(Stylesheet.colours, Stylesheet.drawing, Stylesheet.page),
    ]
    return "<!DOCTYPE html>\n"
      + Markup("html", ["lang": "en"], [Markup("head", head), Markup("body", body)]).source + "\n"
  }

  private var sections: [Section] {
    [
      Section(
        name: "Quality", id: "quality",
        lead:
          "What the converted model keeps of the softmax model, on rows that nothing was trained"
          + " on.", content: quality),
      Section(
        name: "Layers and heads", id: "layers",
        lead: "KL(softmax ‖ linear) of the attention weights, in nats: 0 where a head attends as"
          + " before.", content: divergences),
      Section(
        name: "Training", id: "training",
        lead: "Losses by stage; those of held-out rows tell what was learnt.", content: training),
      Section(
        name: "Time and memory", id: "costs",
        lead: "Wall time of each stage, and the process's highest resident memory until its end.",
        content: costs),
      Section(
        name: "Attention on data", id: "attention",
        lead: "The weights of softmax and of the linear model on the same queries and keys.",
        content: { examination($0) }),
      Section(
        name: "Settings", id: "settings", lead: "What was asked for.",
        content: { facts($0.settings, "Settings") }),
      Section(
        name: "Provenance", id: "provenance", lead: "What the model was made from, and by what.",
        content: { facts($0.provenance, "Provenance") }),
    ]
  }

  private func header(_ title: String) -> Markup {
    let links = sections.map { section in
      Markup("li", [Markup("a", ["href": "#\(section.id)"], section.name)])
    }
    return Markup(
      "header",
      [
        Markup("h1", title),
        Markup("nav", ["aria-label": "Parts of this report"], [Markup("ul", links)]),
      ])
  }

  private func markup(_ section: Section) -> Markup {
    let cards = models.map { model in
      Markup(
        "article", ["class": "model"],
        (models.count > 1 ? [Markup("h3", model.name)] : []) + section.content(model))
    }
    let heading = "\(section.id)-heading"
    return Markup(
      "section", ["id": section.id, "aria-labelledby": heading],
      [
        Markup("h2", ["id": heading], section.name),
        Markup("p", ["class": "lead"], section.lead),
        Markup("div", ["class": "models"], cards),
      ])
  }

  /// What is known by `content`, or why it is not.
  func shown<Value>(_ finding: Finding<Value>, _ content: (Value) -> [Markup]) -> [Markup] {
    switch finding {
    case .known(let value): content(value)
    case .missing(let reason): [Markup("p", ["class": "missing"], prose(reason.spelled(spelling)))]
    }
  }

  /// A text in which options are set as such, and do not break at their hyphens.
  func prose(_ text: String) -> [Markup] {
    text.split(separator: " ", omittingEmptySubsequences: false).enumerated().map { index, word in
      let space = index == 0 ? "" : " "
      guard word.hasPrefix("--") else { return .text(space + word) }
      let end = word.lastIndex { $0 == "-" || $0.isLetter || $0.isNumber } ?? word.startIndex
      let option = Markup("code", ["class": "option"], String(word[...end]))
      return .all([.text(space), option, .text(String(word[word.index(after: end)...]))])
    }
  }

  private func facts(_ finding: Finding<[Fact]>, _ name: String) -> [Markup] {
    shown(finding) { facts in
      [
        Table(
          name: name, columns: [], rows: facts.map { [.text($0.name), .code($0.value)] }
        ).markup
      ]
    }
  }

  /// Drawings beside each other, each with its numbers.
  func pictures(_ all: [Picture?]) -> [Markup] {
    let all = all.compactMap(\.self)
    guard !all.isEmpty else { return [] }
    return [
      Markup(
        "div", ["class": "pictures"],
        all.map { picture in
          Markup(
            "figure",
            [
              Markup("figcaption", picture.title), picture.svg,
              Markup(
                "details",
                [
                  Markup("summary", "The numbers"), picture.table.markup,
                ]),
            ])
        })
    ]
  }
}
