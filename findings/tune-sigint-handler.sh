#!/usr/bin/env bash
# ray[tune] 2.60.0: Tuner.fit() leaves its own handler of SIGINT behind.
#
# Expected: after fit() has returned, Ctrl-C raises KeyboardInterrupt as before.
# Happens: Tune's handler stays in place, and the first Ctrl-C after the search is ignored.
#
# Output seen:
#   ray 2.60.0
#   before fit: default_int_handler
#   after fit: signal_interrupt_tune_run
#   the first Ctrl-C afterwards raises KeyboardInterrupt: False
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "ray[tune]==2.60.0"
mkdir "$folder/home"
unset RAY_ADDRESS
HOME="$folder/home" RAY_USAGE_STATS_ENABLED=0 RAY_AIR_NEW_OUTPUT=0 "$folder/venv/bin/python" - <<'PY'
import os
import signal
import sys

import ray
from ray import tune


def train(config: dict) -> None:
    tune.report({"loss": 0.0})


signal.signal(signal.SIGINT, signal.default_int_handler)
print("ray", ray.__version__)
print("before fit:", signal.getsignal(signal.SIGINT).__name__)
ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
run = tune.RunConfig(storage_path=os.environ["HOME"], verbose=0)
tune.Tuner(train, run_config=run).fit()
ray.shutdown()
left = signal.getsignal(signal.SIGINT).__name__
print("after fit:", left)
raised = False
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    raised = True
print("the first Ctrl-C afterwards raises KeyboardInterrupt:", raised)
sys.exit(1 if raised else 0)
PY
