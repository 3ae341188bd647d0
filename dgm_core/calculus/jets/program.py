"""Several elementwise operations of jets as one program, and the C source of one kernel for all of them.

A kernel that does one operation reads and writes memory for each; one that does all reads what they start
from and writes what they end in.  The backward kernel computes the values in between again, in registers.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dgm_core.calculus.jets.functions import Function
from dgm_core.calculus.jets.source import c_lines, c_product, prelude
from dgm_core.calculus.jets.streams import Streams


@dataclass(frozen=True)
class Load:
    """Streams from memory, a bias (K, 1, W) added to the values or not; needed: whether for a gradient."""

    biased: bool
    needed: bool


@dataclass(frozen=True)
class Compose:
    """σ of an earlier step."""

    function: Function
    inner: int


@dataclass(frozen=True)
class Multiply:
    """The product of two earlier steps."""

    left: int
    right: int


@dataclass(frozen=True)
class Add:
    """one + factor · other, of earlier steps."""

    one: int
    other: int
    factor: float


Step = Load | Compose | Multiply | Add
Program = tuple[Step, ...]
"""Steps in order; the last is the result."""


def program_source(program: Program, streams: Streams, double: bool) -> str:
    """`forward(p, m, K, n, W)` and `backward(p, m, K, n, W)` of a program.

    p holds addresses: for each load its rows and its bias, then the result's rows; and for `backward`, in the
    result's place, those of its gradient, then for each load where its gradients of rows and bias go (the
    latter is added to).  m holds, for each of these in the same order, the step from replicate to replicate
    and that from row to row.
    """
    writer = _Writer(program, streams)
    return prelude(double) + writer.forward() + writer.backward()


class _Writer:
    """x<t>_<s> is stream s of step t, d<t>_<k> the kth derivative of its function, a<t>_<s> its adjoint."""

    def __init__(self, program: Program, streams: Streams) -> None:
        self._program = program
        self._streams = streams
        self._loads = [place for place, step in enumerate(program) if isinstance(step, Load)]

    def forward(self) -> str:
        """The C function of that name."""
        slot = 2 * len(self._loads)
        pointers = [*self._sources(), *self._rows("T", "y", slot)]
        stores = [f"y_{s}[w] = x{len(self._program) - 1}_{s};" for s in range(len(self._streams))]
        return self._function("forward", pointers, [*self._values(self._streams.order), *stores])

    def backward(self) -> str:
        """The C function of that name."""
        slot = 2 * len(self._loads)
        pointers = [*self._sources(), *self._rows("const T", "g", slot)]
        stores = []
        for number, place in enumerate(self._loads):
            load = self._program[place]
            assert isinstance(load, Load)
            if not load.needed:
                continue
            rows, bias = slot + 1 + 2 * number, slot + 2 + 2 * number
            pointers += self._rows("T", f"e{place}", rows)
            stores += [f"e{place}_{s}[w] = a{place}_{s};" for s in range(len(self._streams))]
            if load.biased:
                pointers.append(self._bias("T", f"f{place}", bias))
                stores.append(f"f{place}[w] += a{place}_0;")
        lines = [*self._values(self._streams.order + 1), *self._adjoints(), *stores]
        return self._function("backward", pointers, lines)

    def _function(self, name: str, pointers: Sequence[str], lines: Sequence[str]) -> str:
        return _KERNEL.format(name=name, pointers=c_lines(pointers, 6), lines=c_lines(lines, 8))

    def _sources(self) -> Iterator[str]:
        for number, place in enumerate(self._loads):
            yield from self._rows("const T", f"z{place}", 2 * number)
            load = self._program[place]
            if isinstance(load, Load) and load.biased:
                yield self._bias("const T", f"b{place}", 2 * number + 1)

    def _rows(self, kind: str, name: str, slot: int) -> Iterator[str]:
        for s in range(len(self._streams)):
            place = f"k * m[{2 * slot}] + ({s} * n + i) * m[{2 * slot + 1}]"
            yield f"{kind} *restrict {name}_{s} = ({kind} *)p[{slot}] + {place};"

    def _bias(self, kind: str, name: str, slot: int) -> str:
        return f"{kind} *restrict {name} = ({kind} *)p[{slot}] + k * m[{2 * slot}];"

    def _values(self, order: int) -> Iterator[str]:
        """Of every step, with the derivatives of its function up to an order."""
        for t, step in enumerate(self._program):
            match step:
                case Load():
                    for s in range(len(self._streams)):
                        bias = f" + b{t}[w]" if step.biased and s == 0 else ""
                        yield f"const T x{t}_{s} = z{t}_{s}[w]{bias};"
                case Compose():
                    yield from self._composed(t, step, order)
                case Multiply():
                    for s, addends in enumerate(self._streams.multiplied):
                        total = " + ".join(
                            c_product(
                                one.coefficient, f"x{step.left}_{one.left}", f"x{step.right}_{one.right}"
                            )
                            for one in addends
                        )
                        yield f"const T x{t}_{s} = {total};"
                case Add():
                    for s in range(len(self._streams)):
                        other = _scaled(step.factor, f"x{step.other}_{s}")
                        yield f"const T x{t}_{s} = x{step.one}_{s} + {other};"

    def _composed(self, t: int, step: Compose, order: int) -> Iterator[str]:
        orders = range(1, order + 1)
        yield "".join(f"T x{t}_0" if k == 0 else f", d{t}_{k}" for k in range(order + 1)) + ";"
        kept = "".join(f" d{t}_{k} = s{k};" for k in orders)
        code = " ".join(step.function.code(order, known=False))
        yield f"{{ const T v = x{step.inner}_0; {code} x{t}_0 = s0;{kept} }}"
        for s, addends in list(enumerate(self._streams.composed))[1:]:
            total = " + ".join(
                c_product(one.coefficient, f"d{t}_{one.order}", *(f"x{step.inner}_{f}" for f in one.factors))
                for one in addends
            )
            yield f"const T x{t}_{s} = {total};"

    def _adjoints(self) -> Iterator[str]:
        """Of every step that a gradient is needed of, from the last to the first."""
        needed = self._needed()
        addends: dict[tuple[int, int], list[str]] = defaultdict(list)
        for s in range(len(self._streams)):
            addends[len(self._program) - 1, s].append(f"g_{s}[w]")
        for t in reversed(range(len(self._program))):
            if t not in needed:
                continue
            for s in range(len(self._streams)):
                yield f"const T a{t}_{s} = {' + '.join(addends[t, s]) or '0'};"
            for place, s, text in self._pulled(t):
                if place in needed:
                    addends[place, s].append(text)

    def _needed(self) -> set[int]:
        found: set[int] = set()
        for t, step in enumerate(self._program):
            if (isinstance(step, Load) and step.needed) or any(s in found for s in _inner(step)):
                found.add(t)
        return found

    def _pulled(self, t: int) -> Iterator[tuple[int, int, str]]:
        """(step, stream, addend of its adjoint) that follow from the adjoints of step t."""
        match self._program[t]:
            case Compose(_, inner):
                yield from self._pulled_through(t, inner)
            case Multiply(left, right):
                for s, addends in enumerate(self._streams.multiplied):
                    for one in addends:
                        yield left, one.left, c_product(one.coefficient, f"x{right}_{one.right}", f"a{t}_{s}")
                        yield right, one.right, c_product(one.coefficient, f"x{left}_{one.left}", f"a{t}_{s}")
            case Add(one_place, other, factor):
                for s in range(len(self._streams)):
                    yield one_place, s, f"a{t}_{s}"
                    yield other, s, _scaled(factor, f"a{t}_{s}")

    def _pulled_through(self, t: int, inner: int) -> Iterator[tuple[int, int, str]]:
        yield inner, 0, f"d{t}_1 * a{t}_0"
        for s, addends in list(enumerate(self._streams.composed))[1:]:
            for one in addends:
                factors = [f"x{inner}_{f}" for f in one.factors]
                yield inner, 0, c_product(one.coefficient, f"d{t}_{one.order + 1}", *factors, f"a{t}_{s}")
                for factor, count in Counter(one.factors).items():
                    rest = list(factors)
                    rest.remove(f"x{inner}_{factor}")
                    pulled = c_product(one.coefficient * count, f"d{t}_{one.order}", *rest, f"a{t}_{s}")
                    yield inner, factor, pulled


_KERNEL = """
void {name}(void *const *p, const long *m, long K, long n, long W)
{{
  for (long k = 0; k < K; k++)
    for (long i = 0; i < n; i++) {{
      {pointers}
      #pragma omp simd
      for (long w = 0; w < W; w++) {{
        {lines}
      }}
    }}
}}
"""


def _inner(step: Step) -> tuple[int, ...]:
    match step:
        case Compose(_, inner):
            return (inner,)
        case Multiply(left, right):
            return left, right
        case Add(one, other, _):
            return one, other
    return ()


def _scaled(factor: float, name: str) -> str:
    return name if factor == 1.0 else f"(T){factor!r} * {name}"
