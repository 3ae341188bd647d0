"""Classes with parameters, some of which may be constants that are trained: what every problem is."""

from __future__ import annotations

import copy
import inspect
from abc import ABC
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from dgm_core.errors import ConfigurationError, unknown
from dgm_core.extensions import in_own_words
from dgm_core.formulation.parameters import field_names, make_dataclass
from dgm_core.formulation.trained import BOUND, Known, Trained, Values, trained_in


class Parametrised(ABC):
    """The annotated fields of a subclass's subclasses are their parameters: validated and frozen.

    A field that is `Trained` is a constant with a value for each replicate, which training fits.
    """

    name: ClassVar[str]

    def __new__(cls, *arguments: Any, **parameters: Any) -> Self:
        make_dataclass(cls, Parametrised)
        return super().__new__(cls)

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
            lacking = ", ".join(sorted(cls.__abstractmethods__))
            raise ConfigurationError(f"{cls.__name__} lacks {lacking}.")
        make_dataclass(cls, Parametrised)
        allowed = field_names(cls)
        for key in parameters:
            if key not in allowed:
                if not allowed:
                    raise ConfigurationError(f"unknown key 'problem.{key}': {cls.name} has no parameters.")
                raise unknown("key", f"problem.{key}", [f"problem.{name}" for name in allowed])
        return cls(**parameters)
