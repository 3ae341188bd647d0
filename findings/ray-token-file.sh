#!/usr/bin/env bash
# ray[tune] 2.60.0: a local ray.init() leaves a secret in the home folder.
#
# Expected: a Ray that one script starts and shuts down on this machine writes in its temporary folder only.
# Happens: with RAY_AUTH_MODE unset, ray.init() turns on token authentication and writes the token to ~/.ray/auth_token.
# The file stays after ray.shutdown(), and Ray does not start where the home folder cannot be written.
#
# Output seen:
#   ray 2.60.0
#   before: []
#   after shutdown: ['.ray', '.ray/auth_token'], 64 characters
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ray==2.60.0
mkdir "$folder/home"
unset RAY_AUTH_MODE RAY_AUTH_TOKEN RAY_AUTH_TOKEN_PATH RAY_ADDRESS
HOME="$folder/home" RAY_USAGE_STATS_ENABLED=0 "$folder/venv/bin/python" - <<'PY'
import os
import sys
from pathlib import Path

import ray

home = Path(os.environ["HOME"])


def files() -> list[str]:
    return sorted(str(path.relative_to(home)) for path in home.rglob("*"))


print("ray", ray.__version__)
print("before:", files())
ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
ray.shutdown()
token = home / ".ray" / "auth_token"
print("after shutdown:", files(), end="")
print(f", {len(token.read_text())} characters" if token.exists() else "")
sys.exit(0 if token.exists() else 1)
PY
