// What must hold of an output's path before hours of work go into what is to lie there.

internal import Glibc

/// Refuses an output that is one of the inputs, or a folder that holds one.
///
/// Paths are compared with every link followed, and also with only their folder's links followed: in
/// a Hugging Face cache the files of a model are links to elsewhere, which go with their folder.
///
/// - Parameters:
///   - inputs: Paths that must stay as they are.
///   - output: A path that is going to be replaced, or where something new is going to lie.
///   - owners: Whose paths the inputs are, for the message.
/// - Throws: `.cannotCreate` naming the input.
package func protect(
  _ inputs: [String], from output: String, of owners: String = "inputs'"
) throws(FormatError) {
  let taken = places(of: output)
  for input in inputs {
    for place in places(of: input) {
      let isSame = taken.contains { $0.utf8.elementsEqual(place.utf8) }
      guard isSame || taken.contains(where: { place.utf8.starts(with: ($0 + "/").utf8) }) else {
        continue
      }
      throw FormatError(
        .cannotCreate, file: output,
        problem: "expected another name than the \(owners), found that of "
          + (isSame ? quoted(input) : "a folder with \(quoted(input)) in it"))
    }
  }
}

/// The absolute paths that a path stands for: where its links lead, and the entry of its folder that
/// it names. Neither is there where the folder is not.
private func places(of path: String) -> [String] {
  let path = withoutTrailingSlashes(path)
  var places: [String] = []
  do {
    places.append(join(try resolvedPath(directory(of: path)), lastComponent(of: path)))
    places.append(try resolvedPath(path))
  } catch {
    // What is not there yet has its name only; what cannot be reached cannot be replaced either.
  }
  return places
}

/// `a/b/` as `a/b`.
func withoutTrailingSlashes(_ path: String) -> String {
  var path = path
  while path.utf8.count > 1, path.utf8.last == UInt8(ascii: "/") { path.removeLast() }
  return path
}

/// Whether something has the name of an output, be it a link that leads nowhere.
///
/// - Throws: `.cannotCreate` for what can be no name there, such as one of more than 255 bytes. An
///   output that is not complete has another, shorter name, so nothing else would tell in time.
func isTaken(output path: String) throws(FormatError) -> Bool {
  var status = stat()
  // Safe: `status` outlives the call, and Swift lends the path as a terminated text.
  guard unsafe lstat(path, &status) != 0 else { return true }
  let code = errno
  guard code == ENOENT else {
    throw FormatError(
      .cannotCreate, file: path, problem: "cannot be created: \(systemMessage(code))")
  }
  return false
}

/// Whether a file may take the place of what a path names: a regular file, a link to one, or a link
/// that leads nowhere.
func isReplaceableFile(_ path: String) -> Bool {
  var status = stat()
  // Safe: `status` outlives the call, and Swift lends the path as a terminated text.
  return unsafe stat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFREG
}
