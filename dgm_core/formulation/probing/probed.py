"""A problem as the checks see it, and the known fields and points that they use."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol, Self

import torch
from torch import Tensor

from dgm_core.calculus import Field
from dgm_core.errors import ConfigurationError, counted, nearest
from dgm_core.formulation.regions import Axis, Region
from dgm_core.formulation.trained import Trained, Values
from dgm_core.random_streams import stream

SLIP = (
    "a value at points (K, n, d) is (K, n, 1): write x[..., :1] for a coordinate, and not x[..., 0], which "
    "has no last axis and is spread over all points"
)
_HINTS = {
    "Boolean value of Tensor": "; `torch.where` chooses at each point, in place of `if`, and "
    "`torch.clamp` in place of `max` and `min`",
    "converted to Python scalars": "; points are many at once: compute with torch, not with `math`",
    "Can't call numpy()": "; compute with torch, as torch.sin(x), so that derivatives follow",
    "does not require grad": "; write y.d('x', 'x') for derivatives, and not `torch.autograd`",
    "modified inplace": "; write r = r - … in place of r -= …, and `torch.where` in place of an assignment",
    "in-place operation": "; write r = r - … in place of r -= …, and `torch.where` in place of an assignment",
    "torch.gradient": "; write y.d('x') for derivatives",
    "equation() missing": "; it is called with y alone: y.x are the points, y.value the field",
    "equation() takes": "; it is written def equation(self, y)",
    "object is not callable": "; y.d('x') is a derivative, y.value the field, y.x[..., :1] a coordinate",
    "'method'": "; operators are called, as in y.laplacian()",
    "rate() takes": "; it is called with t and one argument for each output",
    "<lambda>() missing": "; it is called with one argument, whose last axis has the columns",
    "'Integral'": "; an Integral is called with y, as in self.integral(y)",
    "numpy.ndarray": "; compute with torch, as torch.sin(x), so that derivatives follow",
    "Automatic": "; y is no tensor: y.value is the field, and y.value[..., :1] its first output",
    "Within": "; s is no tensor: s.value is the field there",
    "Derivatives.d()": "; write y.d('x', 'x') for a second derivative, y.d('x', output='v') for an output's",
}
"""What an error of Python or torch says -> what to do about it."""
_AGREEMENT = 1e-9

Points = Mapping[str, Tensor]
Residuals = dict[str, tuple[Tensor, ...]]
Computed = Callable[[Field, Points], Residuals]
"""What is computed of a field at points: all terms' residuals, or an energy's density."""


class Probed(Protocol):
    """What the checks read of a problem."""

    name: ClassVar[str]
    outputs: ClassVar[tuple[str, ...]]

    @property
    def inputs(self) -> tuple[Axis, ...]: ...
    @property
    def terms(self) -> tuple[str, ...]: ...
    @property
    def hard_terms(self) -> tuple[str, ...]: ...
    @property
    def periodic(self) -> tuple[str, ...]: ...
    @property
    def reference_kind(self) -> str: ...
    def regions(self) -> dict[str, Region]: ...
    def residuals(self, u: Field, points: Points) -> dict[str, Any]: ...
    def reference(self, x: Tensor) -> Tensor: ...
    def constrain(self, x: Tensor, raw: Tensor) -> Tensor: ...
    def bound(self, values: Values) -> Self: ...
    @classmethod
    def trained(cls) -> dict[str, Trained]: ...


def draw(problem: Probed, replicates: int, n: int) -> dict[str, Tensor]:
    """Points (K, n, d) of each term, float64; a region with a fixed number of points has its own n."""

    def uniform(batches: int, n: int, m: int, generator: torch.Generator) -> Tensor:
        return torch.rand(batches, n, m, dtype=torch.float64, generator=generator)

    return {
        term: region.draw(uniform, replicates, region.count(n), stream(0, "verification", term))
        for term, region in problem.regions().items()
    }


class Waves:
    """A smooth field of known size: a wave to each output, of about half a period along each axis.

    shift: added to the waves, which lie between −1 and 1.  periodic: whether the field repeats itself
    along the axes on which the solution does.
    """

    pointwise = True

    def __init__(self, problem: Probed, shift: float = 0.0, *, periodic: bool = True) -> None:
        self._shift = shift
        self._lower = torch.tensor([axis.lower for axis in problem.inputs], dtype=torch.float64)
        self._size = torch.tensor([axis.upper - axis.lower for axis in problem.inputs], dtype=torch.float64)
        around = problem.periodic if periodic else ()
        self._periods = torch.tensor([float(axis.name in around) for axis in problem.inputs])
        self.amplitudes = torch.ones(len(problem.outputs), dtype=torch.float64).requires_grad_()

    def __call__(self, x: Tensor) -> Tensor:
        position = (x - self._lower.to(x)) / self._size.to(x)
        golden = torch.arange(x.shape[-1], dtype=x.dtype, device=x.device) * 0.618 % 1.0
        slow = (0.9 + 0.8 * golden) * position
        around = torch.cos(2.0 * math.pi * position + golden)  # the same at both ends
        periods = self._periods.to(x)
        argument = ((1.0 - periods) * slow + periods * around).sum(dim=-1, keepdim=True)
        outputs = torch.arange(1.0, len(self.amplitudes) + 1.0, dtype=x.dtype, device=x.device)
        return self.amplitudes.to(x) * (
            self._shift + torch.cos(0.4 * outputs + (0.7 + 0.3 * outputs) * argument)
        )


def residuals_of(problem: Probed, u: Field, points: Points) -> Residuals:
    """The residuals of all terms.  Raises ConfigurationError naming the term that cannot be computed."""

    def computed(at: Points) -> Residuals:
        residuals = problem.residuals(u, at)
        return {term: r if isinstance(r, tuple) else (r,) for term, r in residuals.items()}

    try:
        return computed(points)
    except ConfigurationError:
        raise
    except Exception as error:
        interior = next(iter(points))
        for term in points:  # a problem leaves out the conditions of which no points are given
            try:
                computed({interior: points[interior], term: points[term]})
            except Exception as cause:
                raise uncomputable(problem, f"the term {term!r} of {problem.name}", cause, points) from cause
        raise uncomputable(problem, f"the residuals of {problem.name}", error, points) from error


def uncomputable(problem: Probed, what: str, error: Exception, points: Points) -> ConfigurationError:
    """The error in words; shapes that do not fit come from a missing axis as a rule."""
    if isinstance(error, ConfigurationError):
        return error
    k, n, _ = next(iter(points.values())).shape
    message = " ".join(str(error).split()).rstrip(".") or "no message"
    hints = (hint for told, hint in _HINTS.items() if told in message)
    hint = next(hints, f"; {SLIP}" if isinstance(error, RuntimeError) and "size" in message else "")
    hint = hint or _meant(problem, error)
    return ConfigurationError(
        f"{what} cannot be computed for K = {counted(k, 'replicate')} of n = {counted(n, 'point')}: "
        f"{type(error).__name__}: {message}{hint}."
    )


def _meant(problem: Probed, error: Exception) -> str:
    """The name that was meant, where one is near."""
    if isinstance(error, NameError) and error.name and hasattr(problem, error.name):
        return f"; write self.{error.name}"
    if isinstance(error, AttributeError) and error.name and error.obj is not None:
        near = nearest(error.name, [name for name in dir(error.obj) if not name.startswith("_")], 1)
        return f" (did you mean {near[0]!r}?)" if near else ""
    return ""


def agree(values: Tensor, other: Tensor) -> bool:
    """Whether two tensors are equal to rounding, NaN to NaN."""
    if values.shape != other.shape:
        return False
    finite = other[torch.isfinite(other)].abs()
    largest = finite.max().item() if finite.numel() else 0.0
    return torch.allclose(values, other, rtol=_AGREEMENT, atol=_AGREEMENT * largest, equal_nan=True)


def same(residuals: Residuals, other: Residuals) -> bool:
    """Whether all residuals are equal bit for bit, NaN to NaN."""
    return all(
        torch.equal(torch.nan_to_num(a), torch.nan_to_num(b))
        for term in residuals
        for a, b in zip(residuals[term], other[term], strict=True)
    )
