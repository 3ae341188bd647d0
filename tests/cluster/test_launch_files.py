"""The files that launch clusters: valid where there is a schema, and tried as far as one machine goes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import ray.autoscaler
import yaml

from dgm_cli.cluster.nodes import SCRIPTS

FILES = Path(__file__).parents[2] / "scripts/cluster"

TEXT, NUMBER = {"type": "string"}, {"type": "integer", "minimum": 0}
PARAMETERS = {"type": "object", "additionalProperties": TEXT}
RESOURCES = {"type": "object", "required": ["requests", "limits"]}


def exactly(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    properties = {**required, **optional}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": properties,
    }


LIST = {"type": "array"}
CONTAINER = exactly({"name": TEXT, "image": TEXT, "resources": RESOURCES}, envFrom=LIST, ports=LIST)
POD = exactly({"spec": exactly({"containers": {"type": "array", "minItems": 1, "items": CONTAINER}})})
WORKERS = exactly(
    {"groupName": TEXT, "rayStartParams": PARAMETERS, "template": POD},
    replicas=NUMBER, minReplicas=NUMBER, maxReplicas=NUMBER,
)  # fmt: skip
CLUSTER = exactly(
    {
        "rayVersion": TEXT,
        "authOptions": exactly({"mode": {"enum": ["token"]}}),
        "headGroupSpec": exactly({"rayStartParams": PARAMETERS, "template": POD}),
        "workerGroupSpecs": {"type": "array", "items": WORKERS},
    },
    enableInTreeAutoscaling={"type": "boolean"},
    autoscalerOptions=exactly({"idleTimeoutSeconds": NUMBER}),
)
RAYJOB = exactly(
    {
        "apiVersion": {"const": "ray.io/v1"},
        "kind": {"const": "RayJob"},
        "metadata": exactly({"name": TEXT}),
        "spec": exactly(
            {"entrypoint": TEXT, "rayClusterSpec": CLUSTER},
            shutdownAfterJobFinishes={"type": "boolean"},
            ttlSecondsAfterFinished=NUMBER,
        ),
    }
)
"""The part of KubeRay's API (its reference, ray.io/v1, of version 1.6) that the manifest uses."""


@pytest.mark.parametrize("name", ["aws.yaml", "on_premise.yaml"])
def test_the_launcher_s_files_are_valid(name: str) -> None:
    schema = json.loads((Path(ray.autoscaler.__file__).parent / "ray-schema.json").read_text())
    config = yaml.safe_load((FILES / name).read_text())
    jsonschema.validate(config, schema)
    for commands in ("head_start_ray_commands", "worker_start_ray_commands"):
        assert "RAY_AUTH_MODE=token" in config[commands][-1]
    assert any(place.endswith(".ray/auth_token") for place in config["file_mounts"])


def test_the_ray_job_is_valid_and_of_the_pinned_ray() -> None:
    manifest = yaml.safe_load((FILES / "rayjob.yaml").read_text())
    jsonschema.validate(manifest, RAYJOB)
    assert manifest["spec"]["rayClusterSpec"]["rayVersion"] == version("ray")


def test_the_image_copies_what_there_is() -> None:
    root = FILES.parents[1]
    for line in (FILES / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY"):
            assert all((root / name).exists() for name in line.split()[1:-1]), line


@pytest.mark.parametrize("name", ["slurm.sbatch", "local"])
def test_shell_scripts_are_clean(name: str) -> None:
    subprocess.run([SCRIPTS / "shellcheck", FILES / name], check=True)


_DGM = """sleep ${{DGM_STAY}} &
stay=$!
trap 'kill $stay; echo dgm stopped >> {log}; exit 130' TERM
until [ "$(grep -c ^srun {log})" -ge 3 ]; do sleep 0.05; done  # all nodes were called"""
RECORDER = """#!/usr/bin/env bash
{before}
# In one piece: others write at the same time.
printf '%s\\n' "$(basename "$0") token=${{#RAY_AUTH_TOKEN}} $*" >> {log}
{then}
"""


@pytest.fixture
def slurm(tmp_path: Path) -> dict[str, str]:
    """An environment in which Slurm's commands and the program's write down how they were called."""
    log, root = tmp_path / "calls", tmp_path / "checkout"
    for folder in (tmp_path / "bin", root / ".venv/bin"):
        folder.mkdir(parents=True)
    for path, before, then in (
        (tmp_path / "bin/srun", "", "exec sleep 600"),
        (tmp_path / "bin/scontrol", "", "printf 'localhost\\nnode-2\\nnode-3\\n'"),
        (root / ".venv/bin/dgm", _DGM, "wait $stay"),
    ):
        path.write_text(RECORDER.format(log=log, before=before.format(log=log), then=then))
        path.chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "SLURM_SUBMIT_DIR": str(root),
        "SLURM_JOB_NODELIST": "node-[1-3]",
        "SLURM_CPUS_PER_TASK": "8",
        "DGM_STORAGE": "s3://bucket/x",
    }


@pytest.mark.parametrize("ends", ["itself", "by Slurm"])
def test_a_slurm_job_starts_nodes_and_a_study_and_leaves_none(
    ends: str, slurm: dict[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "calls"
    with socket.create_server(("localhost", 0)) as head:  # what the study waits for
        port = head.getsockname()[1]
        stay = "0" if ends == "itself" else "600"
        job = subprocess.Popen(
            ["bash", FILES / "slurm.sbatch", "heat-search", "--quick"],
            env={**slurm, "DGM_PORT": str(port), "DGM_STAY": stay}, start_new_session=True,
        )  # fmt: skip
        while not (log.exists() and "dgm token=64 run" in log.read_text()):
            assert job.poll() is None or ends == "itself"
            time.sleep(0.05)
        if ends == "by Slurm":
            job.send_signal(signal.SIGTERM)
        job.wait()
    calls = log.read_text().splitlines()
    nodes = [call for call in calls if call.startswith("srun")]
    assert len(nodes) == 3
    assert all("token=64" in call and "--num-cpus=8" in call for call in nodes)
    assert sum(f"--head --port={port}" in call for call in nodes) == 1
    assert sum(f"--address=localhost:{port}" in call for call in nodes) == 2
    study = f"dgm token=64 run heat-search --quick --address localhost:{port} --storage s3://bucket/x"
    assert study in [call.strip() for call in calls]
    assert (calls[-1] == "dgm stopped") == (ends == "by Slurm")
    with suppress(ProcessLookupError):
        while True:  # until none of them is left
            os.killpg(job.pid, 0)
            time.sleep(0.05)
