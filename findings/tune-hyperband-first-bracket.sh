#!/usr/bin/env bash
# ray[tune] 2.60.0: the first trials of HyperBandScheduler are never stopped.
# Expected: as in the Hyperband paper (Li et al., 2018), the first bracket is the one that begins with the shortest
# trainings and halves most often, so that bad trials end after a few iterations.
# Happens: brackets come in the opposite order.  The first, as large as there are brackets, has no halving at all: a
# study of no more trials than that trains each of them to its end.
# Seen: with max_t=27 and a reduction factor of 3, "4 trials ended after [27, 27, 27, 27] iterations" and
# "10 trials ended after [27, 27, 27, 27, 27, 27, 9, 9, 9, 9] iterations".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "ray[tune]==2.60.0"
mkdir "$folder/home"
unset RAY_ADDRESS
HOME="$folder/home" RAY_USAGE_STATS_ENABLED=0 RAY_AIR_NEW_OUTPUT=0 "$folder/venv/bin/python" - <<'PYTHON'
import logging
import os
import sys

import ray
from ray import tune
from ray.tune.schedulers import HyperBandScheduler

ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
print("ray", ray.__version__)


class Steady(tune.Trainable):
    """A loss that depends on the trial alone."""

    def setup(self, config):
        self.loss = config["loss"]

    def step(self):
        return {"loss": self.loss}

    def save_checkpoint(self, folder):
        return {"loss": self.loss}

    def load_checkpoint(self, state):
        self.loss = state["loss"]


def iterations(trials):
    results = tune.Tuner(
        Steady,
        param_space={"loss": tune.grid_search([float(number) for number in range(trials)])},
        tune_config=tune.TuneConfig(
            metric="loss", mode="min", scheduler=HyperBandScheduler(max_t=27, reduction_factor=3)
        ),
        run_config=tune.RunConfig(storage_path=os.environ["HOME"], verbose=0, stop={"training_iteration": 27}),
    ).fit()
    ended = sorted((result.config["loss"], result.metrics["training_iteration"]) for result in results)
    print(trials, "trials ended after", [count for _, count in ended], "iterations")
    return [count for _, count in ended]


few, more = iterations(4), iterations(10)
sys.exit(0 if few == [27] * 4 and more[:4] == [27] * 4 and min(more[4:]) < 27 else 1)
PYTHON
