"""Whether equations and conditions are residuals of a field at points: tried on fields that are known."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn

from dgm_core.calculus import TIME, Field
from dgm_core.errors import ConfigurationError, counted
from dgm_core.formulation.domains import Part
from dgm_core.formulation.regions import Axis, FixedNodes, Region
from dgm_core.random_streams import stream

_SIZES = ((1, 5), (1, 7), (3, 5))
"""(replicates, points) on which shapes are looked at."""
_MANY = 64
"""Points at which a term is asked whether it depends on the field at all."""
_AGREEMENT = 1e-9
_SLIP = (
    "a value at points (K, n, d) is (K, n, 1): write x[..., :1] for a coordinate, and not x[..., 0], which "
    "has no last axis and is spread over all points"
)

Points = Mapping[str, Tensor]
Residuals = dict[str, tuple[Tensor, ...]]


class Probed(Protocol):
    """What is tried of a problem."""

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


def probe(problem: Probed) -> None:
    """Refuses a problem whose terms are no residuals of a field, each in a sentence that names the term.

    For K replicates of n points a residual is (K, n, c), whatever K and n, and that of a replicate does not
    depend on the others; so is a field with hard conditions, which satisfies what it says it does, and a
    reference.  Every output occurs in what holds inside the domain, and every term is about the field.
    Nothing in them is to be trained.  Raises ConfigurationError.
    """
    _check_axes(problem)
    points = {size: draw(problem, *size) for size in _SIZES}
    with torch.enable_grad():
        found = {size: _residuals(problem, _Waves(problem), x) for size, x in points.items()}
        _check_shapes(problem, found, points)
        _check_replicates(problem, points[3, 5])
        _check_subjects(problem)
        _check_hard(problem, points[3, 5])


def draw(problem: Probed, replicates: int, n: int) -> dict[str, Tensor]:
    """Points (K, n, d) of each term, float64; of one with points of its own number, those."""

    def uniform(batches: int, n: int, m: int, generator: torch.Generator) -> Tensor:
        return torch.rand(batches, n, m, dtype=torch.float64, generator=generator)

    return {
        term: region.draw(uniform, replicates, region.count(n), stream(0, "verification", term))
        for term, region in problem.regions().items()
    }


def check_reference_shape(problem: Probed) -> None:
    """A reference takes points of any shape (..., d), and says the same of each."""
    axes, x = len(problem.inputs), next(iter(draw(problem, 3, 5).values()))
    # In another order as well: the value at a point is no matter of the others.
    found, flat = problem.reference(x), problem.reference(x.reshape(-1, axes).flip(0)).flip(0)
    expected = (*x.shape[:-1], len(problem.outputs))
    if tuple(found.shape) != expected:
        raise ConfigurationError(
            f"the reference of {problem.name} has the shape {tuple(found.shape)} at points {tuple(x.shape)}: "
            f"it must be {expected} (x[..., :1] is a coordinate at points of any shape)."
        )
    if not _agree(found.reshape(flat.shape), flat):
        raise ConfigurationError(
            f"the reference of {problem.name} is another one at points {tuple(x.shape)} than at the same "
            f"points as {(x.shape[0] * x.shape[1], axes)}: x[..., :1] is a coordinate at points of any shape."
        )


class _Waves:
    """A smooth field of known size: a wave to each output, of about half a period along each axis.

    shift: what is added to the waves, which are between −1 and 1.  periodic: whether the field
    repeats itself where the solution does.
    """

    def __init__(self, problem: Probed, shift: float = 0.0, *, periodic: bool = True) -> None:
        self._shift = shift
        self._lower = torch.tensor([axis.lower for axis in problem.inputs], dtype=torch.float64)
        self._size = torch.tensor([axis.upper - axis.lower for axis in problem.inputs], dtype=torch.float64)
        self._periods = torch.tensor(
            [float(periodic and axis.name in problem.periodic) for axis in problem.inputs]
        )
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


def _check_axes(problem: Probed) -> None:
    for axis in problem.inputs:
        if axis.name.lower() == "time":
            raise ConfigurationError(
                f"an axis named {axis.name!r} is not allowed in {problem.name}: time is {TIME!r}, and "
                "operators in space, `boundary` and `initial` know it by that name."
            )


def _residuals(problem: Probed, u: Field, points: Points) -> Residuals:
    """All terms' residuals.  Raises ConfigurationError in words about the term that cannot be computed."""

    def computed(at: Points) -> Residuals:
        found = problem.residuals(u, at)
        return {term: r if isinstance(r, tuple) else (r,) for term, r in found.items()}

    try:
        return computed(points)
    except ConfigurationError:
        raise
    except Exception as error:
        interior = next(iter(points))
        for term in points:  # a problem leaves out the conditions of which no points are given
            try:
                computed({interior: points[interior], term: points[term]})
            except Exception as own:
                raise _uncomputable(problem, f"the term {term!r} of {problem.name}", own, points) from own
        raise _uncomputable(problem, f"the residuals of {problem.name}", error, points) from error


def _uncomputable(problem: Probed, what: str, error: Exception, points: Points) -> ConfigurationError:
    """In words; shapes that do not fit, of a single replicate or of several, are a missing axis as a rule."""
    if isinstance(error, ConfigurationError):
        return error
    k, n, _ = next(iter(points.values())).shape
    said = " ".join(str(error).split()).rstrip(".") or "no message"
    hint = f"; {_SLIP}" if isinstance(error, RuntimeError) and "size" in said else ""
    return ConfigurationError(
        f"{what} cannot be computed for K = {counted(k, 'replicate')} of n = {counted(n, 'point')}: "
        f"{type(error).__name__}: {said}{hint}."
    )


def _check_shapes(problem: Probed, found: Mapping[tuple[int, int], Residuals], points: Any) -> None:
    components: dict[tuple[str, int], dict[tuple[int, int], int]] = {}
    for size, residuals in found.items():
        if set(residuals) != set(problem.terms):
            raise ConfigurationError(
                f"{problem.name} has the terms {', '.join(problem.terms)}, but its residuals are "
                f"{', '.join(residuals)}: the names must be the same."
            )
        for term, parts in residuals.items():
            for i, part in enumerate(parts):
                if not isinstance(part, Tensor):
                    raise ConfigurationError(
                        f"the residual {term!r} of {problem.name} must be a tensor: "
                        f"it is a {type(part).__name__}."
                    )
                components.setdefault((term, i), {})[size] = _components(
                    problem, term, part, points[size][term].shape
                )
    for (term, _), each in components.items():
        region, first = problem.regions()[term], each[_SIZES[0]]
        count = region.count(5)
        fixed = isinstance(region, FixedNodes) and count > 1
        if len(set(each.values())) > 1 or (
            fixed and first == count > len(problem.outputs) + len(problem.inputs)
        ):
            raise ConfigurationError(
                f"the residual {term!r} of {problem.name} has as many components as there are points "
                f"({first} for {count}): {_SLIP}."
            )


def _components(problem: Probed, term: str, part: Tensor, points: torch.Size) -> int:
    shape = tuple(part.shape)
    if len(shape) == 3 and shape[:2] == tuple(points[:2]):
        return shape[2]
    hint = f": {_SLIP}" if len(shape) < 3 or shape[-1] == points[1] else ""
    raise ConfigurationError(
        f"the residual {term!r} of {problem.name} has the shape {shape}, where it must be "
        f"{(*points[:2], 'c')} for points {tuple(points)}{hint}."
    )


def _check_replicates(problem: Probed, points: Points) -> None:
    field = _Waves(problem)
    together = _residuals(problem, field, points)
    if not _same(together, _residuals(problem, field, points)):
        return  # they draw random numbers
    for k in range(next(iter(points.values())).shape[0]):
        alone = _residuals(problem, field, {term: x[k : k + 1] for term, x in points.items()})
        for term, parts in alone.items():
            for part, whole in zip(parts, together[term], strict=True):
                if not _agree(whole[k : k + 1], part):
                    raise ConfigurationError(
                        f"the residual {term!r} of {problem.name} is another one for a replicate alone than "
                        "beside others: what is averaged or summed over replicates mixes them "
                        "(`mean(dim=1, keepdim=True)` is the mean over the points of each)."
                    )


def _check_subjects(problem: Probed) -> None:
    """Every term depends on the field, those inside the domain on each output, and none on anything else
    that is to be trained."""
    points = draw(problem, 1, _MANY)
    regions = problem.regions()
    inside = [term for term in problem.terms if _fills(regions[term])] or list(problem.terms)
    depends = {term: torch.zeros(len(problem.outputs), dtype=torch.bool) for term in problem.terms}
    for shift in (1.5, 0.0, -1.5):
        field = _Waves(problem, shift)
        for term, parts in _residuals(problem, field, points).items():
            _check_untrained(problem, term, parts, field)
            depends[term] |= _gradient(parts, field.amplitudes) != 0  # NaN is not zero either
        if all(known.any() for known in depends.values()) and _any(depends, inside).all():
            return
    for term, known in depends.items():
        if not known.any():
            raise ConfigurationError(
                f"the term {term!r} of {problem.name} does not depend on the solution (by torch's "
                "operations): there is nothing in it to be trained."
            )
    missing = [
        name for name, known in zip(problem.outputs, _any(depends, inside).tolist(), strict=True) if not known
    ]
    if missing:
        raise ConfigurationError(
            f"{problem.name} has no equation for the output {missing[0]!r}: no term inside the domain "
            f"depends on it (`y.d(output={problem.outputs.index(missing[0])})` is its value)."
        )


def _fills(region: Region) -> bool:
    """Whether a region is of the domain's dimension, or nodes all over it: no face and no instant."""
    return not isinstance(region, Part) and all(lower < upper for lower, upper in region.bounds)


def _any(depends: Mapping[str, Tensor], terms: list[str]) -> Tensor:
    return torch.stack([depends[term] for term in terms]).any(dim=0)


def _gradient(parts: tuple[Tensor, ...], of: Tensor) -> Tensor:
    """Of all components together, each with another weight; zeros where they do not depend on it."""
    weighed = [
        (part * (1.0 + torch.arange(part.numel(), dtype=part.dtype).reshape(part.shape) * 0.618 % 1.0)).sum()
        for part in parts
        if part.requires_grad
    ]
    if not weighed:
        return torch.zeros_like(of)
    total = torch.stack(weighed).sum()
    return torch.autograd.grad(total, of, retain_graph=True, allow_unused=True, materialize_grads=True)[0]


def _check_untrained(problem: Probed, term: str, parts: tuple[Tensor, ...], field: _Waves) -> None:
    for leaf in _leaves(parts):
        own = leaf is field.amplitudes
        coordinates = leaf.dim() == 3 and leaf.shape[-1] == len(problem.inputs)
        if isinstance(leaf, nn.Parameter) or not (own or coordinates):
            kind = (
                "torch.nn.Parameter" if isinstance(leaf, nn.Parameter) else "tensor that requires gradients"
            )
            raise ConfigurationError(
                f"a {kind} of the shape {tuple(leaf.shape)} is in the term {term!r} of {problem.name}, and "
                "would never be trained: only the network is."
            )


def _leaves(parts: tuple[Tensor, ...]) -> Iterator[Tensor]:
    """The tensors that gradients of the parts would arrive at."""
    waiting = [part.grad_fn for part in parts if part.grad_fn is not None]
    seen = set(waiting)
    while waiting:
        node = waiting.pop()
        if hasattr(node, "variable"):
            yield node.variable
        for other, _ in node.next_functions:
            if other is not None and other not in seen:
                seen.add(other)
                waiting.append(other)


def _check_hard(problem: Probed, points: Points) -> None:
    """A field with hard conditions has the shape of a field, and satisfies its terms."""
    if not problem.hard_terms:
        return
    waves, outputs = _Waves(problem), len(problem.outputs)

    def field(x: Tensor) -> Tensor:
        found = problem.constrain(x, waves(x))
        if tuple(found.shape) != (*x.shape[:-1], outputs):
            raise ConfigurationError(
                f"`constrain` of {problem.name} gives the shape {tuple(found.shape)} at points "
                f"{tuple(x.shape)}: it must be {(*x.shape[:-1], outputs)}; {_SLIP}."
            )
        return found

    unknown = [term for term in problem.hard_terms if term not in problem.terms]
    if unknown:
        raise ConfigurationError(f"the hard term {unknown[0]!r} of {problem.name} is none of its terms.")
    hard, free = (
        _residuals(problem, field, points),
        _residuals(problem, _Waves(problem, periodic=False), points),
    )
    for term in problem.hard_terms:
        for part, other in zip(hard[term], free[term], strict=True):
            size, scale = (
                part.abs().max().item(),
                max(other.abs().max().item(), part.abs().max().item() * 1e-3),
            )
            if not size <= 1e-6 * scale:
                raise ConfigurationError(
                    f"`constrain` of {problem.name} does not satisfy its hard term {term!r}: for a "
                    f"network that is a wave the residual is {size:.1e}, and of the wave itself {scale:.1e}."
                )


def _agree(one: Tensor, other: Tensor) -> bool:
    if one.shape != other.shape:
        return False
    finite = other[torch.isfinite(other)].abs()
    largest = finite.max().item() if finite.numel() else 0.0
    return torch.allclose(one, other, rtol=_AGREEMENT, atol=_AGREEMENT * largest, equal_nan=True)


def _same(one: Residuals, other: Residuals) -> bool:
    return all(
        torch.equal(torch.nan_to_num(a), torch.nan_to_num(b))
        for term in one
        for a, b in zip(one[term], other[term], strict=True)
    )
