// What the processor can do.

internal import CHHKernels

/// The processor that this process runs on, as far as a choice of kernels depends on it.
package struct Processor: Sendable, Equatable {
  /// Who made it.
  package enum Maker: Sendable { case intel, amd, other }

  /// Who made it.
  package let maker: Maker
  /// The x86-64 level that processor and system offer: 3 has AVX2, 4 has AVX-512. 0 for others.
  package let level: Int

  /// Describes a processor.
  package init(maker: Maker, level: Int) { (self.maker, self.level) = (maker, level) }

  /// This one.
  package static let current = Processor(
    maker: hh_is_intel() != 0 ? .intel : hh_is_amd() != 0 ? .amd : .other,
    level: Int(hh_x86_level()))
}
