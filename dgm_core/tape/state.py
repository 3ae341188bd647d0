"""What a replay changes outside of itself, kept and compared."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

import torch
from torch import Generator, Tensor
from torch.utils._pytree import tree_leaves

from dgm_core.tape.operations import bits, storage_of
from dgm_core.tape.recorder import TapeEntry


class State:
    """What a replay changes outside of itself: tensors, and the generators that it draws from."""

    def __init__(self, tensors: Sequence[Tensor], generators: Sequence[Generator], random: bool) -> None:
        self._tensors = tensors
        self._before = [tensor.clone() for tensor in tensors]
        self._generators = [(generator, generator.get_state()) for generator in generators]
        self._default = torch.get_rng_state() if random else None
        self._cuda = torch.cuda.get_rng_state_all() if random and torch.cuda.is_initialized() else []

    @classmethod
    def of(cls, entries: Sequence[TapeEntry], made: Container[int]) -> State:
        outside = {
            storage_of(t): _whole(t) for entry in entries for t in entry.writes if storage_of(t) not in made
        }
        generators = {id(generator): generator for entry in entries for generator in entry.generators}
        random = any(entry.random for entry in entries)
        return cls(list(outside.values()), list(generators.values()), random)

    def now(self) -> list[Tensor]:
        return [tensor.clone() for tensor in self._tensors]

    def swap(self) -> list[Tensor]:
        """Puts everything back to what it was; the tensors as they were until now."""
        now = self.now()
        for tensor, before in zip(self._tensors, self._before, strict=True):
            tensor.copy_(before)
        for generator, state in self._generators:
            generator.set_state(state)
        if self._default is not None:
            torch.set_rng_state(self._default)
        if self._cuda:
            torch.cuda.set_rng_state_all(self._cuda)
        return now


_ROUNDING = {"cpu": 32.0, "cuda": 4096.0}
"""By how many units in the last place of its largest number a replayed tensor may differ from a step's: a GPU
adds in any order, and a CPU in one that may depend on addresses."""


def same(tensor: Tensor, other: Tensor) -> bool:
    """Whether two tensors hold the same, to rounding."""
    if tensor.shape != other.shape or tensor.dtype != other.dtype:
        return False
    if not tensor.is_floating_point():
        return torch.equal(tensor, other)
    if torch.equal(bits(tensor.contiguous()), bits(other.contiguous())):
        return True
    finite = other[torch.isfinite(other)].abs()
    largest = finite.max().item() if finite.numel() else 0.0
    allowed = _ROUNDING.get(other.device.type, 4096.0) * torch.finfo(other.dtype).eps * largest
    return torch.allclose(tensor, other, rtol=0.0, atol=allowed, equal_nan=True)


def _whole(tensor: Tensor) -> Tensor:
    """All of the memory that a tensor is a view of, in its dtype."""
    storage = tensor.untyped_storage()
    count = storage.nbytes() // tensor.element_size()
    return torch.empty(0, dtype=tensor.dtype, device=tensor.device).set_(storage, 0, (count,), (1,))


def tensors_of(result: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
