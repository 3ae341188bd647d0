"""Derivatives carried forward with the values, in one pass through a network."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor

from dgm_core.calculus.automatic import Automatic
from dgm_core.calculus.jets import rules  # noqa: F401 (the rules are found in RULES)
from dgm_core.calculus.jets.jet import Jet, NoRuleError
from dgm_core.calculus.jets.layout import Layout
from dgm_core.calculus.jets.plan import Plan
from dgm_core.calculus.jets.seeds import Seed
from dgm_core.calculus.jets.streams import Operator, Path, Stream, Streams
from dgm_core.calculus.jets.tracing import Trace
from dgm_core.calculus.operators import Derivatives, Field, Output

Plans = Mapping[str, Plan]
"""Set of points -> what is carried for it."""


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
        jet = self._jet(Jet(seed, layout))
        layout = jet.layout
        pieces: dict[str, dict[Stream, Tensor]] = {name: {} for name in points}
        for (name, stream), piece in zip(layout.keys, jet.rows.split(layout.pieces, dim=1), strict=True):
            whole = piece if jet.bias is None or stream != () else piece + jet.bias
            pieces[name][stream] = whole
        return pieces

    def _jet(self, x: Jet) -> Jet:
        values = self._network(x)  # type: ignore[arg-type]
        if not isinstance(values, Jet):
            raise NoRuleError("a network whose values do not depend on its inputs")
        return values

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
        derivative = self._carried(output, tuple(sorted(path)))
        if derivative is not None:
            return derivative
        if self._nested is None:
            self._nested = Automatic(self._field._network, self.x, self.axes)
        return self._nested.partial(output, path)

    def laplacian(
        self, axes: Sequence[str] | None = None, output: Output = 0, probes: Tensor | None = None
    ) -> Tensor:
        columns, column = self.space(axes), self.position(output)
        if probes is None:
            total = self._carried(column, Operator.laplacian(columns))
            return super().laplacian(axes, column) if total is None else total
        directions = self._in_all_axes(probes, columns)
        count = directions.shape[2]
        (total,) = self._field.along(self.x, directions, [Operator.laplacian(range(count))])
        return _column(total, column) / count

    def _carried(self, output: int, stream: Stream) -> Tensor | None:
        """A stream as the plan gives it; None where it does not."""
        carried, factor = self._plan.served(stream)
        piece = self._pieces.get(carried)
        if piece is None:
            return None
        if factor == 0.0:
            return self.value.new_zeros((*self.value.shape[:-1], 1))
        column = _column(piece, output)
        return column if factor == 1.0 else factor * column

    def along(self, directions: Tensor, order: int, output: int) -> Tensor:
        paths: list[Stream] = [(j,) * order for j in range(directions.shape[2])]
        every = directions.expand(*self.x.shape[:2], -1, -1).to(self.x)
        pieces = self._field.along(self.x, every, paths)
        return torch.cat([_column(piece, output) for piece in pieces], dim=-1)

    def _in_all_axes(self, probes: Tensor, columns: Sequence[int]) -> Tensor:
        shape = (*self.x.shape[:2], probes.shape[2], len(self.axes))
        directions = self.x.new_zeros(shape)
        directions[..., list(columns)] = probes.to(self.x)
        return directions


def _only_summed(streams: Collection[Stream]) -> bool:
    """Whether no derivative is asked for by itself that is part of a sum."""
    summed = {i for stream in streams if isinstance(stream, Operator) for i in stream.directions}
    return not any(summed & set(stream) for stream in streams if isinstance(stream, tuple))


def _column(piece: Tensor, output: int) -> Tensor:
    return piece if piece.shape[2] == 1 and output == 0 else piece[..., output : output + 1]
