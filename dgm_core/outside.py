"""Where a computation leaves torch: what follows is out of the sight of whatever watches tensors."""

from __future__ import annotations

import random
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from dgm_core.extensions.companions import PROGRAM

_EXITS = {
    Tensor.numpy: "NumPy",
    Tensor.__array__: "NumPy",
    Tensor.__dlpack__: "DLPack",
    Tensor.tolist: "Python",
}
"""Ways out that torch's operations do not show, and where they lead."""
_ENTRIES = {torch.tensor, torch.as_tensor, torch.from_numpy, Tensor.new_tensor}
"""Ways in: what they bring may be another number in each step."""


class Leaving(TorchFunctionMode):
    """Notes where tensors' numbers are handed to something other than torch, each place once, in words.

    `entered` holds likewise where numbers come into torch, and `drawn` whose random numbers were drawn
    meanwhile other than torch's own, which can be recorded.
    """

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[str, None] = {}
        self.entered: dict[str, None] = {}
        self.drawn: tuple[str, ...] = ()
        self._before: dict[str, Any] = {}

    def __enter__(self) -> Any:
        self._before = _random_states()
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        after = _random_states()
        self.drawn = tuple(whose for whose, state in self._before.items() if state != after[whose])

    @property
    def reason(self) -> str | None:
        """The likeliest reason why what was noted is not the same when torch's part alone is run again."""
        entry = next(iter(self.entered), "")
        if self.drawn:
            return f"random numbers of {self.drawn[0]}{entry} cannot be recorded, those of torch can"
        if self.places:
            return next(iter(self.places))
        return f"what comes into torch{entry} changes from step to step" if entry else None

    def __torch_function__(
        self, function: Any, types: Any, arguments: Sequence[Any] = (), options: dict[str, Any] | None = None
    ) -> Any:
        if function in _EXITS:
            self.places[f"what {_EXITS[function]} computes{place_of_the_user()} cannot be recorded"] = None
        elif function in _ENTRIES and (place := place_of_the_user()):
            self.entered[place] = None
        return function(*arguments, **(options or {}))


def _random_states() -> dict[str, Any]:
    """Whose generator -> its state, as something that can be compared."""
    legacy = np.random.get_state(legacy=False)  # noqa: NPY002 - what users draw from
    return {"NumPy": repr(legacy["state"]), "Python": random.getstate()}


def place_of_the_user() -> str:
    """ " in FILE, line N," of the innermost frame that is the user's own; empty where none is."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if not (_of_the_program(frame) or _of_a_library(frame)):
            return _place(frame)
        frame = frame.f_back
    return ""


def place_of_direct_use() -> str:
    """The same, of the frame that called a library; empty where the program did.

    Calls that torch hands to a mode count as the library's.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and (_of_a_library(frame) or frame.f_code.co_name in _HANDED):
        frame = frame.f_back
    return "" if frame is None or _of_the_program(frame) else _place(frame)


_HANDED = ("__torch_function__", "__torch_dispatch__")


def _place(frame: FrameType) -> str:
    return f" in {frame.f_code.co_filename}, line {frame.f_lineno},"


def _of_the_program(frame: FrameType) -> bool:
    return frame.f_globals.get("__name__", "").partition(".")[0] in PROGRAM


def _of_a_library(frame: FrameType) -> bool:
    """Whether it is a library's or Python's own, or a command's that was installed, such as dgm's."""
    file = frame.f_code.co_filename
    if file.startswith("<frozen") or Path(file).parent == _COMMANDS:
        return True
    return bool({"site-packages", "dist-packages"} & set(Path(file).parts)) or file.startswith(_STANDARD)


_COMMANDS = Path(sysconfig.get_path("scripts"))
_STANDARD = tuple(sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib"))
