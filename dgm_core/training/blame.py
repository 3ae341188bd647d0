"""Which operation of a problem's residuals was not finite first, for the sentence that says so."""

from __future__ import annotations

import inspect
import linecache
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from dgm_core.errors import ConfigurationError
from dgm_core.formulation.evaluation_set import sobol_points
from dgm_core.training.solution import Solution

_POINTS = 256


class _FirstLost(TorchFunctionMode):
    """Remembers the first operation that makes something not finite of finite tensors, and its line."""

    def __init__(self, file: str | None) -> None:
        super().__init__()
        self._file = file
        self.found: str | None = None

    def __torch_function__(
        self, function: Any, types: Any, arguments: Any = (), options: Mapping[str, Any] | None = None
    ) -> Any:
        result = function(*arguments, **(options or {}))
        if self.found is None and isinstance(result, Tensor) and result.is_floating_point():
            values = [one for one in arguments if isinstance(one, Tensor) and one.is_floating_point()]
            with torch._C.DisableTorchFunction():
                lost = bool((~result.isfinite()).any()) and all(bool(one.isfinite().all()) for one in values)
                if lost:
                    self.found = _said(function, arguments) + self._place()
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
    return watch.found


def _said(function: Any, arguments: Any) -> str:
    name = getattr(function, "__name__", "an operation").strip("_")
    one = arguments[0] if arguments else None
    negative = isinstance(one, Tensor) and bool((one < 0).any())
    if name == "pow" and len(arguments) > 1 and negative:
        power = arguments[1]
        return f"a negative value to the power {power:g}" if isinstance(power, float | int) else "a power"
    if name in ("sqrt", "log", "log10", "log2", "log1p") and negative:
        return f"{name} of a negative value"
    if name in ("div", "truediv", "rtruediv", "true_divide", "reciprocal"):
        return "a division by zero"
    return name
