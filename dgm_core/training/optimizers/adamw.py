"""Adam with decoupled weight decay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from dgm_core.training.optimizers.adam import Adam


class AdamW(Adam):
    """Adam whose weights decay by themselves, at the learning rate.  Source: Loshchilov and Hutter (2019)."""

    name = "adamw"
    defaults: ClassVar[Mapping[str, float]] = {**Adam.defaults, "weight_decay": 0.01}
    decoupled = True
