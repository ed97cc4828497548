// Threads of our own, as many as the system gives.

internal import Glibc

/// Starts a thread that runs `body`; false where the system gives none, as under a limit on
/// processes.
package func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
  guard let thread = spawn(body) else { return false }
  pthread_detach(thread)
  return true
}

/// Calls `body` with 0 on the calling thread, and with the numbers from 1 to below `count` on threads
/// of their own for as long as the system gives any; returns when all calls have ended.
///
/// Whoever divides work among the calls must not rely on more than the first.
package func onThreads(_ count: Int, _ body: @Sendable (_ index: Int) -> Void) {
  withoutActuallyEscaping(body) { body in
    var threads: [pthread_t] = []
    for index in 1..<max(1, count) {
      guard let thread = spawn({ body(index) }) else { break }
      threads.append(thread)
    }
    body(0)
    for thread in threads { pthread_join(thread, nil) }
  }
}

private final class ThreadBody: Sendable {
  let run: @Sendable () -> Void

  init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

private func spawn(_ body: @escaping @Sendable () -> Void) -> pthread_t? {
  var thread = pthread_t()
  let context = unsafe Unmanaged.passRetained(ThreadBody(body))
  // Safe: the thread takes over the reference that was made for it; where none comes, it goes here.
  let code = unsafe pthread_create(
    &thread, nil,
    { context in
      if let context = unsafe context {
        unsafe Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().run()
      }
      return nil
    }, context.toOpaque())
  guard code == 0 else {
    unsafe context.release()
    return nil
  }
  return thread
}
