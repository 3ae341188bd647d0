"""Refusals: one sentence with the key, the value and what is allowed."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from dgm_core.errors import ConfigurationError, explain, unknown


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    size: int = Field(default=1, ge=1)
    name: str = "a"

    @field_validator("name")
    @classmethod
    def _named(cls, value: str) -> str:
        if value == "z":
            raise ConfigurationError("the name 'z' is taken.")
        return value


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"size": 0}, "run.size = 0 is not allowed: input should be greater than or equal to 1"),
        ({"siz": 2}, "unknown key 'run.siz': it must be one of run.name, run.size. Did you mean 'run.size'?"),
        ({"name": "z"}, "the name 'z' is taken."),
        ({"size": 0, "name": "z"}, "run.size = 0 is not allowed: input should be greater than or equal to 1"),
    ],
)
def test_a_validation_error_becomes_one_sentence(values, sentence):
    with pytest.raises(ValidationError) as raised:
        Settings(**values)
    error = explain(raised.value, Settings.model_fields, prefix="run.")
    assert isinstance(error, ConfigurationError)
    assert str(error) == sentence


def test_whose_key_is_unknown_is_said_once():
    with pytest.raises(ValidationError) as raised:
        Settings(siz=2)
    error = explain(raised.value, Settings.model_fields, prefix="my study: ")
    assert str(error) == "my study: unknown key 'siz': it must be one of name, size. Did you mean 'size'?"


def test_an_unknown_name_far_from_all_gets_no_hint():
    assert str(unknown("shape", "xyz", ["b", "a"])) == "unknown shape 'xyz': it must be one of a, b."


def test_it_is_a_value_error():
    """So that pydantic reports it as a complaint about a value."""
    assert issubclass(ConfigurationError, ValueError)
