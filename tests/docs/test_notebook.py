"""The notebook of the documentation runs from its first cell to its last."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "own_equation.ipynb"


@pytest.mark.ray
def test_the_notebook_runs(tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells)  # none is kept: they are made here
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    shown = [
        "".join(str(value) for value in output.get("data", {}).values()) + output.get("text", "")
        for cell in notebook.cells
        for output in cell.get("outputs", [])
    ]
    text = "\n".join(shown)
    assert "does not satisfy its term 'interior'" in text
    assert re.search(r"drum-search: (\d+) of \1 trials ended", text)  # the live table
    assert "drum-search" in text
    assert any("image/png" in o.get("data", {}) for c in notebook.cells for o in c.get("outputs", []))
    assert "shape" not in shown[-1]
    assert shown[-1].startswith("tensor([")
