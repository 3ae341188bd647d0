"""`scripts/calibrate`: how far the cost model is from measured seconds, over many different setups.

The setups are points of a scrambled Sobol sequence over problems, networks, depths, widths, batch sizes,
activations and replicates.  Each is trained for about half a second after its kernels are compiled.  The time
is that of the processor, on one thread, so that other processes on the machine hardly matter.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import torch
import typer
from rich.table import Table
from scipy.stats import qmc

from dgm_cli.common import messages
from dgm_core import Setup, Trainer, load_problem
from studies.cost import iteration_cost

PROBLEMS = (
    *("heat", "exponential-decay", "helmholtz", "burgers"),
    *("advection", "poisson-nd", "fredholm", "klein-gordon"),
)
NETWORKS = ("mlp", "mlp", "resnet", "dgm", "modified-mlp")
ACTIVATIONS = ("tanh", "sin", "sigmoid")
_WARM = 10
_SECONDS = 0.4
_MOST = 2_000


def calibrate(
    setups: Annotated[int, typer.Option(help="How many.")] = 128,
    out: Annotated[Path | None, typer.Option(help="A CSV file of all that was measured.")] = None,
) -> None:
    """Measures, and prints the ratio of measured to modelled time, all together and by kind."""
    torch.set_num_threads(1)
    rows = [_measured(*_drawn(point)) for point in qmc.Sobol(7, seed=0).random(setups)]
    frame = pd.DataFrame(rows)
    if out is not None:
        frame.to_csv(out, index=False)
    table = Table("setups", "n", "median ratio", "5 to 95 %", "within a factor of two")
    groups = [("all", frame)]
    groups += [(str(name), group) for key in ("network", "problem") for name, group in frame.groupby(key)]
    for name, group in groups:
        ratio = group["ratio"].to_numpy(float)
        low, middle, high = np.quantile(ratio, [0.05, 0.5, 0.95])
        near = 100 * float(((ratio > 0.5) & (ratio < 2)).mean())
        table.add_row(name, str(len(group)), f"{middle:.2f}", f"{low:.2f} to {high:.2f}", f"{near:.0f} %")
    messages.print(table)


def _drawn(point: Any) -> tuple[Setup, int]:
    def pick(names: tuple[str, ...], place: float) -> str:
        return names[int(place * len(names))]

    changes = {
        "network": pick(NETWORKS, point[1]),
        "depth": 1 + int(5 * point[2]),
        "width": round(8 * 16 ** point[3]),
        "batch_size": round(2 * 256 ** point[4]),
        "activation": pick(ACTIVATIONS, point[5]),
        "optimizer": "adam",
        "polish": "none",
        "iterations": 5_000,
    }
    setup = Setup.named(load_problem(pick(PROBLEMS, point[0]))).changed(changes)
    return setup, 1 + int(5 * point[6])


def _measured(setup: Setup, replicates: int) -> dict[str, Any]:
    """Milliseconds of processor time for one iteration, beside the model's."""
    trainer = Trainer(setup, list(range(replicates)))
    trainer.advance(_WARM)
    began = time.process_time()
    while time.process_time() - began < _SECONDS and trainer.iteration < _MOST:
        trainer.advance(trainer.iteration + 20)
    taken = 1e3 * (time.process_time() - began) / (trainer.iteration - _WARM)
    model = iteration_cost(setup, replicates)
    config = setup.config
    return {
        "problem": setup.problem.name,
        "network": config.network,
        "replicates": replicates,
        "depth": config.depth,
        "width": config.width,
        "batch_size": config.batch_size,
        "milliseconds": taken,
        "model": model,
        "ratio": taken / model,
    }


if __name__ == "__main__":
    typer.run(calibrate)
