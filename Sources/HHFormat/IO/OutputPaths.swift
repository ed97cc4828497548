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

/// Refuses to replace what belongs to another user in a folder such as `/tmp`, where only its owner
/// may: the system would say so no sooner than at the end.
///
/// - Throws: `.cannotCreate`.
func requireReplaceable(_ path: String) throws(FormatError) {
  var (status, folder) = (stat(), stat())
  let user = geteuid()
  // Safe: both outlive the calls, and Swift lends the paths as terminated texts.
  guard user != 0, unsafe lstat(path, &status) == 0, unsafe stat(directory(of: path), &folder) == 0,
    folder.st_mode & S_ISVTX != 0, status.st_uid != user, folder.st_uid != user
  else { return }
  throw FormatError(
    .cannotCreate, file: path,
    problem: "expected an output of this user's to replace, found another user's in a folder where"
      + " only owners replace what is theirs",
    hint: "choose another name or folder")
}

/// Gives a new file or folder the mode of what it is going to replace, and its owner where the system
/// allows that: who may read it stays as it was.
func keepMode(of path: String, on descriptor: Int32) {
  var (old, new) = (stat(), stat())
  // Safe: both outlive the calls, and Swift lends the path as a terminated text.
  guard unsafe stat(path, &old) == 0, unsafe fstat(descriptor, &new) == 0 else { return }
  if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid) {
    _ = fchown(descriptor, old.st_uid, old.st_gid)
  }
  _ = fchmod(descriptor, old.st_mode & 0o777)
}
