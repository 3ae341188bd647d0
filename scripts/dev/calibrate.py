"""`scripts/calibrate`: how far the cost model is from measured seconds, over many different setups.

The setups are points of a scrambled Sobol sequence over problems, networks, depths, widths, batch sizes,
activations and replicates: with Adam, or with `--second-order` over the optimizers that work on fixed
points, with smaller networks and more points.  Each is trained for about half a second after its kernels
are compiled.  The time is that of the processor, on one thread, so that other processes on the machine hardly
matter.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import torch
import typer
from rich.table import Table
from scipy.stats import qmc

from dgm_cli.common import messages
from dgm_core import Setup, TrainConfig, Trainer, load_problem
from dgm_core.training.optimizers import OPTIMIZERS, Minimiser
from studies.cost import iteration_cost

PROBLEMS = (
    *("heat", "exponential-decay", "helmholtz", "burgers"),
    *("advection", "poisson-nd", "fredholm", "klein-gordon"),
)
NETWORKS = ("mlp", "mlp", "resnet", "dgm", "modified-mlp")
ACTIVATIONS = ("tanh", "sin", "sigmoid")
_EVERY = ("network", "problem")
_SECOND = ("optimizer", "hard_conditions", *_EVERY)
"""What setups are grouped by."""
_WARM = 10
_SECONDS = 0.4
_MOST = 2_000


def calibrate(
    setups: Annotated[int, typer.Option(help="How many.")] = 128,
    second_order: Annotated[
        bool, typer.Option("--second-order", help="On fixed points, not by Adam.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="A CSV file of all that was measured.")] = None,
) -> None:
    """Measures, and prints the ratio of measured to modelled time, all together and by kind."""
    torch.set_num_threads(1)
    drawn = _drawn_second if second_order else _drawn
    sobol = qmc.Sobol(8 if second_order else 7, seed=0)
    rows = [_measured(*drawn(point)) for point in sobol.random(setups)]
    frame = pd.DataFrame(rows)
    if out is not None:
        frame.to_csv(out, index=False)
    table = Table("setups", "n", "median ratio", "5 to 95 %", "within a factor of two")
    groups = [("all", frame)]
    groups += [
        (f"hard_conditions = {name}" if key == "hard_conditions" else str(name), group)
        for key in (_SECOND if second_order else _EVERY)
        for name, group in frame.groupby(key)
    ]
    for name, group in groups:
        ratio = group["ratio"].to_numpy(float)
        low, middle, high = np.quantile(ratio, [0.05, 0.5, 0.95])
        near = 100 * float(((ratio > 0.5) & (ratio < 2)).mean())
        table.add_row(name, str(len(group)), f"{middle:.2f}", f"{low:.2f} to {high:.2f}", f"{near:.0f} %")
    messages.print(table)


def _pick(names: Sequence[str], place: float) -> str:
    return names[int(place * len(names))]


def _drawn(point: Any) -> tuple[Setup, int]:
    changes = {
        "network": _pick(NETWORKS, point[1]),
        "depth": 1 + int(5 * point[2]),
        "width": round(8 * 16 ** point[3]),
        "batch_size": round(2 * 256 ** point[4]),
        "activation": _pick(ACTIVATIONS, point[5]),
        "optimizer": "adam",
        "polish": "none",
        "iterations": 5_000,
    }
    setup = Setup.named(load_problem(_pick(PROBLEMS, point[0]))).changed(changes)
    return setup, 1 + int(5 * point[6])


def _drawn_second(point: Any) -> tuple[Setup, int]:
    """With hard conditions in every other setup, where the problem has them."""
    problem = load_problem(_pick(PROBLEMS, point[0]))
    minimisers = [name for name in OPTIMIZERS if issubclass(OPTIMIZERS.get(name), Minimiser)]
    config = {
        "network": _pick(NETWORKS, point[1]),
        "depth": 1 + int(3 * point[2]),
        "width": round(6 * 6 ** point[3]),
        "batch_size": round(30 * 50 ** point[4]),
        "activation": "sin" if point[5] < 0.5 else "tanh",
        "hard_conditions": bool(problem.hard_terms) and int(4 * point[5]) % 2 == 1,
        "optimizer": _pick(minimisers, point[7]),
        "sampler": "sobol",
        "iterations": 5_000,
    }
    return Setup(problem, TrainConfig.create(config)), 1 + int(5 * point[6])


def _measured(setup: Setup, replicates: int) -> dict[str, Any]:
    """Milliseconds of processor time for one iteration, beside the model's."""
    trainer = Trainer(setup, list(range(replicates)))
    warm, stride = (4, 1) if setup.config.descends else (_WARM, 20)
    trainer.advance(warm)
    began = time.process_time()
    while time.process_time() - began < _SECONDS and trainer.iteration < _MOST and not trainer.done:
        trainer.advance(trainer.iteration + stride)
    taken = 1e3 * (time.process_time() - began) / (trainer.iteration - warm)
    model = iteration_cost(setup, replicates)
    config = setup.config
    return {
        "problem": setup.problem.name,
        "optimizer": config.optimizer,
        "hard_conditions": config.hard_conditions,
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
