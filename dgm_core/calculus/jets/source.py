"""C source of the kernels that carry streams through a function or a product, for one set of streams.

Arrays are (K, S, n, W), contiguous but for their step from replicate to replicate: S streams of n points
and W units.  A loop over the units is what the compiler turns into vector instructions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from dgm_core.calculus.jets.functions import Function
from dgm_core.calculus.jets.streams import Streams

_UNROLLED = 12
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


def function_source(function: Function, streams: Streams, double: bool) -> str:
    """`forward(z, b, h, …)`: h = σ(z + b), the bias b (K, W) on the value alone, or none; and
    `backward(z, b, h, g, dz, db, …)`: the gradients of z and, added to what is there, of b."""
    looped = streams.laplacian
    if looped is not None and len(streams) > _UNROLLED:
        return prelude(double) + _looped(function, *looped)
    return prelude(double) + _unrolled(function, streams)


def product_source(streams: Streams, double: bool) -> str:
    """`forward(a, b, o, …)`: o = a b; `adjoint(b, g, da, …)`: the gradient of a factor from the other."""
    count = len(streams)
    forward, adjoint = [], []
    for place, addends in enumerate(streams.multiplied):
        total = " + ".join(_times(term.coefficient, f"a{term.left}", f"b{term.right}") for term in addends)
        forward.append(f"o[{place} * N + j] = {total};")
    for place in range(count):
        total = " + ".join(
            _times(term.coefficient, f"b{term.right}", f"g{out}")
            for out, addends in enumerate(streams.multiplied)
            for term in addends
            if term.left == place
        )
        adjoint.append(f"da[{place} * N + j] = {total};")
    pointers = "const T *restrict {0}, const T *restrict {1}, T *restrict {2}"
    return prelude(double) + "".join(
        f"""
void {name}({pointers.format(*names)}, long K, long N, long ka, long kb, long ko)
{{
  for (long k = 0; k < K; k++, {names[0]} += ka, {names[1]} += kb, {names[2]} += ko)
    #pragma omp simd
    for (long j = 0; j < N; j++) {{
      {_joined([*_loads(names[0], count), *_loads(names[1], count), *body], 6)}
    }}
}}
"""
        for name, names, body in (
            ("forward", ["a", "b", "o"], forward),
            ("adjoint", ["b", "g", "da"], adjoint),
        )
    )


_SIGNATURES = """
void {name}({pointers}, long K, long n, long W, long kz, long kh)
{{
  const long N = n * W;
  if (!b) {{ W = N; n = 1; }}
  for (long k = 0; k < K; k++) {{
    for (long i = 0; i < n; i++) {{
{loop}
    }}
    {advance}
  }}
}}
"""
_FORWARD = "const T *restrict z, const T *restrict b, T *restrict h"
_BACKWARD = (
    "const T *restrict z, const T *restrict b, const T *restrict h, const T *restrict g, "
    "T *restrict dz, T *restrict db"
)
_ADVANCE = {
    "forward": "z += kz; h += kh; if (b) b += W;",
    "backward": "z += kz; h += kh; g += kh; dz += kz; if (b) { b += W; db += W; }",
}


def _whole(name: str, biased: str, plain: str) -> str:
    pointers = _FORWARD if name == "forward" else _BACKWARD
    loop = f"      if (b) {{\n{biased}\n      }} else {{\n{plain}\n      }}"
    return _SIGNATURES.format(name=name, pointers=pointers, loop=loop, advance=_ADVANCE[name])


def _unrolled(function: Function, streams: Streams) -> str:
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
            end = ["db[w] += d;"] if known and bias else []
            lines = [*start, *function.code(needed, known=known), *loads, *body, *end]
            variants.append(
                "        #pragma omp simd\n        for (long w = 0; w < W; w++) {\n"
                f"          const long j = i * W + w;\n          {_joined(lines, 10)}\n        }}"
            )
        parts.append(_whole(name, *variants))
    return "".join(parts)


def _forward_body(function: Function, streams: Streams) -> list[str]:
    lines = ["h[j] = s0;"]
    for place, addends in list(enumerate(streams.composed))[1:]:
        total = " + ".join(
            _times(one.coefficient, f"s{one.order}", *(f"z{f}" for f in one.factors)) for one in addends
        )
        lines.append(f"h[{place} * N + j] = {total};")
    return lines


def _backward_body(function: Function, streams: Streams) -> list[str]:
    value = ["s1 * g0"]
    others: dict[int, list[str]] = {place: [] for place in range(1, len(streams))}
    for place, addends in list(enumerate(streams.composed))[1:]:
        for one in addends:
            names = [f"z{f}" for f in one.factors]
            value.append(_times(one.coefficient, f"s{one.order + 1}", *names, f"g{place}"))
            for factor, times in Counter(one.factors).items():
                rest = list(names)
                rest.remove(f"z{factor}")
                others[factor].append(_times(one.coefficient * times, f"s{one.order}", *rest, f"g{place}"))
    lines = [f"const T d = {' + '.join(value)};", "dz[j] = d;"]
    return lines + [f"dz[{place} * N + j] = {' + '.join(total)};" for place, total in others.items()]


_BLOCK = 64
"""Units of which a looped kernel keeps sums at once."""


def _looped(function: Function, first: int, count: int) -> str:
    """A value, first derivatives of which `count` from the place `first` on are squared, and their sum."""
    parts = []
    for name in ("forward", "backward"):
        known = name == "backward"
        lines = function.code(3 if known else 2, known=known)
        variants = []
        for bias in (True, False):
            start = [f"const T v = z[j]{' + b[w]' if bias else ''};"]
            if known:
                start = ([] if function.of_value else start) + ["const T s0 = h[j];"]
            template = _LOOPED_BACKWARD if known else _LOOPED_FORWARD
            variants.append(
                template.format(
                    lines=_joined([*start, *lines], 12),
                    db="db[w] += d;" if bias else "",
                    block=_BLOCK,
                )
            )
        parts.append(_whole(name, *variants).replace("long kh)", "long kh, long S, long F, long D)"))
    return "".join(parts)


_LOOPED_FORWARD = """        for (long w0 = 0; w0 < W; w0 += {block}) {{
          const long end = w0 + {block} < W ? w0 + {block} : W;
          T slope[{block}], bend[{block}], sum[{block}];
          #pragma omp simd
          for (long w = w0; w < end; w++) {{
            const long j = i * W + w;
            {lines}
            h[j] = s0; slope[w - w0] = s1; bend[w - w0] = s2; sum[w - w0] = 0;
          }}
          for (long p = 1; p < S - 1; p++) {{
            const T squared = p >= F && p < F + D;
            #pragma omp simd
            for (long w = w0; w < end; w++) {{
              const long j = p * N + i * W + w;
              h[j] = slope[w - w0] * z[j];
              sum[w - w0] += squared * z[j] * z[j];
            }}
          }}
          #pragma omp simd
          for (long w = w0; w < end; w++) {{
            const long j = (S - 1) * N + i * W + w;
            h[j] = slope[w - w0] * z[j] + bend[w - w0] * sum[w - w0];
          }}
        }}"""

_LOOPED_BACKWARD = """        for (long w0 = 0; w0 < W; w0 += {block}) {{
          const long end = w0 + {block} < W ? w0 + {block} : W;
          T slope[{block}], bend[{block}], turn[{block}], sum[{block}], pull[{block}], last[{block}];
          #pragma omp simd
          for (long w = w0; w < end; w++) {{
            const long j = i * W + w, l = (S - 1) * N + j;
            {lines}
            slope[w - w0] = s1; bend[w - w0] = s2; turn[w - w0] = s3;
            sum[w - w0] = 0; last[w - w0] = g[l]; pull[w - w0] = z[l] * g[l];
            dz[l] = s1 * g[l];
          }}
          for (long p = 1; p < S - 1; p++) {{
            const T squared = p >= F && p < F + D;
            #pragma omp simd
            for (long w = w0; w < end; w++) {{
              const long j = p * N + i * W + w;
              sum[w - w0] += squared * z[j] * z[j];
              pull[w - w0] += z[j] * g[j];
              dz[j] = slope[w - w0] * g[j] + 2 * squared * bend[w - w0] * z[j] * last[w - w0];
            }}
          }}
          #pragma omp simd
          for (long w = w0; w < end; w++) {{
            const long j = i * W + w, x = w - w0;
            const T d = slope[x] * g[j] + bend[x] * pull[x] + turn[x] * sum[x] * last[x];
            dz[j] = d;
            {db}
          }}
        }}"""


def _loads(name: str, count: int) -> list[str]:
    return [f"const T {name}{place} = {name}[{place} * N + j];" for place in range(count)]


def _times(coefficient: int, *names: str) -> str:
    return " * ".join(names if coefficient == 1 else (str(coefficient), *names))


def _joined(lines: Sequence[str], indent: int) -> str:
    return ("\n" + " " * indent).join(lines)
