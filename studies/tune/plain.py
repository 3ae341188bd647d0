"""A problem as a function trainable, for scripts that use Ray Tune itself."""

from __future__ import annotations

import math
import sys
import tempfile
from collections.abc import Callable, Mapping
from typing import Any

from ray import tune
from ray.tune.search.sample import Categorical, Domain, Float, Integer, Quantized

from dgm_core import ConfigurationError, Problem, Setup, Trainer, extensions, load_problem
from dgm_core.errors import unknown
from dgm_core.extensions import Sources, explained
from dgm_core.training import checkpoint, choose_device, configure_process
from dgm_core.training.process import DEVICES
from studies.study import replicate_seeds
from studies.trials.reporting import train_reporting
from studies.tune.trial_payload import TrialPayload

_REPORTS = 20
"""Of a training as long as the base, where nothing else is said."""

_BETWEEN = 0.381966
"""Where between the ends of a range a number is tried: at no round share."""

Trainable = Callable[[dict[str, Any]], None]


def trainable(
    problem: Problem | Setup | str,
    settings: str | None = None,
    *,
    replicates: int = 1,
    seed: int = 0,
    report_every: int | None = None,
    device: str = "auto",
    param_space: Mapping[str, Any] | None = None,
) -> Trainable:
    """The function trainable of a problem, for `ray.tune.Tuner`.

    problem: a name, one of your own, or a whole setup; settings: the name of those that the configuration
    changes, by default the problem's own choice.  A configuration's keys are those of `--set`.

    Each report has `score` (the error that ranks), every error by its name, `loss`, `seconds`, `iterations`
    and `diverged`, and carries a checkpoint.  They are medians over the replicates, infinite where half of
    those diverged; `diverged` counts them.

    replicates: networks that each trial trains at once, on seeds that follow from `seed` and are the same for
    every trial.  report_every: iterations between reports, by default a twentieth of the base's; a training
    also reports at its end.  device: "auto" takes the GPU that Tune gives a trial, where it gives one.
    param_space: that of the Tuner, to have it checked here, before Ray starts.

    Raises ConfigurationError for a name that is none, and for a space with a key or a value that is not
    allowed.
    """
    base = _base(problem, settings)
    seeds = replicate_seeds(seed, "search", replicates)
    every = max(1, base.config.iterations // _REPORTS) if report_every is None else report_every
    if every < 1:
        raise ConfigurationError(f"report_every = {report_every} is not allowed: it must be 1 or greater.")
    if device not in DEVICES:
        raise unknown("device", device, DEVICES)
    check_space(base, param_space or {})
    extensions.adopt(sys.modules[type(base.problem).__module__])
    payload = TrialPayload.of({"base": base}, Sources.loaded())

    def solve(config: dict[str, Any]) -> None:
        run(payload, config, seeds, every, device)

    solve.__name__ = solve.__qualname__ = base.problem.name.replace("-", "_")
    return solve


def run(payload: TrialPayload, config: Mapping[str, Any], seeds: list[int], every: int, device: str) -> None:
    """A trial, from Tune's checkpoint where it has one: on a worker."""
    configure_process()

    def report(trainer: Trainer, numbers: dict[str, float]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            checkpoint.save(trainer.state(), folder)
            tune.report(numbers, checkpoint=tune.Checkpoint.from_directory(folder))

    try:
        setup = payload.open()["base"].changed({key: _plain(value) for key, value in config.items()})
        kept, state = tune.get_checkpoint(), None
        if kept is not None:
            with kept.as_directory() as folder:
                state = checkpoint.load(folder)
        train_reporting(setup, seeds, every, report, state, device=choose_device(device))
    except SystemExit as error:  # Ray's own way to end a stopped trial; in a user's file, a failure
        if where := explained(error):
            raise RuntimeError(where) from None
        raise


def check_space(base: Setup, space: Mapping[str, Any]) -> None:
    """Refuses keys that are none of a setup's, and values that are not allowed.

    Of a domain its ends, or all its choices, are tried; one that a function draws is not.  Raises
    ConfigurationError.
    """
    known = base.keys()
    for key, domain in space.items():
        if key not in known:
            raise unknown("key of param_space", key, known)
        for value in _ends(domain):
            base.changed({key: _plain(value)})


def _ends(domain: Any) -> list[Any]:
    if isinstance(domain, Categorical):
        return list(domain.categories)
    if isinstance(domain, Integer):  # without its upper end
        return [domain.lower, domain.upper - 1]
    if isinstance(domain, Float):
        return _of_numbers(domain)
    if isinstance(domain, Domain):
        return []
    if isinstance(domain, Mapping):
        if set(domain) == {"grid_search"}:
            return list(domain["grid_search"])
        if any(isinstance(part, Domain) for part in domain.values()):
            return []
    return [domain]


def _of_numbers(domain: Float) -> list[float]:
    """The ends, and a number between them that is no whole one: of an integer setting it is refused."""
    ends = [end for end in (domain.lower, domain.upper) if end is not None]
    if len(ends) < 2 or not all(map(math.isfinite, ends)) or isinstance(domain.get_sampler(), Quantized):
        return ends
    return [*ends, ends[0] + _BETWEEN * (ends[1] - ends[0])]


def _plain(value: Any) -> Any:
    """A number of Python's own: samplers give NumPy's too."""
    return value.item() if hasattr(value, "item") else value


def _base(problem: Problem | Setup | str, settings: str | None) -> Setup:
    if isinstance(problem, Setup):
        if settings is not None:
            raise ConfigurationError("a Setup has its own settings: leave `settings` out.")
        return problem
    return Setup.named(load_problem(problem) if isinstance(problem, str) else problem, settings)
