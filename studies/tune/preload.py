"""What a worker imports when it starts, before it knows what for."""

from dgm_core.collecting import uncollected

with uncollected():
    import studies.tune.launch  # noqa: F401
