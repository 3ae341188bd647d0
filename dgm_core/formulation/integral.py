"""Integrals of the solution inside an equation: over the domain, along an axis, or over what came before."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from dgm_core.calculus import TIME, Derivatives, Field, Output, derivatives, position_of
from dgm_core.errors import ConfigurationError, counted
from dgm_core.formulation.domains import Box, Domain, InTime
from dgm_core.formulation.evaluation_set import sobol_points
from dgm_core.formulation.quadrature import count_of, gauss_legendre

_SPREAD = 256
"""Points of an integral over a domain that is no box."""
_MOST = 10_000
"""Nodes of one integral, at most: each is an evaluation of the network, for each point."""

_along: ContextVar[set[str] | None] = ContextVar("integrated axes", default=None)


class Within:
    """What a law sees of the nodes of an integral: the field there, and the points it belongs to.

    x: the nodes (K, n, m, d), in the order of the axes.  at: the points at which the integral is asked for,
    (K, n, 1, d).  value: the field at the nodes, (K, n, m, q).  Where all points share the nodes n is 1.
    """

    def __init__(
        self, field: Field, axes: Sequence[str], outputs: Sequence[str], x: Tensor, at: Tensor
    ) -> None:
        self.x, self.at = x, at
        self._field, self._axes, self._outputs = field, tuple(axes), tuple(outputs)
        self._found: Derivatives | None = None

    @property
    def value(self) -> Tensor:
        """(K, n, m, q)."""
        if self._found is not None:
            return self._shaped(self._found.value)
        return self._shaped(self._field(self.x.flatten(1, 2)))

    def d(self, *axes: str, output: Output = 0) -> Tensor:
        """A derivative of one output at the nodes, (K, n, m, 1)."""
        if not axes:
            value = self.value
            column = position_of(output, self._outputs, value.shape[-1])
            return value[..., column : column + 1]
        if self._found is None:
            self._found = derivatives(self._field, self.x.flatten(1, 2), self._axes)
            self._found.outputs = self._outputs
        return self._shaped(self._found.d(*axes, output=output))

    def _shaped(self, values: Tensor) -> Tensor:
        return values.reshape(*self.x.shape[:3], -1)


class Integral:
    """∫ law ds over named axes of the domain, for an equation or a condition: `Integral(law, over="x")(y)`.

    law: (K, n, m, c) of the nodes s of the integral (see `Within`): `lambda s: s.value**2`, or with a kernel
    `lambda s: torch.exp(s.x[..., :1] - s.at[..., :1]) * s.value`.  over: an axis, or several; all in space by
    default.  until: whether the integral along its one axis ends at the point itself, as one over a history
    does; else it takes the whole axis.  nodes: Gauss–Legendre nodes along each axis, exact for polynomials of
    degree 2 `nodes` − 1; over a whole domain that is no box, 256 evenly spread points in their place.

    The field is evaluated at every node of every point, (n · m) times, and at m nodes alone where the
    integral is the same for all points.
    """

    def __init__(
        self,
        law: Callable[[Within], Tensor] = lambda s: s.value,
        over: str | Sequence[str] | None = None,
        *,
        until: bool = False,
        nodes: int = 20,
    ) -> None:
        if not callable(law):
            raise ConfigurationError(
                f"the integrand {law!r} of an Integral is not allowed: it must be a function, such as "
                "lambda s: s.value."
            )
        self._law = law
        self._over = (over,) if isinstance(over, str) else None if over is None else tuple(over)
        self._until = until
        self._nodes = nodes
        if nodes < 1:
            raise ConfigurationError(f"nodes = {nodes} of an Integral is not allowed: it must be 1 or more.")
        if until and (self._over is None or len(self._over) != 1):
            raise ConfigurationError("an Integral with until=True needs one axis: over='t', for example.")

    def __call__(self, y: Derivatives) -> Tensor:
        """(K, n, c) at the points of y."""
        if isinstance(y, Tensor):
            raise ConfigurationError(
                "an Integral is called with y itself, as in self.integral(y), and not with a tensor."
            )
        field, domain = y.field, y.domain
        if field is None or domain is None:
            raise ConfigurationError(
                "an Integral is allowed in the equation or a condition of a problem only."
            )
        over = self._over if self._over is not None else tuple(y.axes[i] for i in y.space(None))
        columns = y.columns(over)
        recorded_axes = _along.get()
        if recorded_axes is not None:
            recorded_axes.update(over)
        if TIME in over and not y.whole:
            raise ConfigurationError(
                "an Integral over time does not allow time windows: each knows only its own part of it."
            )
        unit, weights = self._rule(domain, columns)
        at = y.x[:, :, None, :]
        # Where every axis is integrated, all points share the nodes, though a kernel may tell them apart.
        bases = at[:, :1] if not self._until and len(columns) == len(y.axes) else at
        lower = y.x.new_tensor([domain.axes[i].lower for i in columns])
        if self._until:
            length = bases[..., list(columns)] - lower  # (K, n, 1, 1)
            inner = lower + length * unit.to(y.x)
            weights_here = length * weights.to(y.x)[:, None]
        else:
            inner = unit.to(y.x).expand(*bases.shape[:2], -1, -1)
            weights_here = weights.to(y.x)[:, None]
        every = [bases[..., i : i + 1].expand(*inner.shape[:3], 1) for i in range(len(y.axes))]
        for place, i in enumerate(columns):
            every[i] = inner[..., place : place + 1]
        inside = Within(field, y.axes, y.outputs, torch.cat(every, dim=-1), at)
        integral = (weights_here * self._law(inside)).sum(dim=2)
        return integral.expand(-1, y.x.shape[1], -1)

    def _rule(self, domain: Domain, columns: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Nodes (m, number of columns), of the unit interval where the end moves and else in the axes' own
        units, and weights (m,)."""
        bounds = tuple((domain.axes[i].lower, domain.axes[i].upper) for i in columns)
        if self._until:
            return _grid(((0.0, 1.0),), count_of(self._nodes))
        if isinstance(domain, Box) or [domain.axes[i].name for i in columns] == [TIME]:
            if self._nodes ** len(bounds) > _MOST:
                each, every = counted(self._nodes, "node"), counted(self._nodes ** len(bounds), "node")
                raise ConfigurationError(
                    f"an Integral of {each} along each of {counted(len(bounds), 'axis', 'axes')} is not "
                    f"allowed: {every} are more than {_MOST:,}."
                )
            return _grid(bounds, count_of(self._nodes))
        space = domain.space if isinstance(domain, InTime) else domain
        if [domain.axes[i] for i in columns] != list(space.axes):
            raise ConfigurationError(
                f"an Integral over {', '.join(domain.axes[i].name for i in columns)} is not allowed in a "
                f"domain that is no box: over all of {', '.join(axis.name for axis in space.axes)}, or t."
            )
        return _spread(space)


@contextlib.contextmanager
def integrated() -> Iterator[set[str]]:
    """The axes along which integrals are asked for inside the block."""
    axes: set[str] = set()
    token = _along.set(axes)
    try:
        yield axes
    finally:
        _along.reset(token)


@lru_cache(maxsize=64)
def _grid(bounds: tuple[tuple[float, float], ...], nodes: int) -> tuple[Tensor, Tensor]:
    unit, weights = gauss_legendre(nodes)
    lines: list[Any] = [a + (b - a) * unit for a, b in bounds]
    sizes = [(b - a) * weights for a, b in bounds]
    points = torch.cartesian_prod(*lines).reshape(-1, len(bounds))
    return points, torch.cartesian_prod(*sizes).reshape(-1, len(bounds)).prod(dim=1)


@lru_cache(maxsize=64)
def _spread(space: Domain) -> tuple[Tensor, Tensor]:
    points = sobol_points(space.interior, _SPREAD)
    return points, torch.full((len(points),), space.measure / len(points), dtype=torch.float64)
