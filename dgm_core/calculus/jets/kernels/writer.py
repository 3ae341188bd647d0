"""The C source of one kernel for all that a program does.

A kernel that does one operation reads and writes memory for each; one that does all reads what they start
from and writes what they end in.  The backward kernel computes the values in between again, in registers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from dgm_core.calculus.jets.kernels.program import (
    Add,
    Compose,
    Contract,
    Load,
    Multiply,
    Program,
    Shift,
    Spread,
    keeps,
    needed,
    outputs,
    slots,
)
from dgm_core.calculus.jets.kernels.source import Units, c_lines, c_product, prelude
from dgm_core.calculus.jets.streams import Composed, Streams


def program_source(program: Program, streams: Streams, double: bool, units: Units) -> str:
    """`forward(p, m, K, n, W)` and `backward(p, m, K, n, W)` of a program; W is that of its streams.

    Where points are taken as units, n is 1 and W their number.

    p holds addresses: of all that the program reads, then of the result's rows; for `backward`, in the
    result's place, of its gradient, then of where the gradients of all that it reads go, of which those of
    constants are added to what is there, and of the result where the program `keeps` it.  m holds, for each
    of these, the step from replicate to replicate and that from row to row.
    """
    writer = _Writer(program, streams, units)
    return prelude(double) + units.source + writer.forward() + writer.backward()


class _Writer:
    """x<t>_<s> is stream s of step t, d<t>_<k> the kth derivative of its function, a<t>_<s> its adjoint."""

    def __init__(self, program: Program, streams: Streams, units: Units) -> None:
        self._program = program
        self._streams = streams
        self._units = units
        self._count = len(slots(program))
        self._first: list[int] = []  # the place of each step's slots
        place = 0
        for step in program:
            self._first.append(place)
            place += len(step.slots)

    def forward(self) -> str:
        """The C function of that name."""
        pointers = [*self._sources(), *self._rows("T", "y", self._count)]
        values = list(self._values(self._streams.order))
        last, every = len(self._program) - 1, range(len(self._streams))
        match self._program[-1]:
            case Contract(inner, count, _):
                totals = {(s, o): f"t{s}_{o}" for s in every for o in range(count)}
                pointers += [f"T {total} = 0;" for total in totals.values()]
                values += [
                    f"{total} += {self._units.fresh}x{inner}_{s} * u{last}_{o}[w];"
                    for (s, o), total in totals.items()
                ]
                ends = [f"y_{s}[{o}] = {total};" for (s, o), total in totals.items()]
                clause = f" reduction(+:{', '.join(totals.values())})"
                return self._function("forward", pointers, values, clause=clause, ends=ends)
        stores = [f"y_{s}[w] = x{last}_{s};" for s in every]
        return self._function("forward", pointers, [*values, *stores])

    def backward(self) -> str:
        """The C function of that name."""
        pointers = [*self._sources(), *self._rows("const T", "g", self._count)]
        if keeps(self._program):
            pointers += self._rows("const T", "y", 2 * self._count + 1)
        last, count = len(self._program) - 1, outputs(self._program) or 0
        pointers += [
            f"const T a{last}_{s}_{o} = g_{s}[{o}];" for s in range(len(self._streams)) for o in range(count)
        ]
        stores: list[str] = []
        sums: dict[str, str] = {}
        for t, step in enumerate(self._program):
            if not step.needed:
                continue
            target = self._count + 1 + self._first[t]
            match step:
                case Load():
                    pointers += self._rows("T", f"e{t}", target)
                    before = "e{0}_{1}[w] + " + self._units.fresh if step.added else ""
                    stores += [
                        f"e{t}_{s}[w] = {before.format(t, s)}a{t}_{s};" for s in range(len(self._streams))
                    ]
                case Shift():
                    sums[f"f{t}"] = self._address(target)
                    stores.append(f"f{t}[w + slot] += a{t}_0;")
                case Spread(inputs, _):
                    for i in range(inputs):
                        sums[f"f{t}_{i}"] = self._address(target + 1, i)
                        along = [f" + c{t}_{s}_{i} * a{t}_{s}" for s in self._along(i)]
                        stores.append(f"f{t}_{i}[w + slot] += q{t}_{i} * a{t}_0{''.join(along)};")
                case Contract(inner, count, _):
                    for o in range(count):
                        sums[f"f{t}_{o}"] = self._address(target, o)
                        along = [f"a{t}_{s}_{o} * x{inner}_{s}" for s in range(len(self._streams))]
                        stores.append(f"f{t}_{o}[w + slot] += {' + '.join(along)};")
        values = self._values(self._streams.order + 1, kept=keeps(self._program))
        lines = [*values, *self._adjoints(), *stores]
        return self._function("backward", pointers, lines, sums=sums)

    def _function(
        self,
        name: str,
        pointers: Sequence[str],
        lines: Sequence[str],
        *,
        sums: Mapping[str, str] = MappingProxyType({}),
        clause: str = "",
        ends: Sequence[str] = (),
    ) -> str:
        """A C function: for every point its pointers, lines for every unit, and what is done after them.

        sums: by name, where what is added up over all points for every unit is added in the end.  clause: of
        the loop over the units.
        """
        marks = ["fresh"] if any("fresh[" in line for line in lines) else []
        rooms = [f"T *const {each} = room + {i} * length;" for i, each in enumerate([*marks, *sums])]
        return _KERNEL.format(
            name=name,
            rooms=c_lines([*rooms, *(f"mark({mark}, W);" for mark in marks)], 2),
            marks=len(marks),
            sums=len(sums),
            pointers=c_lines(pointers, 6),
            loop=self._units.loop(lines, 6, clause),
            ends=c_lines(ends, 6),
            finish=c_lines([f"add({address}, {sum}, W);" for sum, address in sums.items()], 4),
        )

    def _sources(self) -> Iterator[str]:
        for t, step in enumerate(self._program):
            slot = self._first[t]
            match step:
                case Load():
                    yield from self._rows("const T", f"z{t}", slot)
                case Shift():
                    yield self._constant("const T", f"b{t}", slot)
                case Spread(inputs, _):
                    for i in range(inputs):
                        place = f"k * m[{2 * slot}] + i * m[{2 * slot + 1}] + {i}"
                        yield f"const T q{t}_{i} = ((const T *)p[{slot}])[{place}];"
                        yield self._constant("const T", f"u{t}_{i}", slot + 1, i)
                        for s in self._along(i):
                            place = f"{s} * m[{2 * slot + 5}] + {i}"
                            yield f"const T c{t}_{s}_{i} = ((const T *)p[{slot + 2}])[{place}];"
                case Contract(_, count, _):
                    for o in range(count):
                        yield self._constant("const T", f"u{t}_{o}", slot, o)

    def _rows(self, kind: str, name: str, slot: int) -> Iterator[str]:
        yield f"const long {name}_n = n * m[{2 * slot + 1}];"
        place = f"k * m[{2 * slot}] + i * m[{2 * slot + 1}]"
        for s in range(len(self._streams)):
            yield f"{kind} *restrict {name}_{s} = ({kind} *)p[{slot}] + {place} + {s} * {name}_n;"

    def _constant(self, kind: str, name: str, slot: int, row: int = 0) -> str:
        return f"{kind} *restrict {name} = ({kind} *){self._address(slot, row)};"

    def _address(self, slot: int, row: int = 0) -> str:
        """Of a row of what is the same for all points."""
        return f"((T *)p[{slot}] + k * m[{2 * slot}] + {row} * m[{2 * slot + 1}])"

    def _along(self, axis: int) -> list[int]:
        """The places of the streams that are not zero in a column of the points."""
        return [s for s, slope in enumerate(self._streams.slopes) if any(i == axis for i, _ in slope)]

    def _values(self, order: int, *, kept: bool = False) -> Iterator[str]:
        """Of every step, with the derivatives of its function up to an order; kept: the last one is there."""
        every = range(len(self._streams))
        for t, step in enumerate(self._program):
            match step:
                case Load():
                    yield from (f"const T x{t}_{s} = z{t}_{s}[w];" for s in every)
                case Spread(inputs, _):
                    for s in every:
                        rows = [f"q{t}_{i} * u{t}_{i}[w]" for i in range(inputs) if s == 0]
                        rows += [f"c{t}_{s}_{i} * u{t}_{i}[w]" for i in range(inputs) if s in self._along(i)]
                        yield f"const T x{t}_{s} = {' + '.join(rows) or '0'};"
                case Shift(inner, _):
                    for s in every:
                        bias = f" + b{t}[UNIT(w)]" if s == 0 else ""
                        yield f"const T x{t}_{s} = x{inner}_{s}{bias};"
                case Compose():
                    yield from self._composed(t, step, order, known=kept and t == len(self._program) - 1)
                case Multiply(left, right):
                    for s, addends in enumerate(self._streams.multiplied):
                        total = " + ".join(
                            c_product(term.coefficient, f"x{left}_{term.left}", f"x{right}_{term.right}")
                            for term in addends
                        )
                        yield f"const T x{t}_{s} = {total};"
                case Add(left, right, factor):
                    for s in every:
                        yield f"const T x{t}_{s} = x{left}_{s} + {_scaled(factor, f'x{right}_{s}')};"

    def _composed(self, t: int, step: Compose, order: int, *, known: bool) -> Iterator[str]:
        """known: it has been computed before."""
        orders = range(1, order + 1)
        yield "".join(f"T x{t}_0" if k == 0 else f", d{t}_{k}" for k in range(order + 1)) + ";"
        code = step.function.code(order, known=known)
        if known:
            code.insert(0, "const T s0 = y_0[w];")
        if not known or not step.function.of_value:
            code.insert(0, f"const T v = x{step.inner}_0;")
        kept = "".join(f" d{t}_{k} = s{k};" for k in orders)
        yield f"{{ {' '.join(code)} x{t}_0 = s0;{kept} }}"
        for s, addends in list(enumerate(self._streams.composed))[1:]:
            total = " + ".join(self._addend(t, step.inner, addend) for addend in addends)
            yield f"const T x{t}_{s} = {total};"

    @staticmethod
    def _addend(t: int, inner: int, addend: Composed, *more: str) -> str:
        factors = (f"x{inner}_{f}" for f in addend.factors)
        return c_product(addend.coefficient, f"d{t}_{addend.order}", *factors, *more)

    def _adjoints(self) -> Iterator[str]:
        """Of every step that a gradient is needed of, from the last to the first."""
        wanted = needed(self._program)
        addends: dict[tuple[int, int], list[str]] = defaultdict(list)
        for s in range(len(self._streams)):
            addends[len(self._program) - 1, s].append(f"g_{s}[w]")
        for t, step in reversed(list(enumerate(self._program))):
            if t not in wanted:
                continue
            if not isinstance(step, Contract):  # whose adjoints are no units' own, but there before the loop
                for s in range(len(self._streams)):
                    yield f"const T a{t}_{s} = {' + '.join(addends[t, s]) or '0'};"
            for place, s, text in self._pulled(t):
                if place in wanted:
                    addends[place, s].append(text)

    def _pulled(self, t: int) -> Iterator[tuple[int, int, str]]:
        """(step, stream, addend of its adjoint) that follow from the adjoints of step t."""
        every = range(len(self._streams))
        match self._program[t]:
            case Shift(inner, _):
                yield from ((inner, s, f"a{t}_{s}") for s in every)
            case Compose(_, inner):
                for pulled in self._streams.pulled:
                    text = self._addend(t, inner, pulled.addend, f"a{t}_{pulled.source}")
                    yield inner, pulled.place, text
            case Contract(inner, count, _):
                for s in every:
                    yield from ((inner, s, f"a{t}_{s}_{o} * u{t}_{o}[w]") for o in range(count))
            case Multiply(left, right):
                for s, addends in enumerate(self._streams.multiplied):
                    for term in addends:
                        of_left = c_product(term.coefficient, f"x{right}_{term.right}", f"a{t}_{s}")
                        of_right = c_product(term.coefficient, f"x{left}_{term.left}", f"a{t}_{s}")
                        yield left, term.left, of_left
                        yield right, term.right, of_right
            case Add(left, right, factor):
                for s in every:
                    yield left, s, f"a{t}_{s}"
                    yield right, s, _scaled(factor, f"a{t}_{s}")


_KERNEL = """
void {name}(void *const *p, const long *m, long K, long n, long W)
{{
  const long tail = TAIL(W), length = W + LANES;
  T *const room = __builtin_malloc(({marks} + {sums}) * length * sizeof(T));
  {rooms}
  for (long k = 0; k < K; k++) {{
    __builtin_memset(room + {marks} * length, 0, {sums} * length * sizeof(T));
    for (long i = 0; i < n; i++) {{
      {pointers}
      {loop}
      {ends}
    }}
    {finish}
  }}
  __builtin_free(room);
}}
"""


def _scaled(factor: float, name: str) -> str:
    return name if factor == 1.0 else f"(T){factor!r} * {name}"
