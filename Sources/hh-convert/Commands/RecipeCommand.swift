// hh-convert recipe: the settings of conversions as files.

import ArgumentParser
import HHFormat
import HHPipeline

struct RecipeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recipe",
    abstract: "Show recipes, which hold the settings of a conversion.",
    discussion: helpExamples("recipe list", "recipe print hybrid"),
    subcommands: [Print.self, List.self])

  struct Print: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print a recipe with every default written out.",
      discussion: helpExamples("recipe print hybrid", "recipe print > mine.yaml"))

    @Argument(help: "A recipe's file or name (default: what a conversion does without a recipe).")
    var recipe: String?

    @Flag(help: "Print JSON in place of YAML.")
    var json = false

    func run() throws {
      try ReportedFailure.reporting {
        let recipe = try recipe.map { try Recipe.named($0) } ?? Recipe.standard()
        try Terminal.print(json ? recipe.json.line + "\n" : try recipe.yaml())
      }
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the recipes that come with the program.",
      discussion: helpExamples("recipe list", "recipe list --json"))

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() throws {
      try ReportedFailure.reporting {
        var texts: JSONObject = [:]
        for name in ShippedRecipes.names {
          texts[name] = .string(try Recipe.named(name).description ?? "")
        }
        if json { return try Terminal.print(JSONValue.object(texts).line + "\n") }
        let width = ShippedRecipes.names.map(\.count).max() ?? 0
        for (name, text) in texts.pairs {
          let title = name + String(repeating: " ", count: width - name.count)
          try Terminal.print("\(title)  \(text.string ?? "")\n")
        }
      }
    }
  }
}
