#!/usr/bin/env bash
# ray 2.60.0: after ray.shutdown() a program's handler of SIGTERM is no longer called, although Python still names it.
#
# Expected: what signal.getsignal() returns is what a signal calls.
# Happens: ray.shutdown() sets the operating system's default behind Python's back.  signal.getsignal(SIGTERM) still
# returns the handler, and SIGTERM ends the program without it.  signal.signal() with the same handler puts it back.
# Seen: "before: handler mine, caught by this process: True", "after shutdown: handler mine, caught by this process: False",
# "set again: handler mine, caught by this process: True".
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
from pathlib import Path

import ray


def mine(number, frame):
    print("mine")


def told(when):
    """Linux keeps a mask of the signals that a process catches."""
    mask = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("SigCgt"))
    caught = bool(int(mask.split()[1], 16) >> (signal.SIGTERM - 1) & 1)
    print(f"{when}: handler {signal.getsignal(signal.SIGTERM).__name__}, caught by this process: {caught}")
    return signal.getsignal(signal.SIGTERM) is mine, caught


print("ray", ray.__version__)
signal.signal(signal.SIGTERM, mine)
before = told("before")
ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
signal.signal(signal.SIGTERM, mine)  # ray.init() puts in one of its own
ray.shutdown()
after = told("after shutdown")
signal.signal(signal.SIGTERM, mine)
again = told("set again")
sys.exit(0 if (before, after, again) == ((True, True), (True, False), (True, True)) else 1)
PY
