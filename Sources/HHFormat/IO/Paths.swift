// The arithmetic of path names: text only, no look at the disk.

/// The folder part of a path: `a/b` gives `a`, `b` gives `.`, `/b` gives `/`.
package func directory(of path: String) -> String {
  guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
  return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// The last part of a path: `a/b` gives `b`.
package func lastComponent(of path: String) -> String {
  guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
  return String(path[path.utf8.index(after: slash)...])
}

/// `name` inside `directory`; the folder `.` is left out.
package func join(_ directory: String, _ name: String) -> String {
  switch directory {
  case ".": name
  case _ where directory.utf8.last == UInt8(ascii: "/"): directory + name
  default: directory + "/" + name
  }
}
