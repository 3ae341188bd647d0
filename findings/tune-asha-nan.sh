#!/usr/bin/env bash
# ray[tune] 2.60.0: ASHA never stops a trial whose loss is NaN.
# Expected: a training that has diverged is the worst of a rung, and the first to be stopped.
# Happens: NaN is not below the cutoff, so that the trial passes every rung, while trials with a finite loss are stopped.
# Seen: "iterations by loss: 1.0: 16, 2.0: 1, 3.0: 1, 4.0: 1, nan: 16".
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
from ray.tune.schedulers import ASHAScheduler

ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
print("ray", ray.__version__)


def train(config):
    for _ in range(16):
        tune.report({"loss": config["loss"]})


results = tune.Tuner(
    tune.with_resources(train, {"cpu": 1}),  # one trial after the other, in the order of the grid
    param_space={"loss": tune.grid_search([1.0, 2.0, 3.0, 4.0, float("nan")])},
    tune_config=tune.TuneConfig(
        metric="loss", mode="min", scheduler=ASHAScheduler(max_t=16, grace_period=1, reduction_factor=2)
    ),
    run_config=tune.RunConfig(storage_path=os.environ["HOME"], verbose=0),
).fit()
ended = {str(result.config["loss"]): result.metrics["training_iteration"] for result in results}
print("iterations by loss:", ", ".join(f"{loss}: {count}" for loss, count in ended.items()))
sys.exit(0 if ended == {"1.0": 16, "2.0": 1, "3.0": 1, "4.0": 1, "nan": 16} else 1)
PYTHON
