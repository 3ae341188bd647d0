"""Derivatives carried forward with the values: what a problem asks of a network, in one pass through it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping, Sequence

import torch
from torch import Tensor

from dgm_core.calculus.automatic import Automatic
from dgm_core.calculus.jets import rules  # noqa: F401 (the rules are found in RULES)
from dgm_core.calculus.jets.jet import Jet, NoRuleError
from dgm_core.calculus.jets.kernels.build import compiler
from dgm_core.calculus.jets.layout import Layout
from dgm_core.calculus.jets.plan import Plan
from dgm_core.calculus.jets.seeds import Seed
from dgm_core.calculus.jets.streams import Operator, Path, Stream, Streams
from dgm_core.calculus.jets.tracing import NumberReads, Trace, looked
from dgm_core.calculus.operators import Derivatives, Field, sum_of

_AGREEMENT = 1e-2
"""Of the residuals by both ways, relative to the largest: what no rounding reaches, and a wrong rule does."""

Plans = Mapping[str, Plan]
"""Set of points -> what is carried for it."""
Residuals = Mapping[str, Tensor | tuple[Tensor, Tensor]]


class Carried:
    """A network whose derivatives are carried forward (Taylor mode; the forward Laplacian).

    A forward pass takes along, for every point, the streams that the problem asks for there and those that
    their chain rule needs; one reverse pass then gives the gradient of the weights, where nested reverse
    passes grow with the order.  A linear map acts on all streams in one product, a Laplacian is one stream
    beside the first derivatives.

    Source: Griewank and Walther (2008), chapter 13; Bettencourt, Johnson and Duvenaud (2019); Li et al.
    (2024) for the Laplacian.
    """

    def __init__(self, network: Field, plans: Plans, *, turned: bool = False) -> None:
        """turned: a network that starts with a linear map of all axes may carry a Laplacian's derivatives
        along fewer directions than there are axes."""
        self._network = network
        self._plans = plans
        self._turnable = {name for name, plan in plans.items() if turned and _only_summed(plan.wanted)}
        self._layouts: dict[tuple[tuple[str, int, Streams], ...], Layout] = {}

    def of(self, network: Field) -> Carried:
        """The same of another network of the same kind."""
        twin = copy.copy(self)
        twin._network = network
        return twin

    def __call__(self, x: Tensor) -> Tensor:
        """The values at x (K, n, d)."""
        layout = self._layout({"": x.shape[1]}, {"": Streams.of([])})
        return self._jet(Jet(Seed.of({"": x}, layout), layout)).settled()

    def derivatives(self, x: Tensor, axes: Sequence[str]) -> Derivatives:
        """Those at x (K, n, d)."""
        return self.derivatives_at({"": x}, axes)[""]

    def derivatives_at(self, points: Mapping[str, Tensor], axes: Sequence[str]) -> dict[str, Derivatives]:
        """Those at several sets of points (K, n_i, d), by name, in one pass."""
        nothing = Plan.of(Trace())
        plans = {name: self._plans.get(name, nothing) for name in points}
        pieces = self._pieces(points, {name: plan.streams for name, plan in plans.items()})
        return {
            name: CarriedDerivatives(self, x, axes, plans[name], pieces[name]) for name, x in points.items()
        }

    def along(self, x: Tensor, directions: Tensor, wanted: Sequence[Stream]) -> list[Tensor]:
        """Streams (K, n, q) along directions (K, n, m, d) of a set of points' own."""
        pieces = self._pieces({"": x}, {"": Streams.of(wanted)}, directions)[""]
        return [pieces[stream] for stream in wanted]

    def _pieces(
        self, points: Mapping[str, Tensor], streams: Mapping[str, Streams], directions: Tensor | None = None
    ) -> dict[str, dict[Stream, Tensor]]:
        """Name -> stream -> (K, n, q)."""
        layout = self._layout({name: x.shape[1] for name, x in points.items()}, streams)
        seed = Seed.of(points, layout, directions=directions, turnable=self._turnable)
        found = self._jet(Jet(seed, layout))
        layout = found.layout
        pieces: dict[str, dict[Stream, Tensor]] = {name: {} for name in points}
        for (name, stream), piece in zip(layout.keys, found.rows.split(layout.pieces, dim=1), strict=True):
            whole = piece if found.bias is None or stream != () else piece + found.bias
            pieces[name][stream] = whole
        return pieces

    def _jet(self, x: Jet) -> Jet:
        found = self._network(x)  # type: ignore[arg-type]
        if not isinstance(found, Jet):
            raise NoRuleError("a network whose values do not depend on its inputs")
        return found

    def _layout(self, sizes: Mapping[str, int], streams: Mapping[str, Streams]) -> Layout:
        key = tuple((name, size, streams[name]) for name, size in sizes.items())
        if key not in self._layouts:
            self._layouts[key] = Layout.of(sizes, streams)
        return self._layouts[key]


class CarriedDerivatives(Derivatives):
    """Those that were carried; any other is computed when it is asked for, by nested passes."""

    def __init__(
        self, field: Carried, x: Tensor, axes: Sequence[str], plan: Plan, pieces: Mapping[Stream, Tensor]
    ) -> None:
        self.x = x
        self.axes = tuple(axes)
        self.value = pieces[()]
        self._field = field
        self._plan = plan
        self._pieces = pieces
        self._nested: Automatic | None = None

    def partial(self, output: int, path: Path) -> Tensor:
        found = self._carried(output, tuple(sorted(path)))
        if found is not None:
            return found
        if self._nested is None:
            self._nested = Automatic(self._field._network, self.x, self.axes)
        return self._nested.partial(output, path)

    def laplacian(
        self, axes: Sequence[str] | None = None, output: int = 0, probes: Tensor | None = None
    ) -> Tensor:
        columns = self.space(axes)
        if probes is None:
            found = self._carried(output, Operator.laplacian(columns))
            return super().laplacian(axes, output) if found is None else found
        directions = self._in_all_axes(probes, columns)
        count = directions.shape[2]
        (total,) = self._field.along(self.x, directions, [Operator.laplacian(range(count))])
        return _column(total, output) / count

    def _carried(self, output: int, stream: Stream) -> Tensor | None:
        """A stream as the plan gives it; None where it does not."""
        carried, factor = self._plan.served(stream)
        piece = self._pieces.get(carried)
        if piece is None:
            return None
        if factor == 0.0:
            return self.value.new_zeros((*self.value.shape[:-1], 1))
        own = _column(piece, output)
        return own if factor == 1.0 else factor * own

    def directional(self, directions: Tensor, order: int = 1, output: int = 0) -> Tensor:
        paths: list[Stream] = [(j,) * order for j in range(directions.shape[2])]
        every = directions.expand(*self.x.shape[:2], -1, -1).to(self.x)
        found = self._field.along(self.x, every, paths)
        return torch.cat([_column(piece, output) for piece in found], dim=-1)

    def _in_all_axes(self, probes: Tensor, columns: Sequence[int]) -> Tensor:
        shape = (*self.x.shape[:2], probes.shape[2], len(self.axes))
        directions = self.x.new_zeros(shape)
        directions[..., list(columns)] = probes.to(self.x)
        return directions


class _Recording:
    """A field whose derivatives, by nested passes, say what is asked of them and what is done with them.

    traced: whether they say the latter.
    """

    def __init__(self, field: Field, *, traced: bool) -> None:
        self._field = field
        self._traced = traced
        self.traces: dict[str, Trace] = {}

    def __call__(self, x: Tensor) -> Tensor:
        return self._field(x)

    def derivatives(self, x: Tensor, axes: Sequence[str]) -> Derivatives:
        return self.derivatives_at({"": x}, axes)[""]

    def derivatives_at(self, points: Mapping[str, Tensor], axes: Sequence[str]) -> dict[str, Derivatives]:
        return {
            name: _Recorder(
                Automatic(self._field, x, axes), self.traces.setdefault(name, Trace()), traced=self._traced
            )
            for name, x in points.items()
        }


class _Recorder(Derivatives):
    """Nested derivatives, each noted as it is asked for."""

    def __init__(self, nested: Automatic, trace: Trace, *, traced: bool) -> None:
        self.x = nested.x
        self.axes = nested.axes
        self.value = nested.value
        self._nested = nested
        self._trace = trace
        self._traced = traced

    def partial(self, output: int, path: Path) -> Tensor:
        return self._noted(self._nested.partial(output, path), output, tuple(sorted(path)))

    def laplacian(
        self, axes: Sequence[str] | None = None, output: int = 0, probes: Tensor | None = None
    ) -> Tensor:
        columns = self.space(axes)  # which the nested ones, that know no domain, are to be told
        found = self._nested.laplacian([self.axes[i] for i in columns], output, probes)
        if probes is not None:
            return found
        return self._noted(found, output, Operator.laplacian(columns))

    def directional(self, directions: Tensor, order: int = 1, output: int = 0) -> Tensor:
        return self._nested.directional(directions, order, output)

    def _noted(self, piece: Tensor, output: int, stream: Stream) -> Tensor:
        self._trace.asked.add(stream)
        return self._trace.traced(piece, self, output, stream) if self._traced and stream != () else piece


def carried(
    network: Field,
    residuals: Callable[[Field, Mapping[str, Tensor]], Residuals],
    points: Mapping[str, Tensor],
    sample: Field | None = None,
) -> Carried | None:
    """The network with what a problem's residuals ask for carried forward; None where it cannot be.

    It cannot where the network's points depend on each other or its values on chance, where an operation
    has no rule for jets, or where the residuals at the given points differ from those by nested passes: an
    operation that looks at more than its rule knows.  It does not pay on a processor without compiled
    kernels, unless a Laplacian is asked for.  Nothing else decides, so that the same setup always takes the
    same way on a machine.

    sample: a network of the same kind, on which the two ways are compared with these residuals at these
    points; by default the network itself.  Of one that is well trained the residuals may be nothing but
    rounding, in which no two ways agree.
    """
    if not getattr(network, "pointwise", False) or getattr(network, "random", False):
        return None
    sample = network if sample is None else sample
    traces, expected = _recorded(sample, residuals, points)
    gradient = _gradient(sample, expected)
    plain = {name: Plan.of(trace, fold=False) for name, trace in traces.items()}
    folded = {name: Plan.of(trace) for name, trace in traces.items()}
    like = next(iter(points.values()))
    for plans in [folded, plain] if any(plan.folds for plan in folded.values()) else [plain]:
        summed = any(plan.sums for plan in plans.values())
        if not summed and like.device.type == "cpu" and compiler() is None:
            continue
        for turned in (True, False) if summed else (False,):
            field = Carried(sample, plans, turned=turned)
            try:
                forward = _parts(residuals(field, points))
            except NoRuleError:
                continue
            together = len(forward) == len(expected) and all(map(_agree, forward, expected))
            if together and _agree(_gradient(sample, forward), gradient):
                return field.of(network)
    return None


def _recorded(
    sample: Field, residuals: Callable[[Field, Mapping[str, Tensor]], Residuals], points: Mapping[str, Tensor]
) -> tuple[dict[str, Trace], list[Tensor]]:
    """What residuals ask of a field's derivatives, and they themselves, by nested passes.

    They are recorded at other points too: a factor that is another one there, whatever it was computed by, is
    no constant, and derivatives that it multiplies stay apart.
    """
    recording, again = (_Recording(sample, traced=True) for _ in range(2))
    try:
        with NumberReads() as numbers:
            expected = _parts(residuals(recording, points))
        _parts(residuals(again, {name: (x + x.flip(1)) / 2 for name, x in points.items()}))
    except Exception:  # of what a traced tensor does not allow; any other is met again without traces
        recording = _Recording(sample, traced=False)
        return recording.traces, _parts(residuals(recording, points))
    for name, trace in recording.traces.items():
        other = again.traces.get(name, Trace())
        if numbers.read or trace.looks != other.looks:
            trace.looks.clear()
        trace.asked |= other.asked
    return recording.traces, expected


def _parts(residuals: Residuals) -> list[Tensor]:
    """All residuals."""
    return [
        looked(part) for one in residuals.values() for part in (one if isinstance(one, tuple) else (one,))
    ]


def _gradient(sample: Field, residuals: Sequence[Tensor]) -> Tensor:
    """Of the sum of squares of all residuals for a network's parameters, as one vector."""
    parameters = [one for one in getattr(sample, "parameters", list)() if one.requires_grad]
    squares = [residual.square().sum() for residual in residuals if residual.requires_grad]
    if not parameters:
        return torch.zeros(0)
    found: Sequence[Tensor] = [torch.zeros_like(one) for one in parameters]
    if squares:
        found = torch.autograd.grad(sum_of(squares), parameters, allow_unused=True, materialize_grads=True)
    return torch.cat([one.flatten() for one in found])


def _agree(values: Tensor, expected: Tensor) -> bool:
    finite = expected[torch.isfinite(expected)].abs()
    scale = max(finite.max().item(), 1e-6) if finite.numel() else 1.0
    return torch.allclose(values, expected, rtol=_AGREEMENT, atol=_AGREEMENT * scale, equal_nan=True)


def _only_summed(streams: Collection[Stream]) -> bool:
    """Whether no derivative is asked for by itself that is part of a sum."""
    summed = {i for stream in streams if isinstance(stream, Operator) for i in stream.directions}
    return not any(summed & set(stream) for stream in streams if isinstance(stream, tuple))


def _column(piece: Tensor, output: int) -> Tensor:
    return piece if piece.shape[2] == 1 and output == 0 else piece[..., output : output + 1]
