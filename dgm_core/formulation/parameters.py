"""A problem's parameters: annotated fields of its class, validated, frozen and comparable."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import wraps
from typing import Any

from pydantic import ConfigDict, PydanticUserError, ValidationError
from pydantic.dataclasses import dataclass

from dgm_core.errors import ConfigurationError, explain

STRICT = ConfigDict(
    extra="forbid", arbitrary_types_allowed=True, allow_inf_nan=False, strict=True, validate_default=True
)


def make_dataclass(cls: type, root: type) -> None:
    """Makes `cls` and its bases, down from the direct subclasses of `root`, frozen pydantic dataclasses.

    `root`, its direct subclasses, a class that its author decorated (with any `dataclass`) or gave an
    `__init__`, and those that inherit this `__init__` stay as they are.
    """
    for ancestor in reversed(cls.__mro__):
        parametrised = issubclass(ancestor, root) and ancestor is not root and root not in ancestor.__bases__
        if parametrised and "__dataclass_fields__" not in vars(ancestor) and not built_by_hand(ancestor):
            _made(ancestor)
            init = _explaining(vars(ancestor)["__init__"])
            setattr(ancestor, "__init__", init)  # noqa: B010 (a method: mypy refuses)


def built_by_hand(cls: type) -> bool:
    """Whether its author wrote the `__init__` of a class, or of one that it inherits it from."""
    for ancestor in cls.__mro__:
        if "__dataclass_fields__" in vars(ancestor):
            return False
        if "__init__" in vars(ancestor):
            return ancestor is not object
    return False


def _made(cls: type) -> None:
    try:
        dataclass(cls, frozen=True, config=STRICT)
    except (TypeError, ValueError, NameError, PydanticUserError) as error:
        message = str(error).partition("\n")[0].rstrip(".")
        hint = ": write a tuple in place of a list" if "mutable default" in message else ""
        raise ConfigurationError(
            f"the annotated fields of {cls.__name__} cannot be its parameters{hint} ({message})."
        ) from error


def _explaining(init: Callable[..., None]) -> Callable[..., None]:
    """A dataclass's `__init__` whose complaint is one sentence: a ConfigurationError."""

    @wraps(init)
    def explaining(self: Any, *arguments: Any, **parameters: Any) -> None:
        try:
            init(self, *arguments, **parameters)
        except ValidationError as error:
            explained = explain(error, field_names(type(self)), prefix="problem.")
            raise explained from explained.__cause__

    return explaining


def field_names(cls: Any) -> list[str]:
    """The parameters' names, in order."""
    return [field.name for field in dataclasses.fields(cls)] if dataclasses.is_dataclass(cls) else []
