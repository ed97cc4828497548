// How much memory a container or a scheduler leaves this process.

internal import HHKernels

/// The control groups of this process: whoever takes more than the least of their limits is killed.
package enum ControlGroup {
  /// The lowest limit on memory in bytes; nil where there is none, or none is known.
  package static let memoryLimit = memoryLimit(in: "")

  /// The same in a system whose files begin with a folder.
  static func memoryLimit(in root: String) -> Double? {
    var limits: [Double] = []
    for line in (systemFile(root + "/proc/self/cgroup") ?? "").split(separator: "\n") {
      // NUMBER:CONTROLLERS:PATH; version 2 has one group for all controllers and names none.
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let (folder, name): (String, String)
      if parts[1].isEmpty {
        (folder, name) = ("", "memory.max")
      } else if parts[1].split(separator: ",").contains("memory") {
        (folder, name) = ("/memory", "memory.limit_in_bytes")
      } else {
        continue
      }
      // A limit holds for all groups below; in a container the upper ones are not to be seen.
      var path = parts[2].split(separator: "/")
      while true {
        let group = path.map { "/" + $0 }.joined()
        let text = systemFile("\(root)/sys/fs/cgroup\(folder)\(group)/\(name)") ?? ""
        if let limit = Double(text.prefix { $0.isNumber }) { limits.append(limit) }
        if path.popLast() == nil { break }
      }
    }
    return limits.min()
  }
}
