"""Whether a network's derivatives are carried forward: what is asked of them, and both ways compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from dgm_core.calculus.automatic import Automatic
from dgm_core.calculus.jets.forward import Carried
from dgm_core.calculus.jets.jet import NoRuleError
from dgm_core.calculus.jets.kernels.build import compiler
from dgm_core.calculus.jets.plan import Plan
from dgm_core.calculus.jets.streams import Operator, Path, Stream
from dgm_core.calculus.jets.tracing import NumberReads, Trace, looked
from dgm_core.calculus.operators import Derivatives, Field, Output, sum_of

_AGREEMENT = 1e-2
"""Of the residuals by both ways, relative to the largest: rounding never reaches it, a wrong rule does."""

Residuals = Mapping[str, Tensor | tuple[Tensor, Tensor]]


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
        self, axes: Sequence[str] | None = None, output: Output = 0, probes: Tensor | None = None
    ) -> Tensor:
        columns = self.space(axes)  # the nested derivatives know no domain, so they are given the axes
        column = self.position(output)
        total = self._nested.laplacian([self.axes[i] for i in columns], column, probes)
        if probes is not None:
            return total
        return self._noted(total, column, Operator.laplacian(columns))

    def along(self, directions: Tensor, order: int, output: int) -> Tensor:
        return self._nested.along(directions, order, output)

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
        looked(part)
        for residual in residuals.values()
        for part in (residual if isinstance(residual, tuple) else (residual,))
    ]


def _gradient(sample: Field, residuals: Sequence[Tensor]) -> Tensor:
    """Of the sum of squares of all residuals for a network's parameters, as one vector."""
    parameters = [weight for weight in getattr(sample, "parameters", list)() if weight.requires_grad]
    squares = [residual.square().sum() for residual in residuals if residual.requires_grad]
    if not parameters:
        return torch.zeros(0)
    gradients: Sequence[Tensor] = [torch.zeros_like(weight) for weight in parameters]
    if squares:
        gradients = torch.autograd.grad(
            sum_of(squares), parameters, allow_unused=True, materialize_grads=True
        )
    return torch.cat([gradient.flatten() for gradient in gradients])


def _agree(values: Tensor, expected: Tensor) -> bool:
    finite = expected[torch.isfinite(expected)].abs()
    scale = max(finite.max().item(), 1e-6) if finite.numel() else 1.0
    return torch.allclose(values, expected, rtol=_AGREEMENT, atol=_AGREEMENT * scale, equal_nan=True)
