"""The notebooks of the documentation run from their first cells to their last."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

DOCS = Path(__file__).resolve().parents[2] / "docs"


def executed(name: str, folder: Path) -> tuple[list[Any], list[str]]:
    """A notebook's cells with their outputs, and each output as text."""
    notebook = nbformat.read(DOCS / name, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells)  # none is kept: they are made here
    NotebookClient(
        notebook, timeout=900, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    shown = [
        "".join(str(value) for value in output.get("data", {}).values()) + output.get("text", "")
        for cell in notebook.cells
        for output in cell.get("outputs", [])
    ]
    return notebook.cells, shown


def draws(cells: list[Any]) -> bool:
    return any("image/png" in output.get("data", {}) for cell in cells for output in cell.get("outputs", []))


@pytest.mark.ray
def test_ones_own_equation(tmp_path: Path) -> None:
    cells, shown = executed("own_equation.ipynb", tmp_path)
    text = "\n".join(shown)
    assert "does not satisfy its term 'interior'" in text
    assert re.search(r"drum-search: (\d+) of \1 trials ended", text)  # the live table
    assert "drum-search" in text
    assert draws(cells)
    assert "shape" not in shown[-1]
    assert shown[-1].startswith("tensor([")


@pytest.mark.ray
def test_a_run_folder(tmp_path: Path) -> None:
    cells, shown = executed("run_folder.ipynb", tmp_path)
    assert draws(cells)
    (folder,) = tmp_path.glob("results/heat-batch-size/*")
    trials = pd.read_parquet(folder / "trials.parquet")
    assert set(trials["arm"]) == {"1", "64"}
    assert f"{trials['mae'].iloc[0]:.6f}" in shown[-2], "the means of the points are the table's errors"


def test_the_paper_retold(tmp_path: Path) -> None:
    cells, shown = executed("paper_retold.ipynb", tmp_path)
    assert draws(cells)
    (rows,) = [found for text in shown if (found := re.findall(r"(ReLU|tanh) +(\S+) +(\S+)", text))]
    (_, no_solution, low), (_, solution, high) = rows[:2]
    assert float(no_solution) > 0.4 > 0.04 > float(solution)
    assert float(low) < float(high), "the loss says the opposite"
