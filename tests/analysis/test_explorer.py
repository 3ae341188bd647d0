"""The page explores itself: what it holds, offline, and what a browser makes of it."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
import re
import shutil
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis import citing, explorer, settings, sources
from analysis.load import Run, load_run
from analysis.plots.solved import headline
from analysis.report import make_report
from analysis.scores import trial_scores
from dgm_core import PROBLEMS
from studies import records
from tests.analysis import synthetic_shapes


def unpacked(text: str) -> str:
    return gzip.decompress(base64.b64decode(text)).decode()


def held(run: Run, copies: dict[str, dict[str, str]] | None = None) -> dict[str, Any]:
    return json.loads(unpacked(explorer.data(run, copies or {})))


@pytest.fixture
def search(run: Callable[[str], Run]) -> Run:
    """A search whose trials have their setups recorded, as real ones have."""
    found = run("search")
    setup = {"problem": "heat", "parameters": {"diffusivity": 1.0}, "config": {"depth": 3, "gain": None}}
    study = found.study.model_copy(update={"setups": {"t03": setup}})
    return Run(found.folder, study, found.trials)


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        ({}, ["Optuna's TPE (multivariate)", "ASHA looked at them"]),
        (
            {"sampler": "tpe-univariate", "startup_trials": 8},
            ["Optuna's TPE (a model for each setting)", "the first 8 at random"],
        ),
        (
            {"sampler": {"function": "mine"}, "early_stopping": {"function": "theirs"}},
            ["The user-defined sampler mine suggested", "The user-defined early stopping rule theirs"],
        ),
        (
            {"sampler": {"function": "tpe"}, "early_stopping": {"function": "asha"}, "startup_trials": 8},
            ["The user-defined sampler tpe suggested 24 trials.", "The user-defined early stopping rule"],
        ),
        (
            {"early_stopping": {"function": "none"}},
            ["Optuna's TPE (multivariate)", "The user-defined early stopping rule none decided"],
        ),
        (
            {"sampler": "gp", "early_stopping": "none"},
            ["The sampler gp suggested", "No trial was stopped early"],
        ),
        (
            {"sampler": "qmc", "early_stopping": "median"},
            ["The sampler qmc", "The early stopping rule median"],
        ),
    ],
)
def test_the_report_names_the_sampler_and_the_rule_that_were_used(
    definition: dict[str, Any], said: list[str], search: Run
) -> None:
    study = search.study.model_copy(update={"definition": {**search.study.definition, **definition}})
    told = settings.sampled(Run(search.folder, study, search.trials))
    assert all(part in told for part in said), told


def test_a_users_function_with_a_known_name_is_not_cited(search: Run) -> None:
    for definition in (
        {"sampler": {"function": "tpe"}, "early_stopping": {"function": "asha"}},
        {"order": "arrival", "searcher": {"function": "optuna"}, "scheduler": {"function": "asha"}},
    ):
        study = search.study.model_copy(update={"definition": {**search.study.definition, **definition}})
        works = re.findall(r"@\w+\{(\w+),", citing.bibtex(Run(search.folder, study, search.trials)))
        assert not {"bergstra2011tpe", "li2020asha"} & set(works)
        assert ("akiba2019optuna" in works) == ("order" not in definition)


def test_every_difference_of_winner_and_baseline_is_told(copied: Callable[[str], Path]) -> None:
    """What no trial varied too: a schedule, scaled inputs, averaged weights."""
    path = copied("search")
    study = json.loads((path / records.STUDY).read_text())
    study["winner"]["config"] |= {"schedule": "cosine", "averaging": 0.99, "iterations": 15_000}
    study["confirmed_baseline"]["config"] |= {"schedule": "constant", "averaging": 0.0}
    (path / records.STUDY).write_text(json.dumps(study))
    table = settings.differences(load_run(path)).set_index("setting")
    assert list(table.loc["schedule"]) == ["constant", "cosine", "same in all trials"]
    assert list(table.loc["averaging"]) == ["0", "0.99", "same in all trials"]
    assert list(table.loc["batch size (points)"]) == ["64", "214", "searched"]
    assert "activation" not in table.index


def test_the_space_and_the_sampler_are_told(run: Callable[[str], Run]) -> None:
    table = settings.space_table(run("search")).set_index("setting")
    assert list(table.loc["learning rate"]) == ["numbers from 0.0001 to 0.1", "logarithmic"]
    assert list(table.loc["activation"]) == ["tanh, relu", "choice"]
    said = settings.sampled(run("search"))
    assert "ASHA looked at them at iterations 500 and 1000, and stopped those not among the best 1/2" in said
    assert settings.sampled(run("batch-size")) == ""


def test_an_ablation_tells_what_its_arms_change(run: Callable[[str], Run]) -> None:
    table = settings.differences(run("batch-norm"))
    assert list(table.columns) == ["arm", "batch normalization", "activation"]
    assert table.iloc[0, 0] == "batch_norm=none, activation=tanh (baseline)"


def test_the_explorer_holds_what_the_tables_hold(search: Run) -> None:
    found = held(search)
    expected = trial_scores(search.phase("search", "confirm")).set_index("trial")
    assert {one["trial"] for one in found["trials"]} == set(expected.index)
    for one in found["trials"]:
        score = expected.loc[one["trial"], "score"]
        assert one["score"] == (pytest.approx(score, rel=1e-5) if score < float("inf") else None)
        assert one["status"] == expected.loc[one["trial"], "status"]
    assert [one["key"] for one in found["settings"]][:4] == list(search.study.space)
    assert {one["key"] for one in found["settings"] if one["log"]} == {"learning_rate"}
    stopped = next(one for one in found["trials"] if one["status"] == "stopped")
    assert [look["stopped"] for look in stopped["looks"]] == [True]


def test_a_trial_has_its_settings_as_toml_and_its_command(search: Run) -> None:
    one = next(one for one in held(search)["trials"] if one["trial"] == "t03")
    setup = search.study.setups["t03"]
    assert tomllib.loads(one["toml"]) == {**setup, "config": {"depth": 3}}  # TOML has no null
    assert one["command"] == "dgm rerun results/heat-search/first --trial t03"


@pytest.mark.parametrize("out", ["--out 'my runs'", "'--out=my runs'"])
def test_a_runs_command_names_the_folder_that_it_was_given(search: Run, out: str) -> None:
    study = search.study.model_copy(update={"command": f"dgm run heat-search {out}"})
    found = held(replace(search, study=study))
    assert found["folder"] == "my runs/heat-search/first"
    assert found["trials"][0]["command"].startswith("dgm rerun 'my runs/heat-search/first' --trial ")


def test_solutions_and_curves_are_those_of_the_records(search: Run) -> None:
    found = held(search)
    winner = next(one for one in found["solutions"] if one["name"] == "winner")
    solved = headline(search, "winner")
    assert solved is not None
    assert winner["prediction"] == pytest.approx(list(solved.prediction("u")), rel=1e-5)
    assert [one["name"] for one in found["solutions"]] == ["winner", "baseline"]
    best = min(
        (one for one in found["trials"] if one["phase"] == "search" and one["score"]),
        key=lambda one: one["score"],
    )
    assert found["curves"][best["trial"]]["y"][-1] == pytest.approx(best["score"], rel=1e-3)


@pytest.mark.parametrize("shape", ["system", "space and time", "three axes", "seven axes", "no reference"])
def test_solutions_of_any_number_of_axes_are_shown(shape: str, tmp_path: Path) -> None:
    found = synthetic_shapes.solved_run(tmp_path / "run", shape)
    shown = held(found)["solutions"]
    axes, outputs = list(found.study.axes), found.study.outputs
    assert [one["name"] for one in shown] == (
        ["paper"] if len(outputs) == 1 else [f"paper, {o}" for o in outputs]
    )
    for one in shown:
        assert one["axes"] == axes
        assert one["ends"] == [pytest.approx(list(ends), rel=1e-5) for ends in found.study.axes.values()]
        assert {len(values) for values in [*one["points"], one["prediction"]]} == {len(one["prediction"])}
        assert (one["reference"] is None) == (shape == "no reference")
        assert one["grid"] == (len(axes) < 3)


def test_the_page_fits_and_needs_nothing_else(copied: Callable[[str], Path]) -> None:
    path = copied("search")
    make_report(path)
    text = (path / records.REPORT).read_text()
    assert len(text) < 10_000_000
    assert re.findall(r"(?:src|href)=\"(?!data:)", text) == []
    heads = re.findall(r"<h2>(.*?)</h2>", text)
    assert heads == [
        "Answer",
        "Settings",
        "Why to trust it",
        "Explore",
        "All tables and figures",
        "How it was run",
    ]
    packed = re.search(r'id="packed-data">(.*?)</script>', text)
    assert packed is not None
    copies = json.loads(unpacked(packed[1]))["copies"]["trials"]
    assert copies["csv"] == (path / records.TABLES / "trials.csv").read_text()
    assert len(list(csv.reader(io.StringIO(copies["csv"])))) == 27
    alts = re.findall(r'alt="(.*?)"', text)
    assert all(len(alt) > 40 for alt in alts)
    assert re.search(
        r'<figure tabindex="0">\n<img[^>]*alt="Confirmed, the winner&#39;s MAE is 1.1×10⁻⁴', text
    )


def test_what_is_used_is_cited(run: Callable[[str], Run]) -> None:
    works = re.findall(r"@\w+\{(\w+),", citing.bibtex(run("search")))
    assert {"akiba2019optuna", "li2020asha", "liaw2018tune"} <= set(works)
    assert "li2020asha" not in citing.bibtex(run("batch-size"))
    text = citing.methods(run("search"))
    assert "suggested 24 trials" in text
    assert "trained again on 5 fresh seeds" in text
    assert "torch 2.13.0" in text


@pytest.fixture
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or pytest.skip("no chromium on the PATH")
    with api.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.mark.browser
def test_a_browser_sorts_filters_and_chooses_offline(copied: Callable[[str], Path], browser: Any) -> None:
    path = copied("search")
    make_report(path)
    page = browser.new_page(viewport={"width": 390, "height": 800}, color_scheme="dark")
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.context.set_offline(True)
    page.goto((path / records.REPORT).as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.click("#explorer > summary")
    page.wait_for_selector("#panels:not([hidden])")
    assert page.locator("#count").inner_text() == "26 of 26 trials"
    page.fill("#filter", "diverged")
    assert page.locator("#trials tbody tr").count() == 1
    page.fill("#filter", "")
    first = page.locator("#trials tbody button").first
    assert first.inner_text().startswith("confirm-winner")  # the lowest score
    page.get_by_role("button", name="learning rate", exact=True).press("Enter")
    rates = [float(cell.inner_text()) for cell in page.locator("#trials tbody tr td:nth-child(5)").all()]
    assert rates == sorted(rates)
    page.locator("#trials tbody button", has_text="t05").press("Enter")
    assert "dgm rerun results/heat-search/first --trial t05" in page.locator("#detail").inner_text()
    for name in ("own-curve", "slice", "curves", "profile", "error-map"):
        page.locator(f"#{name}").scroll_into_view_if_needed()
        page.wait_for_selector(f"#{name} svg.main-svg")
    assert said == []


@pytest.mark.browser
def test_each_further_axis_has_a_slider_whose_place_is_named(tmp_path: Path, browser: Any) -> None:
    run = synthetic_shapes.solved_run(tmp_path / "run", "three axes")
    make_report(run.folder)
    page = browser.new_page(viewport={"width": 820, "height": 800})
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto((run.folder / records.REPORT).as_uri())
    page.click("#explorer > summary")
    page.wait_for_selector("#panels:not([hidden])")
    page.locator("#profile").scroll_into_view_if_needed()
    page.wait_for_selector("#error-map svg.main-svg")
    said = page.locator("#profile-said")
    assert said.inner_text().startswith("paper: u along x at y = 1, t = 2.5, at most ")
    page.locator("#sliders input").nth(1).press("ArrowRight")
    assert said.inner_text().startswith("paper: u along x at y = 1, t = 2.625, ")
    assert "over x and y at t = 2.625: 250 points" in page.locator("#map-said").inner_text()
    page.select_option("#across", label="t")
    assert [one.get_attribute("data-axis") for one in page.locator("#sliders input").all()] == ["x", "y"]
    assert said.inner_text().startswith("paper: u along t at x = 0.5, y = 1, ")
    assert wrong == []


@pytest.mark.browser
def test_axe_finds_nothing_serious_in_the_page(copied: Callable[[str], Path], browser: Any) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    path = copied("search")
    make_report(path)
    for scheme in ("light", "dark"):
        page = browser.new_page(color_scheme=scheme)
        page.goto((path / records.REPORT).as_uri())
        page.click("#explorer > summary")
        page.wait_for_selector("#panels:not([hidden])")
        page.locator("#trials tbody button").first.click()
        found = axe.Axe().run(page).response["violations"]
        assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []


def test_the_page_on_citing_has_the_entries_of_the_reports() -> None:
    page = (Path(__file__).parents[2] / "docs/citing.md").read_text(encoding="utf-8")
    assert [key for key, text in citing.WORKS.items() if text not in page] == []


def test_a_problem_s_source_is_cited_and_every_one_of_the_program_is_known(run: Callable[[str], Run]) -> None:
    found = run("search")
    cited = replace(found, study=found.study.model_copy(update={"source": "Wazwaz (2011); cosine modes"}))
    assert re.findall(r"@\w+\{(\w+),", citing.bibtex(cited))[-1] == "wazwaz2011integral"
    own = replace(
        found, study=found.study.model_copy(update={"problem": "My plate", "source": "Ada & Bo, eq. 3"})
    )
    assert citing.bibtex(own).endswith("@misc{source-my-plate,\n  note = {Ada \\& Bo, eq. 3}\n}\n")
    for name in PROBLEMS:
        source = PROBLEMS.get(name).source
        works = [key for key, _ in sources.entries(name, source)]
        assert works or not source, name
        assert not [key for key in works if key.startswith("source-")], f"{name}: {source}"
    keys = {text.split("{", 1)[1].split(",", 1)[0] for text in sources.WORKS.values()}
    assert keys == set(sources.WORKS)
