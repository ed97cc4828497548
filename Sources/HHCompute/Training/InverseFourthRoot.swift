// The inverse fourth root of a covariance, by matrix products alone.

/// (A + damping · mean(diag A) · I)^(−1/4) of a symmetric positive semidefinite matrix A, (n, n).
///
/// Two rounds of the coupled Newton-Schulz iteration (Higham, Functions of Matrices, 2008, eq. 6.35):
/// the first gives the inverse square root, the second the square root of that. In single
/// precision the result is good to about three digits, plenty for a change of coordinates. A matrix
/// that is zero or not finite has the identity for a root.
func inverseFourthRoot(_ a: Matrix, damping: Float) -> Matrix {
  precondition(a.rows == a.columns, "inverseFourthRoot: a square matrix")
  let n = a.rows
  var trace: Float = 0
  for i in 0..<n { trace += a[i, i] }
  guard trace.isFinite, trace > 0 else { return identity(n) }
  // Eigenvalues of the scaled matrix lie in (0, 1], where the iteration converges.
  let scale = 1 / (trace * (1 + damping))
  let scaled = Matrix(rows: n, columns: n)
  for i in 0..<n {
    for j in 0..<n {
      scaled[i, j] = scale * (a[i, j] + (i == j ? damping * trace / Float(n) : 0))
    }
  }
  let inverseRoot = squareRoots(scaled).inverse
  var rootTrace: Float = 0
  for i in 0..<n { rootTrace += inverseRoot[i, i] }
  for i in 0..<n { for j in 0..<n { inverseRoot[i, j] /= rootTrace } }
  let result = squareRoots(inverseRoot).root
  // Undoes both scalings: (s A)^(−1/4) = s^(−1/4) A^(−1/4).
  let factor = (rootTrace * scale.squareRoot()).squareRoot()
  for i in 0..<n { for j in 0..<n { result[i, j] *= factor } }
  return result
}

/// A^(1/2) and A^(−1/2) of a symmetric matrix with eigenvalues in (0, 1].
private func squareRoots(_ a: Matrix) -> (root: Matrix, inverse: Matrix) {
  let n = a.rows
  var (y, z) = (Matrix(rows: n, columns: n), identity(n))
  copy(a, to: y)
  var (nextY, nextZ) = (Matrix(rows: n, columns: n), Matrix(rows: n, columns: n))
  let t = Matrix(rows: n, columns: n)
  // Small eigenvalues of z y grow by 9/4 a round: 16 rounds carry 10⁻⁵ to 1, then the error squares.
  for _ in 0..<20 {
    gemm(z, y, into: t, alpha: -0.5)
    for i in 0..<n { t[i, i] += 1.5 }
    gemm(y, t, into: nextY)
    gemm(t, z, into: nextZ)
    swap(&y, &nextY)
    swap(&z, &nextZ)
  }
  return (y, z)
}

private func identity(_ n: Int) -> Matrix {
  let matrix = Matrix(rows: n, columns: n)
  for i in 0..<n { matrix[i, i] = 1 }
  return matrix
}
