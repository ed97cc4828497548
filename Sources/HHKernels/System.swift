// Calls of Linux that Swift does not see.

internal import CHHKernels

/// Lets two paths change names, at one moment; gives the system's error number, or 0.
package func exchangeNames(_ a: String, _ b: String) -> Int32 {
  // Safe: Swift lends the paths as terminated texts during the call.
  unsafe hh_exchange_names(a, b)
}

/// Asks the system to send this process a signal when the thread that started it ends, however that
/// comes; gives the system's error number, or 0.
package func endWithParent(by signal: Int32) -> Int32 { hh_end_with_parent(signal) }
