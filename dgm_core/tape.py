"""Records the tensor operations of a step once, and replays them without the program that made them.

At the sizes of these networks Python and the autograd engine take most of a step's time.  What a step
does is the same every time, on tensors of the same sizes: it is recorded as it runs, and run again from
the record, on the very tensors that it first made, as CUDA graphs do for a GPU.  The numbers are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

T = TypeVar("T")

LARGEST = 2**30
"""Bytes of intermediate results that a tape may keep.

Small steps gain because Python is left out, large ones because their memory is there already: the pages of
fresh tensors take longer than the arithmetic.
"""


@dataclass(frozen=True)
class _Entry:
    """One operation: how to run it again, the tensors it reads and those it writes."""

    run: Callable[[], Any]
    reads: tuple[Tensor, ...]
    writes: tuple[Tensor, ...]
    random: bool = False


class Tape(Generic[T]):
    """A recorded step.  `result` holds what it returned; its tensors change with every replay."""

    def __init__(self, result: T, entries: Sequence[_Entry]) -> None:
        self.result = result
        self._kept = entries  # the tensors whose addresses compiled steps know
        self._calls = tuple(entry.run for entry in entries)

    def __len__(self) -> int:
        return len(self._calls)

    def replay(self) -> T:
        """Runs the step again."""
        with torch.no_grad():
            for call in self._calls:
                call()
        return self.result


def record(step: Callable[[], T]) -> tuple[T, Tape[T] | None]:
    """Runs a step; what it returned, and its tape, or None where it cannot be replayed.

    All that the step reads must be tensors that exist before it and are changed in place from step to
    step; Python's numbers count as the same every time.  It must not be the first of its kind, which
    finds out what the others know.  What it makes and neither returns nor puts into such tensors is not made
    again.
    """
    recorder = _Recorder()
    with recorder:
        result = step()
    if recorder.refused or _bytes(recorder.entries) > LARGEST:
        return result, None
    varying = _variable(recorder.entries, recorder.made)
    return result, Tape(result, _wanted(varying, recorder.made, result))


class Repeated(Generic[T]):
    """A step that is run the first time, recorded the second, and replayed from then on where it can be."""

    def __init__(self, step: Callable[[], T]) -> None:
        self._step = step
        self._calls = 0
        self._tape: Tape[T] | None = None

    def __call__(self) -> T:
        """The step's result, whose tensors the next call may change."""
        self._calls += 1
        if self._tape is not None:
            return self._tape.replay()
        if self._calls != 2:
            return self._step()
        result, self._tape = record(self._step)
        return result

    @property
    def operations(self) -> int | None:
        """Of a replayed step; None where it is not replayed, or not yet."""
        return None if self._tape is None else len(self._tape)


def run(call: Callable[[], Any], reads: Sequence[Tensor], writes: Sequence[Tensor]) -> None:
    """Runs something that torch does not see, and lets a tape that is being recorded know."""
    call()
    if _Recorder.active is not None:
        _Recorder.active.entries.append(_Entry(call, tuple(reads), tuple(writes)))


class Watching(TorchDispatchMode):
    """What sees every tensor operation."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else torch imports its compiler, to keep it from what is not compiled


class _Recorder(Watching):
    active: _Recorder | None = None

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[_Entry] = []
        self.made: set[int] = set()
        self.refused = False

    def __enter__(self) -> _Recorder:
        _Recorder.active = self
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        _Recorder.active = None
        super().__exit__(*error)

    def __torch_dispatch__(
        self, function: Any, types: Any, arguments: Sequence[Any] = (), options: dict[str, Any] | None = None
    ) -> Any:
        options = options or {}
        found = function(*arguments, **options)
        reads = tuple(leaf for leaf in tree_leaves((arguments, options)) if isinstance(leaf, Tensor))
        outputs = [leaf for leaf in tree_leaves(found) if isinstance(leaf, Tensor)]
        if reads and found is not None and len(outputs) < len(tree_leaves(found)):
            self.refused = True  # a number, or a choice, that was read off a tensor
        elif function._schema.is_mutable:
            written = _written(function, arguments, options)
            again = _bound(_QUICK.get(function, function), arguments, options)
            self.entries.append(_Entry(again, reads, written, _is_random(function)))
        else:
            own = [output for output in outputs if not _shares(output, reads)]
            self.made |= {_storage(output) for output in own}
            if own and function not in _UNSET:
                again = _again(function, arguments, options, outputs)
                seen = () if function in _FILLS else reads  # their shapes alone
                self.entries.append(_Entry(again, seen, tuple(own), _is_random(function)))
        return found


_UNSET = {
    torch.ops.aten.empty.memory_format,
    torch.ops.aten.empty_like.default,
    torch.ops.aten.empty_strided.default,
    torch.ops.aten.new_empty.default,
    torch.ops.aten.new_empty_strided.default,
}
"""Operations after which a tensor holds nothing yet."""
_FILLS: dict[Any, Callable[[Sequence[Any]], Any]] = {
    torch.ops.aten.zeros.default: lambda arguments: 0.0,
    torch.ops.aten.new_zeros.default: lambda arguments: 0.0,
    torch.ops.aten.zeros_like.default: lambda arguments: 0.0,
    torch.ops.aten.ones.default: lambda arguments: 1.0,
    torch.ops.aten.new_ones.default: lambda arguments: 1.0,
    torch.ops.aten.ones_like.default: lambda arguments: 1.0,
    torch.ops.aten.full.default: lambda arguments: arguments[1],
    torch.ops.aten.new_full.default: lambda arguments: arguments[2],
    torch.ops.aten.full_like.default: lambda arguments: arguments[1],
}
"""Operations that fill a tensor with a number, and which."""
_COPIES = {torch.ops.aten.clone.default, torch.ops.aten._to_copy.default}


def _again(
    function: Any, arguments: Sequence[Any], options: dict[str, Any], outputs: Sequence[Tensor]
) -> Any:
    """A call that computes the outputs again, into the same tensors."""
    if function in _FILLS:
        value, (output,) = _FILLS[function](arguments), outputs
        return lambda: output.fill_(value)
    if function in _COPIES:
        source, (output,) = arguments[0], outputs
        return lambda: output.copy_(source)
    if len(outputs) == 1:
        quick = _into(function, arguments, options, outputs[0])
        if quick is not None:
            return quick

    def general() -> None:
        found = function(*arguments, **options)
        for target, value in zip(outputs, tree_leaves(found), strict=True):
            target.copy_(value)

    return general


def _into(function: Any, arguments: Sequence[Any], options: dict[str, Any], output: Tensor) -> Any:
    """A call by torch's own Python function with `out=`, where it has one and that gives the same."""
    name = function._schema.name.removeprefix("aten::")
    native = getattr(torch, name, None)
    if native is None or _is_random(function) or not output.is_contiguous():
        return None
    scratch = torch.empty_like(output)
    try:
        with torch.no_grad():
            native(*arguments, **options, out=scratch)
    except (TypeError, RuntimeError):
        return None
    if scratch.shape != output.shape or not torch.equal(_bits(scratch), _bits(output)):
        return None
    return _bound(native, arguments, {**options, "out": output})


_QUICK = {
    torch.ops.aten.bmm.out: torch.bmm,
    torch.ops.aten.cat.out: torch.cat,
    torch.ops.aten.baddbmm_.default: Tensor.baddbmm_,
    torch.ops.aten.copy_.default: Tensor.copy_,
    torch.ops.aten.fill_.Scalar: Tensor.fill_,
    torch.ops.aten.zero_.default: Tensor.zero_,
    torch.ops.aten.add_.Tensor: Tensor.add_,
    torch.ops.aten.mul_.Tensor: Tensor.mul_,
    torch.ops.aten._foreach_add_.Scalar: torch._foreach_add_,
    torch.ops.aten._fused_adam_.tensor_lr: torch._fused_adam_,
    torch.ops.aten._fused_adamw_.tensor_lr: torch._fused_adamw_,
}
"""Operations in place, as torch's own Python functions: the same, called in less time."""


_INTEGERS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def _bits(tensor: Tensor) -> Tensor:
    """As integers, of which those of NaN are equal too."""
    return tensor.view(_INTEGERS.get(tensor.element_size(), torch.int8))


def _bound(function: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Callable[[], Any]:
    positional = tuple(arguments)
    if options:
        return lambda: function(*positional, **options)
    return lambda: function(*positional)


def _written(function: Any, arguments: Sequence[Any], options: dict[str, Any]) -> tuple[Tensor, ...]:
    """The arguments that an operation changes in place."""
    changed: list[Tensor] = []
    for place, argument in enumerate(function._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            value = arguments[place] if place < len(arguments) else options.get(argument.name)
            changed += [leaf for leaf in tree_leaves(value) if isinstance(leaf, Tensor)]
    return tuple(changed)


def _is_random(function: Any) -> bool:
    return torch.Tag.nondeterministic_seeded in function.tags


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata


def _shares(tensor: Tensor, others: Sequence[Tensor]) -> bool:
    return any(_storage(tensor) == _storage(other) for other in others)


def _variable(entries: Sequence[_Entry], made: Container[int]) -> list[_Entry]:
    """The entries without those that give the same every time: from what the step has made, and unchanged.

    made: the storages that came into being in the step; any other may differ from step to step.
    """
    varying = {_storage(t) for entry in entries if entry.random for t in entry.writes}
    varying |= {s for entry in entries for s in map(_storage, (*entry.reads, *entry.writes)) if s not in made}
    before = -1
    while len(varying) != before:
        before = len(varying)
        for entry in entries:
            if any(_storage(t) in varying for t in (*entry.reads, *entry.writes)):
                varying |= {_storage(t) for t in entry.writes}
    return [entry for entry in entries if any(_storage(t) in varying for t in entry.writes)]


def _wanted(entries: Sequence[_Entry], made: Container[int], result: Any) -> list[_Entry]:
    """The entries without those of which nothing is left: neither in the result nor in what the step has not
    made itself.  Those that draw random numbers stay: the next ones follow them."""
    live = {_storage(leaf) for leaf in tree_leaves(result) if isinstance(leaf, Tensor)}
    found: list[_Entry] = []
    for entry in reversed(entries):
        written = [_storage(tensor) for tensor in entry.writes]
        if entry.random or any(storage in live or storage not in made for storage in written):
            live |= {_storage(tensor) for tensor in (*entry.reads, *entry.writes)}
            found.append(entry)
    return found[::-1]


def _bytes(entries: Sequence[_Entry]) -> int:
    sizes = {_storage(t): t.untyped_storage().nbytes() for entry in entries for t in entry.writes}
    return sum(sizes.values())
