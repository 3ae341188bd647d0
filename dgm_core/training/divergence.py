"""Why a replicate diverged: which term, and which operation of the residuals, was not finite first."""

from __future__ import annotations

import inspect
import linecache
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from dgm_core.errors import ConfigurationError
from dgm_core.formulation.evaluation_set import sobol_points
from dgm_core.training.curves import Curves
from dgm_core.training.solution import Solution

_POINTS = 256


def divergence_reasons(
    curves: Curves, solution: Solution, stopped: Sequence[str | None]
) -> tuple[str | None, ...]:
    """Why each replicate diverged; None where it did not.

    stopped: why its optimizer gave a replicate up, where it did.
    """
    first, lost = curves.diverged_at(), curves.lost_first()
    if 1 in first and (culprit := first_lost(solution)) is not None:
        lost = [f"{what} ({culprit})" if at == 1 else what for at, what in zip(first, lost, strict=True)]
    return tuple(
        None if at is None else f"{reason}, from iteration {at} on" if reason else what
        for at, what, reason in zip(first, lost, stopped, strict=True)
    )


class _FirstLost(TorchFunctionMode):
    """Remembers the first operation that makes something not finite of finite tensors, and its line."""

    def __init__(self, file: str | None) -> None:
        super().__init__()
        self._file = file
        self.culprit: str | None = None

    def __torch_function__(
        self, function: Any, types: Any, arguments: Any = (), options: Mapping[str, Any] | None = None
    ) -> Any:
        result = function(*arguments, **(options or {}))
        if self.culprit is None and isinstance(result, Tensor) and result.is_floating_point():
            inputs = [x for x in arguments if isinstance(x, Tensor) and x.is_floating_point()]
            with torch._C.DisableTorchFunction():
                lost = bool((~result.isfinite()).any()) and all(bool(x.isfinite().all()) for x in inputs)
                if lost:
                    self.culprit = _in_words(function, arguments) + self._place()
        return result

    def _place(self) -> str:
        """The line of the problem's own file, the innermost."""
        frame = sys._getframe(2)
        while frame is not None and frame.f_code.co_filename != self._file:
            frame = frame.f_back  # type: ignore[assignment]
        if frame is None or self._file is None:
            return ""
        line = linecache.getline(self._file, frame.f_lineno).strip()
        return f" in {Path(self._file).name}, line {frame.f_lineno}: {line}"


def first_lost(solution: Solution) -> str | None:
    """The operation that is not finite for untrained weights, with its line, or None where all are finite."""
    piece = solution.untrained(0)
    problem = piece.problem
    like = next(piece.parameters())
    try:
        points = {term: sobol_points(at, _POINTS)[None].to(like) for term, at in problem.regions().items()}
        with _FirstLost(inspect.getsourcefile(type(problem))) as watch, torch.enable_grad():
            problem.residuals(lambda x: piece(x), points)
    except (ConfigurationError, RuntimeError, TypeError, ValueError):
        return None  # it is a sentence about a failure, and must not fail itself
    return watch.culprit


def _in_words(function: Any, arguments: Any) -> str:
    name = getattr(function, "__name__", "an operation").strip("_")
    first = arguments[0] if arguments else None
    negative = isinstance(first, Tensor) and bool((first < 0).any())
    if name == "pow" and len(arguments) > 1 and negative:
        power = arguments[1]
        return f"a negative value to the power {power:g}" if isinstance(power, float | int) else "a power"
    if name in ("sqrt", "log", "log10", "log2", "log1p") and negative:
        return f"{name} of a negative value"
    if name in ("div", "truediv", "rtruediv", "true_divide", "reciprocal"):
        return "a division by zero"
    return name
