"""How likely the winner is the best of those confirmed, against worlds whose best is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.chances import probability_best


def by_seed(values: list[float], first: int = 11) -> pd.Series:
    return pd.Series(values, index=range(first, first + len(values)))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_equal_errors_share_and_clear_ones_decide(rng: np.random.Generator) -> None:
    noisy = by_seed([1.0, 1.2, 0.9, 1.4, 1.1, 1.0])
    assert probability_best({"a": noisy, "b": noisy}, {}, rng) == [0.5, 0.5]
    other = noisy.sample(frac=1.0, random_state=1).set_axis(noisy.index)
    won, lost = probability_best({"a": noisy, "b": 10 * other}, {}, rng)
    assert won > 0.999
    assert won + lost == pytest.approx(1.0)


def test_what_the_search_saw_counts_too(rng: np.random.Generator) -> None:
    """Confirmed alike, and better in the search: likelier the better one."""
    one, two = by_seed([1.0, 1.3, 0.8, 1.2]), by_seed([1.3, 1.0, 1.2, 0.8])
    alone, _ = probability_best({"a": one, "b": two}, {}, rng)
    seen = {"b": [2.0, 2.2, 1.8], "a": [1.0, 1.1, 1.2], "c": [4.0, 4.2, 4.5]}
    seen = {name: by_seed(values, 1) for name, values in seen.items()}
    both, _ = probability_best({"a": one, "b": two}, seen, rng)
    assert alone == pytest.approx(0.5, abs=0.05)
    assert both > 0.8
    lacking, _ = probability_best({"a": one, "b": two}, {"c": seen["c"], "a": seen["a"]}, rng)
    assert lacking == pytest.approx(alone, abs=0.03)


def test_diverged_seeds_count_against_a_setting(rng: np.random.Generator) -> None:
    one, two = by_seed([1.0, 1.3, 0.8, 1.2, 1.1]), by_seed([1.3, 1.0, 1.2, 0.8, 1.1])
    once = two.replace(1.3, np.inf)
    mostly = once.replace({1.0: np.inf, 1.2: np.inf})
    (before, _), (after, _) = (probability_best({"a": one, "b": b}, {}, rng) for b in (two, once))
    assert after >= before - 0.03
    assert probability_best({"a": one, "b": mostly}, {}, rng) == [1.0, 0.0]
    assert probability_best({"a": mostly, "b": mostly}, {}, rng) == [0.5, 0.5]
    assert np.isnan(probability_best({"a": one, "b": two.set_axis(range(5))}, {}, rng)).all()


@pytest.mark.parametrize("noise", ["normal", "laplace"])
@pytest.mark.parametrize(("between", "seeds"), [(0.2, 5), (1.0, 10)])
def test_over_many_searches_it_is_as_often_right_as_it_says(noise: str, between: float, seeds: int) -> None:
    """The best three of ten settings that a search saw with three seeds, confirmed with more."""
    rng = np.random.default_rng(1)
    said, was = [], []
    for _ in range(250):
        levels = rng.normal(scale=between, size=10)
        draw = getattr(rng, noise)
        scale = 0.5 if noise == "normal" else 0.5 / np.sqrt(2)
        seen = levels[:, None] + draw(scale=scale, size=(10, 3)) + rng.normal(scale=0.3, size=3)
        top = np.median(seen, axis=1).argsort()[:3]
        fresh = levels[top, None] + draw(scale=scale, size=(3, seeds)) + rng.normal(scale=0.3, size=seeds)
        searched = {str(k): by_seed(list(np.exp(row)), 1) for k, row in enumerate(seen)}
        confirmed = {str(k): by_seed(list(np.exp(row))) for k, row in zip(top, fresh, strict=True)}
        said.append(probability_best(confirmed, searched, rng)[0])
        was.append(levels[top].argmin() == 0)
    error = np.std(was) / np.sqrt(len(was))
    assert abs(np.mean(said) - np.mean(was)) < 2.5 * error


def test_one_seed_says_nothing_of_another(rng: np.random.Generator) -> None:
    one = {name: pd.Series([error]) for name, error in (("a", 1.0), ("b", 2.0), ("c", np.inf))}
    assert np.isnan(probability_best({name: one[name] for name in "ab"}, {}, rng)).all()
    chances = probability_best(one, {}, rng)
    assert np.isnan(chances[:2]).all()
    assert chances[2] == 0.0


def test_seeds_without_an_error_are_not_shared(rng: np.random.Generator) -> None:
    whole = {"a": pd.Series([1.0, 2.0, 3.1]), "b": pd.Series([2.0, 1.9, 3.0])}
    gaps = {"a": pd.Series([1.0, 2.0, 3.1, np.nan]), "b": pd.Series([2.0, 1.9, 3.0, 1.0])}
    expected = probability_best(whole, whole, np.random.default_rng(1))
    assert probability_best(gaps, gaps, np.random.default_rng(1)) == expected
