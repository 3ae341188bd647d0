"""The page of every setting, from the code."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from dev.docs.fields import Described, described, first_sentence, prose
from dgm_core.networks import ACTIVATIONS, EMBEDDINGS, NETWORKS
from dgm_core.networks.activations import Activation
from dgm_core.training import TrainConfig
from dgm_core.training.balancing import BALANCINGS
from dgm_core.training.choices import CHOICES, choices
from dgm_core.training.optimizers import OPTIMIZERS
from dgm_core.training.samplers import SAMPLERS
from dgm_core.training.schedules import SCHEDULES
from studies.study import Ablation, Resources, Search

_HEAD = """\
# Every setting

This page is made from the code by `scripts/docs write`.

`--set KEY=VALUE` changes a setting of `dgm run` and `dgm solve`: `--set depth=4`, `--set activation=sin`,
`--set loss_weights.boundary=10`. In a study's file the same keys stand in `Setup.changed({...})`, in
the space of a search and in the arms of an ablation. A problem's own parameters have the prefix `problem.`,
as `problem.diffusivity`. An unknown key or a value out of range is refused before anything is trained.

What to change first when a training does not converge is in
[When it does not converge](not-converging.md).
"""


def page() -> str:
    """The page, Markdown."""
    named = {setting: choices(setting) for setting in CHOICES}
    parts = [
        _HEAD,
        _fields("A training", TrainConfig, named),
        _choices("Networks", _first(NETWORKS)),
        _activations(),
        _choices("Embeddings of the inputs", _first(EMBEDDINGS)),
        _choices("Ways to balance the loss", _first(BALANCINGS)),
        _choices("Samplers of points", _first(SAMPLERS)),
        _choices("Optimizers", _optimizers()),
        _choices("Schedules of the learning rate", _first(SCHEDULES)),
        _fields("A search", Search),
        _fields("An ablation", Ablation),
        _fields("Resources of a trial", Resources),
    ]
    return "\n".join(parts)


def _first(known: Any) -> dict[str, str]:
    """Of a registry or a dictionary."""
    get = known.__getitem__ if isinstance(known, dict) else known.get
    return {name: first_sentence(get(name)) for name in known}


def _optimizers() -> dict[str, str]:
    said = {}
    for name in OPTIMIZERS:
        cls = OPTIMIZERS.get(name)
        defaults = ", ".join(f"`{key}` {value:g}" for key, value in cls.defaults.items())
        said[name] = first_sentence(cls) + (f" Settings: {defaults}." if defaults else "")
    return said


def _fields(title: str, cls: type, choices: Mapping[str, Sequence[str]] | None = None) -> str:
    lines = [f"## {title}", "", prose(inspect.getdoc(cls) or ""), ""]
    for field in described(cls, dict(choices or {})):
        lines += [f"### `{field.name}`", "", _facts(field), "", field.text, ""]
    return "\n".join(lines)


def _facts(field: Described) -> str:
    allowed = f" · allowed: {field.range}" if field.range else ""
    return f"`{field.type}` · default: {field.default}{allowed}"


def _choices(title: str, texts: Mapping[str, str]) -> str:
    rows = [f"| `{name}` | {text.replace('|', chr(92) + '|')} |" for name, text in texts.items()]
    return "\n".join([f"## {title}", "", "| name | what it is |", "| --- | --- |", *rows, ""])


def _activations() -> str:
    rows = [
        f"| `{name}` | `{activation.initialisation}` | {activation.gain:.4g} |"
        for name, activation in sorted(ACTIVATIONS.items())
    ]
    head = ["## Activations", "", "| name | initial weights | gain |", "| --- | --- | --- |"]
    return "\n".join([*head, *rows, "", prose(inspect.getdoc(Activation) or ""), ""])
