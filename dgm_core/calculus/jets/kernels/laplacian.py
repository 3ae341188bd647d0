"""The C source of a function of a long Laplacian: a value, many first derivatives, their squares' sum.

A program unrolls its streams.  A hundred would be compiled anew for each number of dimensions, and find
no room in the registers; here they are looped over, block by block.  The chain rule says of them
σ(z)ₚ = σ′ zₚ and Lσ(z) = σ′ Lz + σ″ Σ zₚ² (see `Operator`).
"""

from __future__ import annotations

from collections.abc import Sequence

from dgm_core.calculus.jets.kernels.functions import Function
from dgm_core.calculus.jets.kernels.program import Compose, Program, Shift
from dgm_core.calculus.jets.kernels.source import c_lines, prelude
from dgm_core.calculus.jets.streams import Streams

UNROLLED = 12
"""Streams beyond which those of a Laplacian are looped over; a kernel then serves any dimension."""

_BLOCK = 512
"""Numbers of a stream that a kernel takes at once: runs long enough for memory, sums in the cache."""


def is_long(streams: Streams) -> bool:
    """Whether they are those of a Laplacian, too many to be unrolled."""
    return streams.laplacian is not None and len(streams) > UNROLLED


def loops(program: Program, streams: Streams) -> bool:
    """Whether a program's kernel is one of these."""
    return is_long(streams) and isinstance(program[-1], Compose)


def looped_source(program: Program, double: bool) -> str:
    """The kernel of a function alone, with a bias before it or without, called as that of `program_source`.

    Rows of a stream are neighbours.  At its end m holds the number of streams, and of those that are squared
    the first and the number.
    """
    last = program[-1]
    assert isinstance(last, Compose)
    biased = any(isinstance(step, Shift) for step in program)
    inputs = ["z", "b"] if biased else ["z"]
    forward = _code(last.function, 2, biased, known=False)
    backward = _code(last.function, 3, biased, known=True)
    return (
        prelude(double)
        + _kernel("forward", [*inputs, "h"], _FORWARD, forward)
        + _kernel(
            "backward",
            [*inputs, "g", *(f"d{name}" for name in inputs), "h"],
            _BACKWARD + (_BIAS if biased else ""),
            backward,
        )
    )


def _code(function: Function, order: int, biased: bool, *, known: bool) -> list[str]:
    lines = function.code(order, known=known)
    if known:
        lines.insert(0, "const T s0 = h[j];")
    if not known or not function.of_value:
        lines.insert(0, f"const T v = z[j]{' + b[w0 + w]' if biased else ''};")
    return lines


def _kernel(name: str, arrays: Sequence[str], body: str, code: Sequence[str]) -> str:
    """A C function; arrays: in the order of their addresses."""
    written = {"h"} if name == "forward" else {"dz", "db"}
    kinds = {array: "T" if array in written else "const T" for array in arrays}
    starts = [f"(T *)p[{place}] + k * m[{2 * place}]" for place in range(len(arrays))]
    return _KERNEL.format(
        name=name,
        block=_BLOCK,
        parameters=", ".join(f"{kind} *restrict {array}" for array, kind in kinds.items()),
        arguments=", ".join(starts),
        counts=", ".join(f"m[{2 * len(arrays) + i}]" for i in range(3)),
        loops=body.format(block=_BLOCK, code=c_lines(code, 12)),
    )


# The compiler believes `restrict` of a function's parameters, less of variables in a block.
_KERNEL = """
static __attribute__((noinline)) void {name}_one({parameters}, long n, long W, long S, long F, long D)
{{
  const long N = n * W;
  const long columns = W < {block} ? W : {block}, lines = {block} / columns;
  for (long i0 = 0; i0 < n; i0 += lines)
    for (long w0 = 0; w0 < W; w0 += columns) {{
      // A block of `rows` points and `width` units; one run of memory where it holds all units.
      const long rows = n - i0 < lines ? n - i0 : lines, width = W - w0 < columns ? W - w0 : columns;
      const long runs = width == W ? 1 : rows, run = width == W ? rows * width : width;
      const long start = i0 * W + w0, last = (S - 1) * N + start;
      T slope[{block}], bend[{block}], sum[{block}];
{loops}
    }}
}}

void {name}(void *const *p, const long *m, long K, long n, long W)
{{
  for (long k = 0; k < K; k++)
    {name}_one({arguments}, n, W, {counts});
}}
"""
_FORWARD = """        for (long i = 0; i < rows; i++)
          #pragma omp simd
          for (long w = 0; w < width; w++) {{
            const long j = start + i * W + w, x = i * width + w;
            {code}
            h[j] = s0; slope[x] = s1; bend[x] = s2; sum[x] = 0;
          }}
        for (long q = 1; q < S - 1; q++) {{
          const T squared = q >= F && q < F + D;
          for (long i = 0; i < runs; i++)
            #pragma omp simd
            for (long w = 0; w < run; w++) {{
              const long j = q * N + start + i * W + w, x = i * run + w;
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
_BACKWARD = """        T turn[{block}], pull[{block}], twice[{block}];
        for (long i = 0; i < rows; i++)
          #pragma omp simd
          for (long w = 0; w < width; w++) {{
            const long j = start + i * W + w, x = i * width + w;
            {code}
            slope[x] = s1; bend[x] = s2; turn[x] = s3;
          }}
        for (long i = 0; i < runs; i++)
          #pragma omp simd
          for (long w = 0; w < run; w++) {{
            const long j = last + i * W + w, x = i * run + w;
            sum[x] = 0; pull[x] = z[j] * g[j]; twice[x] = 2 * bend[x] * g[j];
            dz[j] = slope[x] * g[j];
          }}
        for (long q = 1; q < S - 1; q++) {{
          const T squared = q >= F && q < F + D;
          for (long i = 0; i < runs; i++)
            #pragma omp simd
            for (long w = 0; w < run; w++) {{
              const long j = q * N + start + i * W + w, x = i * run + w;
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
          }}"""
_BIAS = """
        for (long i = 0; i < rows; i++)
          #pragma omp simd
          for (long w = 0; w < width; w++)
            db[w0 + w] += dz[start + i * W + w];"""
