"""Settings that may change in the midst of a training, as population-based training changes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dgm_core.errors import ConfigurationError
from dgm_core.training.setup import Setup, completed

ADJUSTABLE = (
    *("learning_rate", "schedule", "milestones", "decay"),
    *("batch_size", "loss_weights", "clip_norm", "l1", "l2"),
    *("weight_decay", "beta1", "beta2", "momentum"),
)
"""What a step reads anew each time; all else decides what weights, moments and points are."""


def adjusted(state: Mapping[str, Any], setup: Setup) -> dict[str, Any]:
    """A trainer's `state` as one of `setup`'s, whose `ADJUSTABLE` settings may be others.

    With another batch size the present points, and those that `adaptation` keeps, are drawn anew.  Raises
    ConfigurationError where another setting is different, and where the optimizer descends on fixed points:
    what it remembers is of one loss.
    """
    before, after = completed(state["setup"]), setup.to_dict()
    changed = [key for key, value in after["config"].items() if before["config"][key] != value]
    other = [key for key in ("problem", "parameters") if before[key] != after[key]]
    for key in (*other, *changed):
        if key not in ADJUSTABLE:
            raise ConfigurationError(
                f"{key} cannot change during a training: only {', '.join(ADJUSTABLE)} can."
            )
    if changed and setup.config.descends:
        raise ConfigurationError(
            f"{changed[0]} cannot change during a training with {setup.config.optimizer!r}: "
            "it minimises one fixed loss."
        )
    stage = dict(state["stage"])
    if "batch_size" in changed:
        source = {**stage["points"]["source"], "position": 0}
        stage |= {"inputs": {}, "points": {**stage["points"], "source": source, "current": {}}}
    return {**state, "setup": after, "stage": stage}
