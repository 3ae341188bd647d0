"""A trained field as a `torch.export` program, which runs without this package."""

from __future__ import annotations

from pathlib import Path

import torch

from dgm_core.training.model import load_solution

MOST_POINTS = 1 << 24
"""That one call of an exported program takes."""


def export_program(model: Path, path: Path) -> None:
    """Writes the field that `save_model` saved as a program: (K, n, d) -> (K, n, q), float64, any n ≥ 1.

    `torch.export.load(path).module()` reads it; it needs torch alone.  Raises ConfigurationError where the
    model cannot be read.
    """
    solution = load_solution(model)
    replicates, axes = len(solution.seeds), len(solution.setup.problem.inputs)
    example = torch.zeros(replicates, 7, axes, dtype=torch.float64)
    points = torch.export.Dim("points", min=1, max=MOST_POINTS)
    program = torch.export.export(solution, (example,), dynamic_shapes=({1: points},))
    torch.export.save(program, path)
