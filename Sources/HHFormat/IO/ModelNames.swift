// Names of models and artifacts, from paths.

/// The file extension of an artifact.
package let artifactSuffix = ".hedgehog.safetensors.zst"

/// A model's name from its path: the folder's for generic file names, else the file's stem.
package func modelName(ofPath path: String) -> String {
  let parts = path.split(separator: "/").map(String.init).filter { $0 != "." }
  guard let last = parts.last, last != ".." else { return "model" }
  for suffix in [".safetensors.index.json", ".safetensors", ".gguf"] where last.hasSuffix(suffix) {
    let stem = withoutShard(String(last.dropLast(suffix.count)))
    if stem != "model" { return stem }
    guard let folder = parts.dropLast().last, folder != ".." else { return stem }
    return folder
  }
  return last
}

/// A file's stem without the number that a shard has, `-00001-of-00003`.
private func withoutShard(_ stem: String) -> String {
  let parts = stem.split(separator: "-", omittingEmptySubsequences: false)
  func isNumber(_ part: Substring) -> Bool { part.count == 5 && part.allSatisfy(\.isNumber) }
  guard parts.count >= 4, let total = parts.last, isNumber(total), parts[parts.count - 2] == "of",
    isNumber(parts[parts.count - 3])
  else { return stem }
  return parts.dropLast(3).joined(separator: "-")
}
