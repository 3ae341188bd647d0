"""Settings from the command line, whatever is typed: a configuration, or one sentence."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dgm_cli.common import parse_settings
from dgm_core import ConfigurationError, Setup, load_problem

BASE = Setup.named(load_problem("heat"))
KEYS = sorted(BASE.flat())
# Training counts subnormal numbers as zero, in this process too where another test has trained.
NUMBERS = st.integers() | st.floats(allow_subnormal=False)
FINITE = st.integers() | st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def refusal(changes: dict[str, Any]) -> str | None:
    """What is said against some changes; None where they are taken."""
    try:
        BASE.changed(changes)
    except ConfigurationError as error:
        return str(error)
    return None


@given(st.lists(st.text(max_size=20), max_size=4))
@settings(max_examples=200)
def test_any_text_is_parsed_or_refused_by_a_sentence(pairs: list[str]) -> None:
    said, parsed = "--set", None
    try:
        parsed = parse_settings(pairs)
    except ConfigurationError as error:
        said = str(error)
    assert "--set" in said
    assert parsed is None or len(parsed) == len(pairs)


@given(st.sampled_from(KEYS), FINITE)
@settings(max_examples=100)
def test_a_number_is_read_as_it_was_written(key: str, value: float) -> None:
    assert parse_settings([f"{key}={json.dumps(value)}"]) == {key: value}


@given(st.sampled_from(KEYS) | st.text(max_size=12), VALUES)
@settings(max_examples=300)
def test_any_value_of_any_key_is_taken_or_refused_by_a_sentence_that_names_the_key(
    key: str, value: Any
) -> None:
    said = refusal({key: value})
    assert said is None or key in said or repr(key) in said
