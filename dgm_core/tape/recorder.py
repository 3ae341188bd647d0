"""What sees the tensor operations of a step, and writes down how to run each of them again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Generator, Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from dgm_core.outside import Leaving, place_of_the_user
from dgm_core.tape import operations
from dgm_core.tape.operations import FILLS, QUICK, UNSET, bound, is_random, shares, storage_of, written_by


@dataclass(frozen=True)
class TapeEntry:
    """One operation: how to run it again, the tensors it reads and those it writes."""

    run: Callable[[], Any]
    reads: tuple[Tensor, ...]
    writes: tuple[Tensor, ...]
    random: bool = False
    generators: tuple[Generator, ...] = ()


class Watching(TorchDispatchMode):
    """What sees every tensor operation."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else torch imports its compiler, to keep it from what is not compiled


class Recorder(Watching):
    active: Recorder | None = None

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[TapeEntry] = []
        self.made: set[int] = set()
        self.refused: str | None = None
        """What was read off a tensor, and where: what follows may depend on it."""
        self.leaving = Leaving()

    def __enter__(self) -> Recorder:
        Recorder.active = self
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        Recorder.active = None
        super().__exit__(*error)

    def __torch_dispatch__(
        self, function: Any, types: Any, arguments: Sequence[Any] = (), options: dict[str, Any] | None = None
    ) -> Any:
        options = options or {}
        result = function(*arguments, **options)
        reads = tuple(leaf for leaf in tree_leaves((arguments, options)) if isinstance(leaf, Tensor))
        outputs = [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
        if reads and result is not None and len(outputs) < len(tree_leaves(result)):
            self.refused = self.refused or f"a number{place_of_the_user()}"
        elif function._schema.is_mutable:
            written = written_by(function, arguments, options)
            again = bound(QUICK.get(function, function), arguments, options)
            self._add(function, again, reads, written, arguments, options)
        else:
            produced = [output for output in outputs if not shares(output, reads)]
            self.made |= {storage_of(output) for output in produced}
            if produced and function not in UNSET:
                again = operations.again(function, arguments, options, outputs)
                inputs = () if function in FILLS else reads  # their shapes alone
                self._add(function, again, inputs, tuple(produced), arguments, options)
        return result

    def _add(
        self,
        function: Any,
        again: Callable[[], Any],
        reads: tuple[Tensor, ...],
        writes: tuple[Tensor, ...],
        arguments: Sequence[Any],
        options: dict[str, Any],
    ) -> None:
        random = is_random(function)
        leaves = tree_leaves((arguments, options)) if random else ()
        generators = tuple(leaf for leaf in leaves if isinstance(leaf, Generator))
        self.entries.append(TapeEntry(again, reads, writes, random, generators))


def run(call: Callable[[], Any], reads: Sequence[Tensor], writes: Sequence[Tensor]) -> None:
    """Runs something that torch does not see, and lets a tape that is being recorded know."""
    call()
    if Recorder.active is not None:
        Recorder.active.entries.append(TapeEntry(call, tuple(reads), tuple(writes)))
