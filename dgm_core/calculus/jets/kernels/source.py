"""What all kernels' C source is made of: elementary functions, and the loop over the units of a stream.

That loop is what the compiler turns into vector instructions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_FUNCTIONS = {
    "TANH": "tanh",
    "EXP": "exp",
    "EXPM1": "expm1",
    "SIN": "sin",
    "COS": "cos",
}


def prelude(double: bool) -> str:
    """The type T and the elementary functions, declared as having vector variants."""
    kind, suffix = ("double", "") if double else ("float", "f")
    lines = [f"typedef {kind} T;"]
    for macro, name in _FUNCTIONS.items():
        lines.append(f'__attribute__((simd("notinbranch"))) extern T {name}{suffix}(T);')
        lines.append(f"#define {macro} {name}{suffix}")
    lines.append(f'__attribute__((simd("notinbranch"))) extern T pow{suffix}(T, T);')
    lines.append(f"#define POW pow{suffix}")
    lines.append(f"extern T atan{suffix}(T);")  # which has no vector variant everywhere
    lines.append(f"#define ATAN atan{suffix}")
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Units:
    """How a kernel goes through the units of a stream, `most` of them at once where the processor can.

    whole: whether that many never leave any over.  flat: whether units are points, and sums over points one
    number.
    """

    most: int
    whole: bool
    flat: bool = False

    @classmethod
    def of(cls, width: int, *, flat: bool = False) -> Units:
        """For streams of a width."""
        most = 2 ** (min(max(width, 4), 16).bit_length() - 1)
        return cls(most, width % most == 0, flat)

    @property
    def source(self) -> str:
        """What `loop` needs."""
        return f"#define MOST {self.most}\n" + ("#define FLAT\n" if self.flat else "") + _UNITS

    @property
    def fresh(self) -> str:
        """The factor on sums over all units: 0 where a unit is taken twice, so that it counts once."""
        return "" if self.whole else "fresh[w + slot] * "

    def loop(self, lines: Sequence[str], indent: int, clause: str = "") -> str:
        """Lines for every unit w of W, some of them twice.

        Units are taken LANES at once.  The `tail`, what is left over of them, is taken with some of those
        before, once more: by itself it would take as long as all others.  Sums of units take the `fresh` ones
        alone, that do not count twice; sums over points keep both apart, `slot` beyond the units' own places,
        since what overlaps numbers that were just written is read late.  clause: of the loop.
        """
        text = _WHOLE_LOOP if self.whole else _UNIT_LOOP
        return c_lines(text.format(clause=clause, lines=c_lines(lines, 4)).strip().split("\n"), indent)


_UNIT_LOOP = """
for (long start = 0, end = W - tail, slot = 0;; start = W - LANES, end = W, slot = LANES - tail) {{
  #pragma omp simd simdlen(LANES){clause}
  for (long w = start; w < end; w++) {{
    {lines}
  }}
  if (end == W) break;
}}
"""
_WHOLE_LOOP = """
const long slot = 0;
#pragma omp simd simdlen(LANES){clause}
for (long w = 0; w < W; w++) {{
  {lines}
}}
"""
_UNITS = """
#if defined(__AVX512F__)
#define REGISTER 64
#elif defined(__AVX__)
#define REGISTER 32
#else
#define REGISTER 16
#endif
#define LANES ((long)(MOST * sizeof(T) < REGISTER ? MOST : REGISTER / sizeof(T)))
#define TAIL(W) ((W) < LANES ? 0 : (W) % LANES)
#ifdef FLAT
#define UNIT(w) 0
#else
#define UNIT(w) (w)
#endif
#if defined(__GNUC__) && !defined(__clang__)
#define APART __attribute__((noinline))  // compiled in less time
#else
#define APART __attribute__((unused))
#endif

APART static void mark(T *fresh, long W)
{
  const long tail = TAIL(W);
  for (long w = 0; w < W + LANES; w++)
    fresh[w] = w < W - tail || w >= W + LANES - 2 * tail;
}

APART static void add(T *total, const T *sum, long W)
{
  const long tail = TAIL(W);
#ifdef FLAT
  double over = 0;
  for (long w = 0; w < W; w++)
    over += sum[w < W - tail ? w : w + LANES - tail];
  *total += over;
#else
  for (long w = 0; w < W - tail; w++)
    total[w] += sum[w];
  for (long w = W - tail; w < W; w++)
    total[w] += sum[w + LANES - tail];
#endif
}
"""


def c_product(coefficient: int, *names: str) -> str:
    """A product in C."""
    return " * ".join(names if coefficient == 1 else (str(coefficient), *names))


def c_lines(lines: Sequence[str], indent: int) -> str:
    """Lines, those after the first indented."""
    return ("\n" + " " * indent).join(lines)
