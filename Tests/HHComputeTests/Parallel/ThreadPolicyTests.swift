import HHCompute
import Testing

@Suite struct ThreadPolicyTests {
  @Test("The number of threads is the machine's until it is set")
  func threads() async {
    #expect(ThreadPolicy.threads >= 1)
    // In processes of their own: the number is the process's, and other tests need it still.
    await #expect(processExitsWith: .success) {
      ThreadPolicy.use(threads: 3)
      #expect(ThreadPolicy.threads == 3)
    }
    await #expect(processExitsWith: .failure) { ThreadPolicy.use(threads: 0) }
    await #expect(processExitsWith: .failure) { ThreadPolicy.use(threads: 1025) }
  }

  @Test("The report of the backend names OpenBLAS and its threading")
  func backend() {
    #expect(ThreadPolicy.backend.contains("OpenBLAS") && ThreadPolicy.backend.hasSuffix(")"))
  }
}
