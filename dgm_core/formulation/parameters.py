"""A problem's parameters: annotated fields of its class, validated, frozen and comparable."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import wraps
from typing import Any

from pydantic import ConfigDict, ValidationError
from pydantic.dataclasses import dataclass

from dgm_core.errors import explain

STRICT = ConfigDict(extra="forbid", arbitrary_types_allowed=True, allow_inf_nan=False, strict=True)


def make_dataclass(cls: type, root: type) -> None:
    """Makes `cls` and its bases up to `root` frozen pydantic dataclasses, those that are none yet.

    A class that its author has decorated (with any `dataclass`), or given an `__init__`, stays as it is.
    """
    for one in reversed(cls.__mro__):
        own = {"__dataclass_fields__", "__init__"} & set(vars(one))
        if issubclass(one, root) and one is not root and not own:
            dataclass(one, frozen=True, config=STRICT)
            setattr(one, "__init__", _explaining(vars(one)["__init__"]))  # noqa: B010 (a method: mypy refuses)


def _explaining(init: Callable[..., None]) -> Callable[..., None]:
    """A dataclass's `__init__` whose complaint is one sentence: a ConfigurationError."""

    @wraps(init)
    def explaining(self: Any, *arguments: Any, **parameters: Any) -> None:
        try:
            init(self, *arguments, **parameters)
        except ValidationError as error:
            said = explain(error, field_names(type(self)), prefix="problem.")
            raise said from said.__cause__

    return explaining


def field_names(cls: Any) -> list[str]:
    """The parameters' names, in order."""
    return [field.name for field in dataclasses.fields(cls)] if dataclasses.is_dataclass(cls) else []
