"""Definitions are validated as strictly as training configurations: unknown keys, and each field's range."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from functools import wraps
from typing import Annotated, Any, TypeVar, get_type_hints

import pydantic
from pydantic import ConfigDict, ValidationError, create_model

from dgm_core.errors import counted, explain

T = TypeVar("T")

Name = Annotated[str, pydantic.Field(min_length=1, strict=True)]
Flag = Annotated[bool, pydantic.Field(strict=True)]
Count = Annotated[int, pydantic.Field(ge=1, le=1_000_000, strict=True)]
Iterations = Annotated[int, pydantic.Field(ge=1, le=100_000_000, strict=True)]
Replicates = Annotated[int, pydantic.Field(ge=1, le=2_500, strict=True)]
"""As many as there are seeds for (see `studies.study.seeds`)."""
Positive = Annotated[float, pydantic.Field(gt=0, strict=True)]


def strict(cls: type[T]) -> type[T]:
    """Class decorator over a dataclass: what it is given is validated by its annotations.

    Raises ConfigurationError, in one sentence, for an unknown or missing field and for a value out of range.
    The class stays a dataclass: `dataclasses.replace` validates again.
    """
    known = [each for each in fields(cls) if each.init]  # type: ignore[arg-type]
    hints = get_type_hints(cls, include_extras=True)
    config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, allow_inf_nan=False)
    needed: dict[str, Any] = {
        each.name: (hints[each.name], ... if _required(each) else None) for each in known
    }
    model = create_model(cls.__name__, __config__=config, **needed)
    names = [each.name for each in known]
    made: Callable[..., None] = cls.__init__

    @wraps(made)
    def checked(self: T, *given: Any, **named: Any) -> None:
        if len(given) > len(names):
            raise TypeError(f"{cls.__name__} takes {counted(len(names), 'value')}, but got {len(given)}")
        values = {**dict(zip(names, given, strict=False)), **named}
        try:
            valid = model.model_validate(values)
        except ValidationError as error:
            raise explain(error, names, f"{_label(cls, values)}: ") from None
        made(self, **{name: getattr(valid, name) for name in values})

    cls.__init__ = checked  # type: ignore[method-assign, assignment]
    return cls


def _required(each: Field[Any]) -> bool:
    return each.default is MISSING and each.default_factory is MISSING


def _label(cls: type, values: dict[str, Any]) -> str:
    """What the definition is called in a message: its name, where it has one."""
    name = values.get("name")
    return name if isinstance(name, str) and name else cls.__name__
