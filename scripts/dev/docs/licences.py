"""The page of the dependencies' licences, from the metadata of what is installed."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]

_HEAD = """\
# Licences of dependencies

This page is made from the installed packages' own metadata by `scripts/docs write`. None
of them is bundled; pip installs them. Their exact versions are in `scripts/constraints.txt`.

| package | needed for | licence |
| --- | --- | --- |
"""
_KINDS = {
    "dashboards": "`dgm dashboard`",
    "samplers": "`--sampler` gp and cma-es, `--scheduler` pb2",
    "bohb": "`--searcher bohb`",
    "mlflow": "`--log-to mlflow`",
    "wandb": "`--log-to wandb`",
}
"""Extras that a user installs; the others serve development."""


def page() -> str:
    """The page, Markdown."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [(line, "the program") for line in project["dependencies"]]
    wanted += [(line, names) for extra, names in _KINDS.items() for line in extras[extra]]
    rows = []
    for line, reason in wanted:
        licences = re.match(r"[\w.-]+", line)
        assert licences is not None
        rows.append(f"| {licences.group()} | {reason} | {licence(licences.group())} |\n")
    return _HEAD + "".join(rows)


def licence(package: str) -> str:
    """As the package states it: an SPDX expression, a classifier or a name."""
    try:
        text: Any = metadata(package)
    except PackageNotFoundError:
        return _ABSENT[package]
    if expression := text.get("License-Expression"):
        return str(expression)
    for line in text.get_all("Classifier") or []:
        if line.startswith("License :: OSI Approved :: "):
            return str(line).rpartition(" :: ")[2]
    return (text.get("License") or "see the package").splitlines()[0]


_ABSENT = {
    "scikit-learn": "BSD-3-Clause",
    "hpbandster": "BSD 3-Clause License",
    "ConfigSpace": "BSD License",
    "mlflow-skinny": "Apache License 2.0",
    "wandb": "MIT License",
}
"""Of extras that development does without."""
