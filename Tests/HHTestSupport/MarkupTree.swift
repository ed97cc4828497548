// A page or a drawing as a strict reader of XML sees it.

import Foundation
import FoundationXML

/// An element with what is in it.
package final class MarkupTree {
  package let name: String
  package let attributes: [String: String]
  package fileprivate(set) var children: [MarkupTree] = []
  /// The characters of the element itself.
  package fileprivate(set) var ownText = ""

  fileprivate init(_ name: String, _ attributes: [String: String]) {
    (self.name, self.attributes) = (name, attributes)
  }

  /// Reads a document.
  ///
  /// - Throws: The reader's error for what is not well-formed.
  package static func reading(_ text: String) throws -> MarkupTree {
    let reader = Reader()
    let parser = XMLParser(data: Data(text.utf8))
    parser.delegate = reader
    guard parser.parse(), let root = reader.root else {
      throw parser.parserError ?? CocoaError(.fileReadCorruptFile)
    }
    return root
  }

  /// The element and all below it.
  package var all: [MarkupTree] { [self] + children.flatMap(\.all) }

  /// All elements of a name.
  package func all(_ name: String) -> [MarkupTree] { all.filter { $0.name == name } }

  /// The characters of the element and of all below it.
  package var text: String { ownText + children.map(\.text).joined(separator: " ") }

  /// The cells of every row of every table below.
  package var rows: [[String]] { all("tr").map { $0.children.map(\.text) } }
}

private final class Reader: NSObject, XMLParserDelegate {
  var root: MarkupTree?
  private var open: [MarkupTree] = []

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
    qualifiedName: String?, attributes: [String: String]
  ) {
    let element = MarkupTree(name, attributes)
    open.last?.children.append(element)
    if root == nil { root = element }
    open.append(element)
  }

  func parser(
    _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
  ) { open.removeLast() }

  func parser(_ parser: XMLParser, foundCharacters text: String) { open.last?.ownText += text }
}
