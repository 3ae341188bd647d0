"""Constants of single precision in computations of double precision."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map


class Precision(TorchFunctionMode):
    """Lets tensors of float32 meet those of float64, as torch's elementwise operations do.

    `torch.tensor([[2.0, 0.3], [0.3, 1.0]])` in an equation is of float32; its product with a matrix of
    float64 is an error of torch's.  Here it is the product of both in float64.
    """

    def __init__(self) -> None:
        super().__init__()
        self.single = False
        """Whether any have met: then results are exact to float32's rounding only."""

    def __torch_function__(
        self,
        function: Any,
        types: Any,
        arguments: Sequence[Any] = (),
        options: Mapping[str, Any] | None = None,
    ) -> Any:
        options = options or {}
        mixed = _mixed(arguments, options)
        self.single |= mixed
        try:
            return function(*arguments, **options)
        except RuntimeError:
            if not mixed:
                raise
            return function(*tree_map(_double, tuple(arguments)), **tree_map(_double, dict(options)))


_active: Precision | None = None


@contextmanager
def precision(dtype: torch.dtype) -> Iterator[Precision | None]:
    """Within it numbers become tensors of this dtype, and where it is float64, float32 may meet float64."""
    global _active
    if dtype != torch.float64 or _active is not None:
        yield _active
        return
    default = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    _active = Precision()
    try:
        with _active:
            yield _active
    finally:
        _active = None
        torch.set_default_dtype(default)


def _mixed(arguments: Sequence[Any], options: Mapping[str, Any]) -> bool:
    """Whether tensors of both are among the arguments; it is asked before each of torch's functions."""
    kinds = set(_kinds(arguments))
    if options:
        kinds.update(_kinds(options.values()))
    return torch.float32 in kinds and torch.float64 in kinds


def _kinds(values: Iterable[Any]) -> Iterator[torch.dtype]:
    for value in values:
        if isinstance(value, Tensor):
            yield value.dtype
        elif isinstance(value, (tuple, list)):
            yield from _kinds(value)


def _double(leaf: Any) -> Any:
    return leaf.double() if isinstance(leaf, Tensor) and leaf.dtype == torch.float32 else leaf
