"""Classes with parameters, some of which may be constants that are trained: what every problem is."""

from __future__ import annotations

import copy
import inspect
import itertools
from abc import ABC, ABCMeta
from collections.abc import Mapping
from typing import Any, ClassVar, Self, TypeVar

from dgm_core.errors import ConfigurationError, unknown
from dgm_core.extensions import in_own_words
from dgm_core.formulation.parameters import built_by_hand, field_names, make_dataclass
from dgm_core.formulation.trained import BOUND, Known, Trained, Values, trained_in

T = TypeVar("T", bound="Parametrised")

_NUMBER = "_number"
"""Where an instance with an `__init__` of its author's keeps what tells it from others."""
_numbers = itertools.count()


class _Examining(ABCMeta):
    """Examines each instance once it is complete, whatever `__init__` its class has."""

    def __call__(cls: type[T], *arguments: Any, **parameters: Any) -> T:  # type: ignore[misc]
        if (arguments or parameters) and built_by_hand(cls):
            raise _unrecorded(cls)
        instance: T = ABCMeta.__call__(cls, *arguments, **parameters)
        if built_by_hand(cls):
            instance.__dict__[_NUMBER] = next(_numbers)
        instance.examine()
        return instance


class Parametrised(ABC, metaclass=_Examining):
    """The annotated fields of a subclass's subclasses are their parameters: validated and frozen.

    A field that is `Trained` is a constant with a value for each replicate, which training fits.
    """

    name: ClassVar[str]

    def __new__(cls, *arguments: Any, **parameters: Any) -> Self:
        make_dataclass(cls, Parametrised)
        return super().__new__(cls)

    def __post_init__(self) -> None:
        """Called by the `__init__` that is made of the fields; a subclass's may refuse what they say."""

    def examine(self) -> None:
        """Refuses an instance that contradicts itself.  Raises ConfigurationError."""

    @property
    def identity(self) -> str:
        """What tells the instance from others of its class: its parameters and the values of its constants.

        One whose class has an `__init__` of its author's may differ in more, and is like no other.
        """
        names = dict.fromkeys([*field_names(self), *type(self).trained()])
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{self.__dict__[_NUMBER]}: {values}" if built_by_hand(type(self)) else values

    def parameters(self) -> dict[str, Any]:
        """The parameters by name, as plain values."""
        constants = type(self).trained()
        return {
            name: constants[name].start_of(self) if name in constants else getattr(self, name)
            for name in field_names(self)
        }

    @classmethod
    def trained(cls) -> dict[str, Trained]:
        """The unknown constants by name: those that are trained beside the network."""
        return trained_in(cls)

    def bound(self, values: Values) -> Self:
        """The same problem, in which `values` stand for the trained constants; it is not checked again."""
        bound = copy.copy(self)
        bound.__dict__[BOUND] = values
        return bound

    def with_true_constants(self) -> Self:
        """The same problem with the true values of its trained constants, and the starts of others."""
        constants = type(self).trained()
        if not constants:
            return self
        truths = {
            name: constant.start_of(self) if constant.truth is None else constant.truth
            for name, constant in constants.items()
        }
        return self.bound(Known(truths))

    def with_constants_at(self, factor: float) -> Self:
        """The same problem with numbers for its trained constants: `factor` times where each starts."""
        constants = type(self).trained()
        if not constants:
            return self
        starts = {name: constant.start_of(self) for name, constant in constants.items()}
        return self.bound(Known({name: factor * start or factor - 1.0 for name, start in starts.items()}))

    @classmethod
    def create(cls, parameters: Mapping[str, Any]) -> Self:
        """The problem with the given parameters.

        Raises ConfigurationError in one sentence, for a class of a user's file with file and line.
        """
        try:
            return cls._created(parameters)
        except ConfigurationError as error:
            raise in_own_words(error, cls) from None

    @classmethod
    def _created(cls, parameters: Mapping[str, Any]) -> Self:
        if inspect.isabstract(cls):
            lacking = sorted(cls.__abstractmethods__)
            example = ", as in domain = Box(x=(0.0, 1.0))" if "domain" in lacking else ""
            raise ConfigurationError(
                f"{cls.__name__} lacks {', '.join(lacking)}: write it in the class{example}."
            )
        make_dataclass(cls, Parametrised)
        allowed = field_names(cls)
        if parameters and built_by_hand(cls):
            raise _unrecorded(cls)
        for key in parameters:
            if key not in allowed:
                if isinstance(vars(cls).get(key), bool | int | float | str):
                    raise _unannotated(cls, key)
                if not allowed:
                    raise ConfigurationError(f"unknown key 'problem.{key}': {cls.name} has no parameters.")
                raise unknown("key", f"problem.{key}", [f"problem.{name}" for name in allowed])
        return cls(**parameters)


def _unannotated(cls: type[Parametrised], key: str) -> ConfigurationError:
    value = vars(cls)[key]
    return ConfigurationError(
        f"unknown key 'problem.{key}': it is no parameter of {cls.name}, as its type is missing; write "
        f"`{key}: {type(value).__name__} = {value!r}` in the class."
    )


def _unrecorded(cls: type[Parametrised]) -> ConfigurationError:
    return ConfigurationError(
        f"{cls.__name__} cannot be given parameters, as it has an `__init__` of its own: write each as a "
        "field of the class, `speed: float = 1.0`, so that it is checked and recorded."
    )
