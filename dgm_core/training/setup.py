"""One problem and one configuration to train it with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from dgm_core.calculus import TIME
from dgm_core.errors import ConfigurationError, counted, repeated, unknown
from dgm_core.formulation import Problem
from dgm_core.formulation.cutting import window_of
from dgm_core.formulation.terms import INTERIOR
from dgm_core.networks import NETWORKS, build_network, count_parameters
from dgm_core.problems import load_problem
from dgm_core.random_streams import stream
from dgm_core.training.balancing import BALANCINGS
from dgm_core.training.config import TrainConfig
from dgm_core.training.formulations import ENERGY, check_formulation
from dgm_core.training.optimizers import OPTIMIZERS, Minimiser
from dgm_core.training.samplers import uniform
from dgm_core.training.scaling import network_inputs

PROBLEM_PREFIX = "problem."
WEIGHTS = "loss_weights"
WEIGHT_PREFIX = WEIGHTS + "."
"""Before a term's name: the key of its weight."""
NETWORK = "network_settings"
NETWORK_PREFIX = "network."
"""Before a name: the key of a setting that the network alone has."""


@dataclass(frozen=True)
class Setup:
    """One problem and one configuration to train it with; what an arm or a trial resolves to.

    Keys of the problem's parameters have the prefix "problem.": `problem.diffusivity`.  The weight of one
    term of the loss is a key, `loss_weights.left`, and so is a setting that only this network has,
    `network.widths`.
    """

    problem: Problem
    config: TrainConfig

    def __post_init__(self) -> None:
        _check(self.problem, self.config)

    def changed(self, changes: Mapping[str, Any]) -> Setup:
        """A copy with some keys of the configuration or of the problem replaced.

        `loss_weights.TERM` changes that weight and keeps the others; with `loss_weights`, which replaces all
        of them, it comes second.
        """
        prefix = PROBLEM_PREFIX
        parameters = {k.removeprefix(prefix): v for k, v in changes.items() if k.startswith(prefix)}
        rest = {k: v for k, v in changes.items() if not k.startswith(PROBLEM_PREFIX)}
        problem = self.problem
        if parameters:
            problem = type(problem).create({**problem.parameters(), **parameters})
        return Setup(problem, self.config.changed(self._gathered(rest)) if rest else self.config)

    def _gathered(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Keys of the configuration alone: each weight of its own inside `loss_weights`, and each setting
        that the network alone has inside `network_settings`.

        Another network begins with its own defaults.
        """
        rest = dict(changes)
        other = changes.get("network", self.config.network) != self.config.network
        known = {} if other else self.config.network_settings
        for key, prefix, current in (
            (WEIGHTS, WEIGHT_PREFIX, self.config.loss_weights),
            (NETWORK, NETWORK_PREFIX, known),
        ):
            single = {k.removeprefix(prefix): rest.pop(k) for k in changes if k.startswith(prefix)}
            whole = rest.get(key, current)
            if (single or (key == NETWORK and other)) and isinstance(whole, Mapping):
                rest[key] = {**whole, **single}  # anything else is refused with the configuration
        return rest

    def shortened(self, iterations: int) -> Setup:
        """A copy with another number of iterations, its milestones moved in proportion.

        One too short to step its learning rate keeps it constant.  A shorter one has a shorter polish too, in
        proportion, and never more windows than iterations.
        """
        changes: dict[str, Any] = {"iterations": iterations}
        if 0 < iterations < self.config.iterations:
            changes["windows"] = min(self.config.windows, iterations)
            polish = self.config.polish_iterations
            changes["polish_iterations"] = min(polish, max(1, polish * iterations // self.config.iterations))
        if self.config.milestones:
            share = iterations / self.config.iterations
            last = iterations // changes.get("windows", self.config.windows) - 1
            if last >= 1:
                moved = (round(milestone * share) for milestone in self.config.milestones)
                changes["milestones"] = tuple(min(last, max(1, milestone)) for milestone in moved)
            else:
                changes |= {"milestones": (), "schedule": "constant"}
        return self.changed(changes)

    def flat(self) -> dict[str, Any]:
        """All keys and values in one level, problem parameters under their prefix.

        Has `loss_weights` as given, and also the weight of each term that adds to the loss.
        """
        parameters = {PROBLEM_PREFIX + key: value for key, value in self.problem.parameters().items()}
        hard = self.problem.hard_terms if self.config.hard_conditions else ()
        given = self.config.loss_weights
        weights = {
            WEIGHT_PREFIX + term: given.get(term, 1.0) for term in self.problem.terms if term not in hard
        }
        config = self.config.model_dump(mode="json")
        settings = NETWORKS.get(self.config.network).settings_from(config.pop(NETWORK))
        network = {NETWORK_PREFIX + key: value for key, value in settings.model_dump(mode="json").items()}
        return {**parameters, **config, **weights, **network}

    def keys(self) -> list[str]:
        """All keys that `changed` knows, whether or not they are allowed with the present settings."""
        return list(dict.fromkeys([*self.flat(), *(WEIGHT_PREFIX + term for term in self.problem.terms)]))

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `from_dict` reads."""
        return {
            "problem": self.problem.name,
            "parameters": self.problem.parameters(),
            "config": self.config.model_dump(mode="json"),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Setup:
        """The inverse of `to_dict`."""
        problem = load_problem(values["problem"], values["parameters"])
        return cls(problem, TrainConfig.create(values["config"]))

    def is_of(self, values: Mapping[str, Any]) -> bool:
        """Whether `to_dict`, of this or an older version, gave these values for an equal setup."""
        return completed(values) == self.to_dict()

    @classmethod
    def named(cls, problem: Problem, settings: str | None = None) -> Setup:
        """The problem with its settings of the given name ("paper", "tuned"), by default its own choice."""
        _check_problem(problem)
        settings = problem.default_settings if settings is None else settings
        if settings not in problem.settings:
            raise unknown(f"settings of {problem.name}", settings, problem.settings)
        given = problem.settings[settings]
        values = {key: value(problem) if callable(value) else value for key, value in given.items()}
        config = {key: value for key, value in values.items() if not key.startswith(PROBLEM_PREFIX)}
        parameters = {key: value for key, value in values.items() if key not in config}
        try:
            return cls(problem, TrainConfig.create(config)).changed(parameters)
        except ConfigurationError as error:
            raise ConfigurationError(f"settings {settings!r} of {problem.name}: {error}") from error


def _check_problem(given: Any) -> None:
    """Refuses a class or a name in the place of a problem.  Raises ConfigurationError."""
    if isinstance(given, Problem):
        return
    if isinstance(given, type):
        raise ConfigurationError(f"{given.__name__} is a class: write {given.__name__}() for a problem.")
    raise ConfigurationError(
        f"{repeated(given)} is no problem: load_problem('heat') gives one by its name, Heat() one of a class."
    )


def completed(values: Mapping[str, Any]) -> dict[str, Any]:
    """What `Setup.to_dict` gave, by an older version too: settings that it did not know have their defaults.

    Raises ConfigurationError where it holds a setting that is not known, or a value that is not allowed.
    """
    return {**values, "config": TrainConfig.create(values["config"]).model_dump(mode="json")}


def _check(problem: Problem, config: TrainConfig) -> None:
    """Refuses a configuration that does not fit its problem.  Raises ConfigurationError."""
    terms = problem.terms
    for term in config.loss_weights:
        if term not in terms:
            raise unknown(f"term in loss_weights of {problem.name}", term, terms)
    if config.hard_conditions and not problem.hard_terms:
        raise ConfigurationError(
            f"hard_conditions = true is not allowed: {problem.name} has no output transform that "
            "satisfies its conditions."
        )
    hard = problem.hard_terms if config.hard_conditions else ()
    for term in hard:
        if term in config.loss_weights:
            raise ConfigurationError(
                f"{WEIGHT_PREFIX}{term} is not allowed with hard_conditions: "
                "that term is satisfied whatever the weights and adds no loss."
            )
    if all(config.loss_weights.get(term, 1.0) == 0 for term in terms if term not in hard):
        raise ConfigurationError("loss_weights are not allowed to be all zero: nothing would be minimised.")
    check_formulation(problem, config)
    if config.descends:
        _check_descent(problem, config)
    if config.adaptation != "none":
        _check_adaptation(problem, config)
    if config.harmonics > 1 and not (config.hard_conditions and problem.periodic):
        raise ConfigurationError(
            f"harmonics = {config.harmonics} is not allowed: {problem.name} has no periodic axis that "
            "hard_conditions give the network."
        )
    if config.corner_functions and not problem.domain.corners:
        raise ConfigurationError(
            f"corner_functions = {config.corner_functions} is not allowed: the domain of {problem.name} has "
            "no corner that turns inwards, or is no polygon."
        )
    of_squares = config.balancing != "none" and BALANCINGS.get(config.balancing).of_squares
    if of_squares and problem.accurate() is not problem and _gives_pairs(problem):
        raise ConfigurationError(
            f"balancing = {config.balancing!r} is not allowed: {problem.name} gives a pair of estimates in "
            "place of a residual, and the product of both is no square."
        )
    time = problem.inputs[-1]
    if config.causality and time.name != TIME:
        raise ConfigurationError(
            f"causality = {config.causality} is not allowed: {problem.name} has no time axis."
        )
    if config.windows > 1:
        if type(problem).trained():
            raise ConfigurationError(
                f"windows = {config.windows} is not allowed: {problem.name} has trained constants, of which "
                "each window would have its own."
            )
        if time.name != TIME:
            raise ConfigurationError(
                f"windows = {config.windows} is not allowed: {problem.name} has no time axis."
            )
        if problem.integrates(TIME):
            raise ConfigurationError(
                f"windows = {config.windows} is not allowed: {problem.name} integrates over time, of which "
                "each window knows only its own part."
            )
        window_of(problem, time.lower, time.upper)  # refuses where the problem has no windows


def residual_count(problem: Problem, config: TrainConfig, points: int) -> int:
    """How many numbers are squared at `points` points of each term, roughly: one for each of the outputs, and
    for each derivative of first order in an energy."""
    hard = problem.hard_terms if config.hard_conditions else ()
    regions = problem.regions()
    counts = {term: regions[term].count(points) for term in problem.terms if term not in hard}
    if config.formulation == ENERGY:
        counts[INTERIOR] *= len(problem.inputs)
    return len(problem.outputs) * sum(counts.values())


def _check_descent(problem: Problem, config: TrainConfig) -> None:
    """Refuses what an optimizer that compares losses at the same points cannot minimise."""
    if problem.accurate() is not problem and _gives_pairs(problem):
        raise ConfigurationError(
            f"optimizer {config.optimizer!r} is not allowed: {problem.name} gives a pair of estimates in "
            "place of a residual, and the product of both is no square."
        )
    kind = OPTIMIZERS.get(config.optimizer)
    if not (issubclass(kind, Minimiser) and not kind.remembers and config.resolved_redraw):
        return
    residuals = residual_count(problem, config, config.batch_size)
    network = build_network(config, network_inputs(problem, config), len(problem.outputs), [0])
    parameters = count_parameters(network)
    if residuals < parameters:
        raise ConfigurationError(
            f"batch_size = {config.batch_size} is not allowed with optimizer {config.optimizer!r} and "
            f"redraw_every = {config.resolved_redraw}: {counted(residuals, 'residual')} cannot hold "
            f"{counted(parameters, 'parameter')}, and each draw would undo the last; "
            "'spring' remembers what earlier points said."
        )


def _gives_pairs(problem: Problem) -> bool:
    def probe(x: Tensor) -> Tensor:
        return torch.cos(x.sum(dim=-1, keepdim=True)).expand(*x.shape[:-1], len(problem.outputs))

    points = {
        term: region.draw(uniform, 1, region.count(2), stream(0, "pairs", term))
        for term, region in problem.regions().items()
    }
    with torch.enable_grad():
        return any(isinstance(residual, tuple) for residual in problem.residuals(probe, points).values())


def _check_adaptation(problem: Problem, config: TrainConfig) -> None:
    regions = problem.regions()
    if set(regions) != set(problem.terms) or any(region.per_point != 1 for region in regions.values()):
        raise ConfigurationError(
            f"adaptation = {config.adaptation!r} is not allowed: {problem.name} draws points that belong to "
            "others, which cannot be chosen by themselves."
        )
