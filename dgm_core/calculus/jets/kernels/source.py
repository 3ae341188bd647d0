"""C source of the kernels that carry streams through a function or a product, for one set of streams.

Arrays are (K, S, n, W), contiguous but for their step from replicate to replicate: S streams of n points
and W units.  A loop over the units is what the compiler turns into vector instructions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from dgm_core.calculus.jets.kernels.functions import Function
from dgm_core.calculus.jets.streams import Streams

UNROLLED = 12
"""Streams beyond which those of a Laplacian are looped over; a kernel then serves any dimension."""

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


def function_source(function: Function, streams: Streams, double: bool, units: Units) -> str:
    """`forward(z, b, h, …)`: h = σ(z + b), the bias b (K, W) on the value alone, or none; and
    `backward(z, b, h, g, dz, db, …)`: the gradients of z and, added to what is there, of b.  kz, kb and kd
    are the steps from replicate to replicate of z and its like, of b and of db.  Without a bias all
    numbers of a stream are its units."""
    looped = streams.laplacian
    if looped is not None and len(streams) > UNROLLED:
        return prelude(double) + _looped(function)
    return prelude(double) + units.source + _unrolled(function, streams, units)


def product_source(streams: Streams, double: bool) -> str:
    """`forward(a, b, c, o, …)`: o = c + f a b, without c where it is null; `adjoint(b, g, da, …)`: the
    gradient of a factor from the other.  f is a number; ra and rb are the steps from row to row."""
    count = len(streams)
    forward, added, adjoint = [], [], []
    for place, addends in enumerate(streams.multiplied):
        total = " + ".join(c_product(term.coefficient, f"a{term.left}", f"b{term.right}") for term in addends)
        forward.append(f"o[{place} * N + j] = f * ({total});")
        added.append(f"o[{place} * N + j] = c[{place} * N + j] + f * ({total});")
    for place in range(count):
        total = " + ".join(
            c_product(term.coefficient, f"b{term.right}", f"g{out}")
            for out, addends in enumerate(streams.multiplied)
            for term in addends
            if term.left == place
        )
        adjoint.append(f"da[{place} * N + j] = f * ({total});")
    left, right = (_strided(name, f"r{name}", count) for name in "ab")
    return prelude(double) + _PRODUCT.format(
        plain=c_lines([*left, *right, *forward], 10),
        added=c_lines([*left, *right, *added], 10),
        adjoint=c_lines([*right, *_loads("g", count), *adjoint], 8),
    )


_PRODUCT = """
void forward(const T *restrict a, const T *restrict b, const T *restrict c, T *restrict o, double factor,
             long K, long n, long W, long ka, long kb, long ko, long ra, long rb)
{{
  const long N = n * W;
  const T f = factor;
  if (ra == W && rb == W) {{ ra = rb = W = N; n = 1; }}
  const long rows = N / W;
  const long sa = rows * ra, sb = rows * rb;
  for (long k = 0; k < K; k++, a += ka, b += kb, o += ko, c += c ? ko : 0)
    for (long i = 0; i < n; i++)
      if (c) {{
        #pragma omp simd
        for (long w = 0; w < W; w++) {{
          const long j = i * W + w;
          {added}
        }}
      }} else {{
        #pragma omp simd
        for (long w = 0; w < W; w++) {{
          const long j = i * W + w;
          {plain}
        }}
      }}
}}

void adjoint(const T *restrict b, const T *restrict g, T *restrict da, double factor,
             long K, long n, long W, long kb, long kg, long rb)
{{
  const long N = n * W;
  const T f = factor;
  if (rb == W) {{ rb = W = N; n = 1; }}
  const long sb = N / W * rb;
  for (long k = 0; k < K; k++, b += kb, g += kg, da += kg)
    for (long i = 0; i < n; i++)
      #pragma omp simd
      for (long w = 0; w < W; w++) {{
        const long j = i * W + w;
        {adjoint}
      }}
}}
"""


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


_SIGNATURES = """
void {name}({pointers}, long K, long n, long W, long kz, long kb, long kd)
{{
  const long N = n * W;
  if (!b) {{ W = N; n = 1; }}
  const long tail = TAIL(W), length = W + LANES;
  {begin}
  for (long k = 0; k < K; k++) {{
    {clear}
    for (long i = 0; i < n; i++) {{
{loop}
    }}
    {finish}
    {advance}
  }}
  {end}
}}
"""
_SUMS = {
    "forward": {"begin": "", "clear": "", "finish": "", "end": ""},
    "backward": {
        "begin": "T *const sum = b ? __builtin_malloc(length * sizeof(T)) : 0;",
        "clear": "if (b) __builtin_memset(sum, 0, length * sizeof(T));",
        "finish": "if (b) add(db, sum, W);",
        "end": "__builtin_free(sum);",
    },
}
_FORWARD = "const T *restrict z, const T *restrict b, T *restrict h"
_BACKWARD = (
    "const T *restrict z, const T *restrict b, const T *restrict h, const T *restrict g, "
    "T *restrict dz, T *restrict db"
)
_ADVANCE = {
    "forward": "z += kz; h += kz; if (b) b += kb;",
    "backward": "z += kz; h += kz; g += kz; dz += kz; if (b) { b += kb; db += kd; }",
}


def _whole(name: str, biased: str, plain: str) -> str:
    pointers = _FORWARD if name == "forward" else _BACKWARD
    loop = f"      if (b) {{\n{biased}\n      }} else {{\n{plain}\n      }}"
    return _SIGNATURES.format(name=name, pointers=pointers, loop=loop, advance=_ADVANCE[name], **_SUMS[name])


def _unrolled(function: Function, streams: Streams, units: Units) -> str:
    """Every stream by its own formula."""
    count, order = len(streams), streams.order
    parts = []
    for name in ("forward", "backward"):
        body = _forward_body(function, streams) if name == "forward" else _backward_body(function, streams)
        loads = _loads("z", count)[1:]
        loads += _loads("g", count) if name == "backward" else []
        known = name == "backward"
        needed = order + 1 if known else order
        variants = []
        for bias in (True, False):
            start = [f"const T v = z[j]{' + b[w]' if bias else ''};"]
            if known:
                start = ([] if function.of_value else start) + ["const T s0 = h[j];"]
            end = ["sum[w + slot] += d;"] if known and bias else []
            lines = [*start, *function.code(needed, known=known), *loads, *body, *end]
            variants.append(units.loop(["const long j = i * W + w;", *lines], 8))
        parts.append(_whole(name, *variants))
    return "".join(parts)


def _forward_body(function: Function, streams: Streams) -> list[str]:
    lines = ["h[j] = s0;"]
    for place, addends in list(enumerate(streams.composed))[1:]:
        total = " + ".join(
            c_product(one.coefficient, f"s{one.order}", *(f"z{f}" for f in one.factors)) for one in addends
        )
        lines.append(f"h[{place} * N + j] = {total};")
    return lines


def _backward_body(function: Function, streams: Streams) -> list[str]:
    value = ["s1 * g0"]
    others: dict[int, list[str]] = {place: [] for place in range(1, len(streams))}
    for place, addends in list(enumerate(streams.composed))[1:]:
        for one in addends:
            names = [f"z{f}" for f in one.factors]
            value.append(c_product(one.coefficient, f"s{one.order + 1}", *names, f"g{place}"))
            for factor, times in Counter(one.factors).items():
                rest = list(names)
                rest.remove(f"z{factor}")
                others[factor].append(c_product(one.coefficient * times, f"s{one.order}", *rest, f"g{place}"))
    lines = [f"const T d = {' + '.join(value)};", "dz[j] = d;"]
    return lines + [f"dz[{place} * N + j] = {' + '.join(total)};" for place, total in others.items()]


_BLOCK = 512
"""Numbers of a stream that a looped kernel takes at once: runs long enough for memory, sums in the cache."""


def _looped(function: Function) -> str:
    """A value, first derivatives of which D from the place F on are squared, and the sum of those squares."""
    parts = []
    for name, pointers, body in (
        ("forward", _FORWARD, _LOOPED_FORWARD),
        ("backward", _BACKWARD, _LOOPED_BACKWARD),
    ):
        known = name == "backward"
        lines = function.code(3 if known else 2, known=known)
        if known:
            lines = ["const T s0 = h[j];", *lines]
        values = {
            variant: c_lines([f"const T v = z[j]{bias};", *lines], 14)
            for variant, bias in (("biased", " + b[w0 + w]"), ("plain", ""))
        }
        loops = body.format(block=_BLOCK, **values)
        parts.append(
            _LOOPED.format(name=name, pointers=pointers, block=_BLOCK, loops=loops, advance=_ADVANCE[name])
        )
    return "".join(parts)


_LOOPED = """
void {name}({pointers}, long K, long n, long W, long kz, long kb, long kd, long S, long F, long D)
{{
  const long N = n * W;
  if (!b) {{ W = N; n = 1; }}
  const long columns = W < {block} ? W : {block}, lines = {block} / columns;
  for (long k = 0; k < K; k++) {{
    for (long i0 = 0; i0 < n; i0 += lines)
      for (long w0 = 0; w0 < W; w0 += columns) {{
        // A block of `rows` points and `width` units; one run of memory where it holds all units.
        const long rows = n - i0 < lines ? n - i0 : lines, width = W - w0 < columns ? W - w0 : columns;
        const long runs = width == W ? 1 : rows, run = width == W ? rows * width : width;
        const long start = i0 * W + w0, last = (S - 1) * N + start;
        T slope[{block}], bend[{block}], sum[{block}];
{loops}
      }}
    {advance}
  }}
}}
"""
_LOOPED_FORWARD = """        if (b) {{
          for (long i = 0; i < rows; i++)
            #pragma omp simd
            for (long w = 0; w < width; w++) {{
              const long j = start + i * W + w, x = i * width + w;
              {biased}
              h[j] = s0; slope[x] = s1; bend[x] = s2; sum[x] = 0;
            }}
        }} else {{
          for (long i = 0; i < rows; i++)
            #pragma omp simd
            for (long w = 0; w < width; w++) {{
              const long j = start + i * W + w, x = i * width + w;
              {plain}
              h[j] = s0; slope[x] = s1; bend[x] = s2; sum[x] = 0;
            }}
        }}
        for (long p = 1; p < S - 1; p++) {{
          const T squared = p >= F && p < F + D;
          for (long i = 0; i < runs; i++)
            #pragma omp simd
            for (long w = 0; w < run; w++) {{
              const long j = p * N + start + i * W + w, x = i * run + w;
              h[j] = slope[x] * z[j];
              sum[x] += squared * z[j] * z[j];
            }}
        }}
        for (long i = 0; i < runs; i++)
          #pragma omp simd
          for (long w = 0; w < run; w++) {{
            const long j = last + i * W + w, x = i * run + w;
            h[j] = slope[x] * z[j] + bend[x] * sum[x];
          }}"""
_LOOPED_BACKWARD = """        T turn[{block}], pull[{block}], twice[{block}];
        if (b) {{
          for (long i = 0; i < rows; i++)
            #pragma omp simd
            for (long w = 0; w < width; w++) {{
              const long j = start + i * W + w, x = i * width + w;
              {biased}
              slope[x] = s1; bend[x] = s2; turn[x] = s3;
            }}
        }} else {{
          for (long i = 0; i < rows; i++)
            #pragma omp simd
            for (long w = 0; w < width; w++) {{
              const long j = start + i * W + w, x = i * width + w;
              {plain}
              slope[x] = s1; bend[x] = s2; turn[x] = s3;
            }}
        }}
        for (long i = 0; i < runs; i++)
          #pragma omp simd
          for (long w = 0; w < run; w++) {{
            const long j = last + i * W + w, x = i * run + w;
            sum[x] = 0; pull[x] = z[j] * g[j]; twice[x] = 2 * bend[x] * g[j];
            dz[j] = slope[x] * g[j];
          }}
        for (long p = 1; p < S - 1; p++) {{
          const T squared = p >= F && p < F + D;
          for (long i = 0; i < runs; i++)
            #pragma omp simd
            for (long w = 0; w < run; w++) {{
              const long j = p * N + start + i * W + w, x = i * run + w;
              sum[x] += squared * z[j] * z[j];
              pull[x] += z[j] * g[j];
              dz[j] = slope[x] * g[j] + squared * twice[x] * z[j];
            }}
        }}
        for (long i = 0; i < runs; i++)
          #pragma omp simd
          for (long w = 0; w < run; w++) {{
            const long j = start + i * W + w, x = i * run + w;
            dz[j] = slope[x] * g[j] + bend[x] * pull[x] + turn[x] * sum[x] * g[(S - 1) * N + j];
          }}
        if (db)
          for (long i = 0; i < rows; i++)
            #pragma omp simd
            for (long w = 0; w < width; w++)
              db[w0 + w] += dz[start + i * W + w];"""


def _strided(name: str, step: str, count: int) -> list[str]:
    return [f"const T {name}{p} = {name}[{p} * s{name} + i * {step} + w];" for p in range(count)]


def _loads(name: str, count: int) -> list[str]:
    return [f"const T {name}{place} = {name}[{place} * N + j];" for place in range(count)]


def c_product(coefficient: int, *names: str) -> str:
    """A product in C."""
    return " * ".join(names if coefficient == 1 else (str(coefficient), *names))


def c_lines(lines: Sequence[str], indent: int) -> str:
    """Lines, those after the first indented."""
    return ("\n" + " " * indent).join(lines)
