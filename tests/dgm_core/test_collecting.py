"""Imports are not looked through for garbage, and all else is as before."""

from __future__ import annotations

import gc

import pytest

from dgm_core.collecting import uncollected


@pytest.fixture(autouse=True)
def collector():
    yield
    gc.unfreeze()
    gc.enable()


def test_what_is_made_in_the_block_is_not_looked_at_again() -> None:
    with uncollected():
        assert not gc.isenabled()
        made = [[] for _ in range(1000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= len(made)


def test_an_error_leaves_the_collector_as_it_was() -> None:
    with pytest.raises(ImportError), uncollected():
        raise ImportError
    assert gc.isenabled()


def test_a_collector_that_is_off_stays_so() -> None:
    gc.disable()
    with uncollected():
        pass
    assert not gc.isenabled()
    assert gc.get_freeze_count() == 0
