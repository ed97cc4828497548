import ArgumentParser

@main
struct HHConvert: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "hh-convert")
}
