#!/usr/bin/env bash
# ray[tune] 2.60.0: with a searcher, HyperBandScheduler stops no trial at all on a machine of few cores.
# Expected: Hyperband stops the same share of trials however many of them train at once; fewer workers only take longer.
# Happens: a bracket counts the trials that are alive, and one that ends makes room for the next.  A searcher is asked
# for one trial ahead, so that the first bracket, which halves nothing, never fills where fewer trials train at once
# than it holds: all trials join it, and each trains to its end.
# Seen: with max_t=81 and a reduction factor of 3 (the first bracket holds 5), "2 cores: 24 of 24 trials ran to
# their end"; on 6 cores "6 cores: 15 of 24 trials ran to their end" (the number depends on which are faster).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "ray[tune]==2.60.0" "optuna==5.0.0"
mkdir "$folder/home"
unset RAY_ADDRESS
HOME="$folder/home" RAY_USAGE_STATS_ENABLED=0 RAY_AIR_NEW_OUTPUT=0 "$folder/venv/bin/python" - <<'PYTHON'
import logging
import os
import sys
import time

import ray
from ray import tune
from ray.tune.schedulers import HyperBandScheduler
from ray.tune.search.optuna import OptunaSearch

ray.init(address="local", num_cpus=6, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
print("ray", ray.__version__)


class Steady(tune.Trainable):
    """A loss that depends on the trial alone."""

    def setup(self, config):
        self.loss = config["loss"]

    def reset_config(self, config):
        self.setup(config)
        return True

    def step(self):
        time.sleep(0.05)
        return {"loss": self.loss}

    def save_checkpoint(self, folder):
        return {"loss": self.loss}

    def load_checkpoint(self, state):
        self.loss = state["loss"]


def whole(cores):
    """How many of 24 trials came to their end, where so many train at once."""
    results = tune.Tuner(
        tune.with_resources(Steady, {"cpu": 6 // cores}),
        param_space={"loss": tune.uniform(0, 1)},
        tune_config=tune.TuneConfig(
            metric="loss",
            mode="min",
            num_samples=24,
            search_alg=OptunaSearch(),
            scheduler=HyperBandScheduler(max_t=81, reduction_factor=3),
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            name=str(cores), storage_path=os.environ["HOME"], verbose=0, stop={"training_iteration": 81}
        ),
    ).fit()
    ended = sum(result.metrics["training_iteration"] == 81 for result in results)
    print(f"{cores} cores: {ended} of 24 trials ran to their end")
    return ended


few, more = whole(2), whole(6)
sys.exit(0 if few == 24 and more < 24 else 1)
PYTHON
