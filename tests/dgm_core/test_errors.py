"""Refusals: one sentence with the key, the value and what is allowed."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from dgm_core.errors import ConfigurationError, explain, listed, unknown


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
    assert str(unknown("shape", "ab", ["abc"])) == "unknown shape 'ab': it must be abc."


STUDIES = [*(f"heat-{letter}" for letter in "abcdefghijklmnop"), "heat-search", "wave-second-order-search"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("wave-search", " Did you mean 'wave-second-order-search'?"),
        ("search", " Did you mean 'heat-search' or 'wave-second-order-search'?"),
        ("heat-serch", " Did you mean 'heat-search'?"),
        ("Heat-Search", " Did you mean 'heat-search'?"),
        ("heat-", " Did you mean 'heat-a', 'heat-b' or 'heat-c'?"),
        ("xyz", ""),
    ],
)
def test_of_many_names_the_nearest_are_told_and_where_the_list_is(name: str, hint: str) -> None:
    assert str(unknown("study", name, STUDIES)) == (
        f"unknown study {name!r}.{hint} `dgm list studies` lists all 18."
    )


def test_many_names_without_a_list_are_cut_short() -> None:
    told = str(unknown("trial of this run", "7", [f"{i:03}" for i in range(40)]))
    assert told.endswith("014, 015 and 24 more.")


def test_it_is_a_value_error():
    """So that pydantic reports it as a complaint about a value."""
    assert issubclass(ConfigurationError, ValueError)


def test_a_long_value_is_cut_short() -> None:
    said = str(unknown("key", "x" * 5_000, ["width"]))
    assert len(said) < 200
    assert "xxx…:" in said


@pytest.mark.parametrize(
    ("names", "said"), [(["a"], "a"), (["a", "b"], "a or b"), (("a", "b", "c"), "a, b or c")]
)
def test_names_are_listed_as_a_sentence_has_them(names: list[str], said: str) -> None:
    assert listed(names, "or") == said
    assert listed(names) == said.replace("or", "and")
