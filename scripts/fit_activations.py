#!/usr/bin/env python3
"""Derives the coefficients of riverrun/cell/elementary.h and prints them as C++ constants.

Every function there is reduced to a polynomial on a short interval. This script finds the one of
least largest error, relative to the function that the polynomial serves, by the exchange
algorithm of Remez (1934) in 50-digit decimal arithmetic. The first reference comes from least
squares. A ratio of polynomials can be asked for too: tanh as one ratio on the whole interval is
printed for comparison.

Only Python's standard library is needed, and the output is the same everywhere.

    python3 scripts/fit_activations.py
"""

from decimal import Decimal as D
from decimal import getcontext

getcontext().prec = 50


def solve(matrix, rhs):
    """The solution of a small dense linear system, by elimination with partial pivoting."""
    n = len(rhs)
    rows = [list(row) + [b] for row, b in zip(matrix, rhs)]
    for i in range(n):
        pivot = max(range(i, n), key=lambda r: abs(rows[r][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for r in range(i + 1, n):
            factor = rows[r][i] / rows[i][i]
            for c in range(i, n + 1):
                rows[r][c] -= factor * rows[i][c]
    x = [D(0)] * n
    for i in reversed(range(n)):
        x[i] = (rows[i][n] - sum(rows[i][c] * x[c] for c in range(i + 1, n))) / rows[i][i]
    return x


def horner(coefficients, u):
    """The polynomial with those coefficients, lowest power first, at u."""
    value = D(0)
    for c in reversed(coefficients):
        value = value * u + c
    return value


def cosine(t):
    """By its Taylor series: the decimal module has none."""
    term, total, k = D(1), D(1), 0
    while abs(term) > D(10) ** -45:
        k += 2
        term *= -t * t / (k * (k - 1))
        total += term
    return total


def chebyshev_points(lo, hi, count=400):
    """`count` points from lo to hi, both included, in ascending order, denser at both ends."""
    pi = D("3.14159265358979323846264338327950288419716939937511")
    middle, half = (lo + hi) / 2, (hi - lo) / 2
    return [middle - half * cosine(pi * k / (count - 1)) for k in range(count)]


def powers(u, count):
    """1, u, u², …: `count` of them. (0**0 is an error in decimal arithmetic.)"""
    row = [D(1)]
    while len(row) < count:
        row.append(row[-1] * u)
    return row


def least_squares(values, weights, grid, np_, nq):
    """A first p / q: least squares of weight·(p - f·q) / q, divided by the q found before."""
    p, q = None, [D(1)]
    for _ in range(12 if nq else 1):
        n = np_ + nq
        normal, rhs = [[D(0)] * n for _ in range(n)], [D(0)] * n
        for u, v, w in zip(grid, values, weights):
            scale = w / horner(q, u)
            row = [scale * x for x in powers(u, np_)]
            row += [-scale * v * x for x in powers(u, nq + 1)[1:]]
            for i in range(n):
                for j in range(n):
                    normal[i][j] += row[i] * row[j]
                rhs[i] += row[i] * scale * v
        x = solve(normal, rhs)
        p, q = x[:np_], [D(1)] + x[np_:]
    return p, q


def remez(f, weight, grid, numerator_degree, denominator_degree=0):
    """Coefficients of p(u) / q(u), q(0) = 1, with the least largest |weight·(p/q - f)| on `grid`.

    Returns (p, q, error), lowest power first.
    """
    np_, nq = numerator_degree + 1, denominator_degree
    count = np_ + nq + 1
    values = [f(u) for u in grid]
    weights = [weight(u) for u in grid]
    p, q = least_squares(values, weights, grid, np_, nq)
    error = D(0)
    for _ in range(40):
        residual = [w * (horner(p, u) / horner(q, u) - v) for u, v, w in zip(grid, values, weights)]
        largest = max(abs(r) for r in residual)
        if largest - abs(error) < D("1e-3") * largest:
            return p, q, largest
        # The new reference: the extremum of each run of equal sign.
        reference = []
        for i, r in enumerate(residual):
            if reference and (residual[reference[-1]] < 0) == (r < 0):
                if abs(r) > abs(residual[reference[-1]]):
                    reference[-1] = i
            else:
                reference.append(i)
        while len(reference) > count:
            ends = abs(residual[reference[0]]), abs(residual[reference[-1]])
            reference.pop(0 if ends[0] < ends[1] else -1)
        if len(reference) < count:
            raise ArithmeticError(f"{len(reference)} alternations where {count} are needed")
        error = sum(abs(residual[i]) for i in reference) / count
        error *= 1 if residual[reference[0]] > 0 else -1
        # Newton's iteration on p - f·q = ±(error / weight)·q, bilinear in error and q.
        for _ in range(30):
            matrix, rhs = [], []
            for k, i in enumerate(reference):
                level, q_old = (-1) ** k / weights[i], horner(q, grid[i])
                row = powers(grid[i], np_)
                row += [-(values[i] + error * level) * x for x in powers(grid[i], nq + 1)[1:]]
                matrix.append(row + [-level * q_old])
                rhs.append(values[i] + error * level * (1 - q_old))
            x = solve(matrix, rhs)
            p, q, previous, error = x[:np_], [D(1)] + x[np_ : np_ + nq], error, x[-1]
            if abs(error - previous) < D(10) ** -30:
                break
    raise ArithmeticError("no convergence")


def exp_rest(r):
    """(exp(r) - 1 - r) / r²"""
    return D("0.5") + r / 6 + r * r / 24 if abs(r) < D("1e-12") else (r.exp() - 1 - r) / (r * r)


def tanh_ratio(u):
    """tanh(x) / x where u = x²"""
    if u < D("1e-10"):
        return 1 - u / 3 + 2 * u**2 / 15 - 17 * u**3 / 315
    x = u.sqrt()
    return (1 - 2 / ((2 * x).exp() + 1)) / x


def tanh_rest(u):
    """(tanh(x) / x - 1) / x² where u = x²"""
    return -D(1) / 3 + 2 * u / 15 - 17 * u**2 / 315 if u < D("1e-10") else (tanh_ratio(u) - 1) / u


def atanh_rest(u):
    """(atanh(t) / t - 1) / t² where u = t²"""
    if u < D("1e-10"):
        return D(1) / 3 + u / 5 + u**2 / 7
    t = u.sqrt()
    return (((1 + t) / (1 - t)).ln() / (2 * t) - 1) / u


def log_rest(f):
    """(log(1 + f) - f + f²/2) / f³"""
    if abs(f) < D("1e-8"):
        return D(1) / 3 - f / 4 + f**2 / 5
    return ((1 + f).ln() - f + f * f / 2) / f**3


def show(name, coefficients, error=None):
    if error is not None:
        bits = float(error.ln() / D(2).ln())
        print(f"{name}: largest relative error {float(error):.2g} = 2^{bits:.1f}")
    for power, c in enumerate(coefficients):
        print(f"  {power}: {float(c):.9g}f")


def main():
    ln2 = D(2).ln()
    high = D(int(ln2 * 2**15)) / 2**15
    print(f"1/ln 2: {float(1 / ln2):.9g}f\nln 2: {float(high):.15g}f + {float(ln2 - high):.9g}f")
    # The reduction rounds too, so |r| may exceed half of ln 2 by a little.
    half = ln2 / 2 * D("1.0001")
    # Where a fixed leading term makes the weight 0, this keeps it positive.
    tiny = D("1e-12")

    grid = chebyshev_points(-half, half)
    p, _, error = remez(exp_rest, lambda r: r * r / r.exp() + tiny, grid, 4)
    show("exp(r) = 1 + r + r²·p(r), |r| <= ln(2)/2", p, error)

    grid = [x * x for x in chebyshev_points(D(0), half / 2)]
    p, _, error = remez(tanh_rest, lambda u: u / tanh_ratio(u) + tiny, grid, 1)
    show("tanh(r) = r·(1 + r²·p(r²)), |r| <= ln(2)/4", p, error)

    grid = [x * x for x in chebyshev_points(D(0), D(1) / 3)]
    p, _, error = remez(atanh_rest, lambda u: u / (1 + u * atanh_rest(u)) + tiny, grid, 3)
    show("atanh(t) = t·(1 + t²·p(t²)), |t| <= 1/3", p, error)

    grid = chebyshev_points(D("0.5").sqrt() - 1, D(2).sqrt() - 1)
    p, _, error = remez(log_rest, lambda f: abs(f**3 / (1 + f).ln()) + tiny, grid, 7)
    show("log(1 + f) = f - f²/2 + f³·p(f), sqrt(1/2) <= 1 + f <= sqrt(2)", p, error)

    grid = [x * x for x in chebyshev_points(D(0), D("9.01"))]
    p, q, error = remez(tanh_ratio, lambda u: 1 / tanh_ratio(u), grid, 4, 4)
    show("not used: tanh(x) = x·p(x²)/q(x²), |x| <= 9.01; p, then q", p, error)
    show("q", q)


if __name__ == "__main__":
    main()
