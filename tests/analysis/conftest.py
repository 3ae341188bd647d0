"""Synthetic run folders, written once a session and copied where a test writes into them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.load import Run, load_run
from tests.analysis import synthetic_runs

MAKERS = {
    "search": synthetic_runs.search_run,
    "batch-size": synthetic_runs.batch_size_run,
    "batch-norm": synthetic_runs.batch_norm_run,
    "two-outputs": synthetic_runs.two_outputs_run,
    "activation": synthetic_runs.activation_run,
    "empty": synthetic_runs.empty_run,
    "single": synthetic_runs.single_run,
}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a synthetic run by its name; for reading only."""
    root = tmp_path_factory.mktemp("runs")

    def get(name: str) -> Path:
        if not (root / name).exists():
            MAKERS[name](root / name)
        return root / name

    return get


@pytest.fixture
def run(folder: Callable[[str], Path]) -> Callable[[str], Run]:
    """A synthetic run, loaded."""
    return lambda name: load_run(folder(name))


@pytest.fixture
def copied(folder: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Path]:
    """A copy of a synthetic run that a test may change."""
    return lambda name: Path(shutil.copytree(folder(name), tmp_path / f"copy-{name}"))
