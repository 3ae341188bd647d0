#!/usr/bin/env bash
# ray 2.60.0: ray.init() replaces a program's own handler of SIGTERM.
#
# Expected: a program that handles SIGTERM itself, as under a batch system, still does after ray.init().
# Happens: ray.init() installs its own handler, which exits with the signal's number and does not call the one it
# replaced.  It stays after ray.shutdown().
#
# Output seen:
#   ray 2.60.0
#   before init: mine
#   after init: sigterm_handler
#   after shutdown: sigterm_handler
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/home"
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ray==2.60.0
unset RAY_ADDRESS
HOME="$folder/home" RAY_USAGE_STATS_ENABLED=0 "$folder/venv/bin/python" - <<'PY'
import signal
import sys

import ray


def mine(number, frame):
    print("mine")


def handler():
    return getattr(signal.getsignal(signal.SIGTERM), "__name__", str(signal.getsignal(signal.SIGTERM)))


print("ray", ray.__version__)
signal.signal(signal.SIGTERM, mine)
print("before init:", handler())
ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
print("after init:", handler())
ray.shutdown()
print("after shutdown:", handler())
sys.exit(signal.getsignal(signal.SIGTERM) is mine)
PY
