"""Where a computation leaves torch: what follows is out of the sight of whatever watches tensors."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

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


class Leaving(TorchFunctionMode):
    """Notes where tensors' numbers are handed to something other than torch, each place once, in words."""

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[str, None] = {}

    def __torch_function__(
        self, function: Any, types: Any, arguments: Sequence[Any] = (), options: dict[str, Any] | None = None
    ) -> Any:
        if function in _EXITS:
            self.places[f"what {_EXITS[function]} computes{place_of_the_user()} cannot be recorded"] = None
        return function(*arguments, **(options or {}))


def place_of_the_user() -> str:
    """ " in FILE, line N," of the innermost frame that is the user's own; empty where none is."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if not _foreign(file, frame.f_globals.get("__name__", "")):
            return f" in {file}, line {frame.f_lineno},"
        frame = frame.f_back
    return ""


def _foreign(file: str, module: str) -> bool:
    """Whether code is the program's, a library's or Python's own."""
    if module.partition(".")[0] in PROGRAM or file.startswith("<frozen"):
        return True
    return bool({"site-packages", "dist-packages"} & set(Path(file).parts)) or file.startswith(_STANDARD)


_STANDARD = tuple(sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib"))
