"""Trials as Ray's dashboard lists them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ray.tune.trainable import FunctionTrainable, wrap_function


def named_actors(trainable: Callable[..., Any], study: str) -> type[FunctionTrainable]:
    """The function as a class whose actors are called "<study>/<trial>".

    Ray asks an actor for its name once, when it begins: one that went on with another trial would keep it.
    """
    wrapped: type[FunctionTrainable] = wrap_function(trainable)

    class NamedTrial(wrapped):
        def __repr__(self) -> str:
            return f"{study}/{self.config['trial']}"

    return NamedTrial
