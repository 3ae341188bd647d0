"""Searches and ablations: what they refuse, and what their parts follow from."""

from __future__ import annotations

import json
from typing import Any

import pytest
from optuna.distributions import FloatDistribution, IntDistribution

from dgm_core import ConfigurationError, Setup, load_problem
from dgm_core.formulation import Box, Problem
from dgm_core.formulation.questions import same_question
from dgm_core.networks import build_network, count_parameters
from dgm_core.networks.activations import get_activation
from studies.catalog import STUDIES, load_study
from studies.cost import training_seconds
from studies.study import (
    PHASES,
    Ablation,
    Choice,
    PowersOfTwo,
    Resources,
    Search,
    from_dict,
    replicate_seeds,
    to_dict,
)
from studies.study.branches import branch, misfits
from studies.study.space import corners

HEAT = Setup.named(load_problem("heat"))


def search(**changes: object) -> Search:
    values = {
        "name": "probe",
        "question": "?",
        "base": HEAT,
        "baseline": HEAT,
        "space": {"iterations": IntDistribution(100, 5_000), "depth": IntDistribution(1, 3)},
        "grace_period": 100,
        "reduction_factor": 4,
    }
    return Search(**{**values, **changes})  # type: ignore[arg-type]


def ablation(**changes: object) -> Ablation:
    values = {
        "name": "probe",
        "question": "?",
        "base": HEAT,
        "arms": {"1": {"batch_size": 1}, "64": {"batch_size": 64}},
        "baseline": "64",
    }
    return Ablation(**{**values, **changes})  # type: ignore[arg-type]


def test_seeds_for_searching_and_for_reporting_never_meet() -> None:
    phases = list(PHASES)
    drawn = [set(replicate_seeds(seed, phase, 2_500)) for seed in (0, 1) for phase in phases]
    assert len(set.union(*drawn)) == sum(map(len, drawn))


def test_rungs_and_max_t_follow_from_the_space() -> None:
    assert search().max_t == 5_000
    assert search().rungs == (100, 400, 1_600)
    assert search(space={"depth": IntDistribution(1, 3)}).max_t == HEAT.config.iterations


def test_a_space_outside_the_configuration_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"unknown key of the space of probe 'dept'.*'depth'"):
        search(space={"dept": IntDistribution(1, 3)})
    with pytest.raises(ConfigurationError, match="learning_rate = -1"):
        search(space={"learning_rate": FloatDistribution(-1, 1)})


def test_a_setting_that_one_choice_reads_is_refused_with_the_space_to_write() -> None:
    decay = FloatDistribution(1e-6, 1e-2, log=True)
    with pytest.raises(ConfigurationError, match=r"'optimizer': Choice\({…, 'adamw': {'weight_decay': …}}\)"):
        search(space={"optimizer": Choice(["adam", "adamw"]), "weight_decay": decay})
    assert search(space={"optimizer": Choice({"adam": {}, "adamw": {"weight_decay": decay}})})


WEIGHT = {"loss_weights.left": FloatDistribution(1.0, 100.0, log=True)}


def test_the_weight_of_a_term_can_be_searched_though_the_base_has_none() -> None:
    study = search(space={**WEIGHT, "loss_weights.right": Choice([1, 10])})
    assert study.space["loss_weights.right"].choices == (1.0, 10.0)
    again = from_dict(json.loads(json.dumps(to_dict(study))))
    assert again.space == study.space
    fixed = study.changed({"loss_weights.left": 7.0, "loss_weights.initial": 2.0})
    assert list(fixed.space) == ["loss_weights.right"]
    assert fixed.base.config.loss_weights == {"left": 7.0, "initial": 2.0}


def test_weights_that_cannot_be_searched_or_fixed_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"of probe 'loss_weights\.lefft'.*'loss_weights\.left'"):
        search(space={"loss_weights.lefft": WEIGHT["loss_weights.left"]})
    with pytest.raises(ConfigurationError, match=r"loss_weights\.left = -1"):
        search(space={"loss_weights.left": FloatDistribution(-1.0, 1.0)})
    with pytest.raises(ConfigurationError, match=r"loss_weights\.left is not allowed with hard_conditions"):
        search(base=HEAT.changed({"hard_conditions": True}), baseline=None, space=WEIGHT)
    together = search(space={"loss_weights": Choice([{}, {"left": 2.0}]), "depth": IntDistribution(1, 3)})
    with pytest.raises(
        ConfigurationError, match=r"loss_weights\.left cannot be fixed: probe searches all of loss_weights"
    ):
        together.changed({"loss_weights.left": 3.0})


def test_arms_vary_one_weight_each() -> None:
    study = ablation(arms={"64": {}, "left": {"loss_weights.left": 10.0}})
    fixed = study.changed({"loss_weights.right": 2.0})
    assert fixed.setup("left").config.loss_weights == {"left": 10.0, "right": 2.0}
    with pytest.raises(ConfigurationError, match=r"loss_weights\.left is what probe varies"):
        study.changed({"loss_weights.left": 3.0})
    with pytest.raises(ConfigurationError, match=r"loss_weights\.left is what probe varies"):
        ablation(arms={"64": {}, "all": {"loss_weights": {"left": 2.0}}}).changed({"loss_weights.left": 3.0})


def test_fixing_a_key_takes_it_out_of_the_space() -> None:
    fixed = search().changed({"depth": 2})
    assert list(fixed.space) == ["iterations"]
    assert fixed.base.config.depth == 2
    with pytest.raises(ConfigurationError, match="nothing is left to search"):
        fixed.changed({"iterations": 100})


def test_settings_that_contradict_each_other_only_together_are_refused() -> None:
    decay = Setup.named(load_problem("exponential-decay"))
    base = decay.changed({"schedule": "step", "milestones": [60], "decay": 0.5})
    space = {"windows": IntDistribution(1, 20), "iterations": IntDistribution(1_000, 5_000)}
    for key in space:
        search(base=base, baseline=None, space={key: space[key]})
    with pytest.raises(ConfigurationError, match="60 is not between 1 and 49"):
        search(base=base, baseline=None, space=space)


def test_winner_and_baseline_solve_one_equation() -> None:
    fixed = search().changed({"problem.diffusivity": 0.5, "activation": "sin"})
    assert fixed.base.problem == fixed.baseline.problem
    assert fixed.base.problem.parameters() == {"diffusivity": 0.5}
    assert fixed.baseline.config.activation == "tanh"


def test_arms_that_resolve_to_one_configuration_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="'64' and 'same' of probe are the same configuration"):
        ablation(arms={"64": {"batch_size": 64}, "same": {}})


def test_unknown_arms_and_baselines_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="unknown baseline of probe '2'"):
        ablation(baseline="2")
    with pytest.raises(ConfigurationError, match="unknown arm of probe '2'"):
        ablation().only(["2"])
    with pytest.raises(ConfigurationError, match="unknown key 'batchsize'"):
        ablation(arms={"64": {"batchsize": 1}})


def test_a_varied_key_cannot_be_fixed() -> None:
    with pytest.raises(ConfigurationError, match="batch_size is what probe varies"):
        ablation().changed({"batch_size": 2})
    assert ablation().changed({"iterations": 7}).setup("1").config.iterations == 7


def test_a_rate_that_is_varied_cannot_be_tuned() -> None:
    arms = {"a": {"learning_rate": 1e-3}, "64": {}}
    with pytest.raises(ConfigurationError, match="cannot be tuned"):
        ablation(arms=arms, tuned_rate=True)


def test_a_grid_has_an_arm_for_every_combination() -> None:
    grid = Ablation.grid(
        name="probe",
        question="?",
        base=HEAT,
        factors={"depth": [1, 2], "activation": ["tanh", "relu"]},
        baseline={"depth": 2, "activation": "tanh"},
    )
    assert list(grid.arms) == ["1, tanh", "1, relu", "2, tanh", "2, relu"]
    assert grid.baseline == "2, tanh"
    assert grid.setup("1, relu").config.activation == "relu"
    some = grid.only(["1, relu", "1, tanh"])
    assert some.factors == {"depth": [1], "activation": ["tanh", "relu"]}
    assert some.baseline == "1, tanh"


@pytest.mark.parametrize("name", STUDIES.names())
def test_every_study_of_the_catalog_resolves_and_shortens(name: str) -> None:
    study = load_study(name)
    assert study.question.endswith("?")
    short = study.shortened()
    assert short != study
    assert short.name == study.name
    if isinstance(study, Search) and isinstance(short, Search):
        assert short.max_t < study.max_t
        assert short.baseline.config.iterations <= short.max_t
    if isinstance(short, Ablation):
        for arm in short.arms:
            short.setup(arm)


@pytest.mark.parametrize("name", [name for name in STUDIES.names() if name.endswith("-search")])
def test_a_search_can_spend_as_much_as_its_baseline(name: str) -> None:
    """A space that ends below what the baseline needs says nothing about the settings that it holds."""
    study = load_study(name)
    for each in (study, study.shortened()):
        assert isinstance(each, Search)
        most = {key: corners(distribution)[-1] for key, distribution in each.space.items()}
        below = branch(each.space["optimizer"], most["optimizer"]) if "optimizer" in most else {}
        most |= {key: corners(distribution)[-1] for key, distribution in below.items()}
        assert training_seconds(each.base.changed(most), 1) >= training_seconds(each.compared, 1)


@pytest.mark.parametrize("name", [name for name in STUDIES.names() if "second-order-search" in name])
def test_a_search_holds_the_settings_that_its_trials_begin_from(name: str) -> None:
    study = load_study(name)
    assert isinstance(study, Search)
    settings = study.base.flat()
    if settings["gain"] is None:
        settings["gain"] = get_activation(settings["activation"]).gain
    below = branch(study.space["optimizer"], settings["optimizer"])
    own = {key: settings[key] for key in {**study.space, **below}}
    assert misfits(study.space, own) == {}
    # One that compares with settings found before has to find its way alone.
    assert study.start_from == ((own,) if study.compared == study.base else ())
    # At one iteration steps of different methods are not compared.
    assert (study.early_stopping == "none") == ("iterations" not in study.space)


def test_an_unknown_study_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"unknown study 'heat-serch'.*Did you mean 'heat-search'\?"):
        load_study("heat-serch")


def test_matched_networks_have_nearly_the_same_size() -> None:
    study = load_study("fhn-network")
    assert isinstance(study, Ablation)
    sizes = [
        count_parameters(build_network(study.setup(arm).config, inputs=1, outputs=2, seeds=[0]))
        for arm in study.arms
    ]
    assert max(sizes) <= 1.03 * min(sizes)


def test_settings_of_other_questions_are_not_compared() -> None:
    """Two diffusivities have two solutions; how an integral is estimated leaves the solution alone."""
    space = {"problem.diffusivity": FloatDistribution(0.1, 1.0)}
    with pytest.raises(ConfigurationError, match=r"problem\.diffusivity = 0\.1 is not allowed in probe"):
        search(space=space)
    with pytest.raises(ConfigurationError, match="the baseline's own problem is not allowed"):
        search(baseline=HEAT.changed({"problem.diffusivity": 0.5}))
    with pytest.raises(ConfigurationError, match=r"the arm 'slow' is not allowed in probe"):
        ablation(arms={"64": {}, "slow": {"problem.diffusivity": 0.5}})
    fredholm = Setup.named(load_problem("fredholm"))
    search(base=fredholm, baseline=None, space={"problem.nodes": IntDistribution(5, 50)})


def test_without_a_reference_the_equation_itself_must_be_the_same() -> None:
    class Poisson(Problem):
        load: float = 1.0
        comment: int = 0
        domain = Box(x=(0.0, 1.0))

        def equation(self, y):  # type: ignore[no-untyped-def]
            return y.d("x", "x") + self.load

    assert same_question(Poisson(), Poisson(comment=1))
    assert not same_question(Poisson(), Poisson(load=2.0))


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"reduction_factor": 1}, "reduction_factor = 1 is not allowed.*greater than or equal to 2"),
        ({"grace_period": 0}, "grace_period = 0 is not allowed"),
        ({"trials": 0}, "trials = 0 is not allowed"),
        ({"trials": 3.0}, "trials = 3.0 is not allowed"),
        ({"replicates": 0}, "replicates = 0 is not allowed"),
        ({"confirmations": 2_501}, "confirmations = 2501 is not allowed"),
        ({"workers": True}, "workers = True is not allowed"),
        ({"startup_trials": -1}, "startup_trials = -1 is not allowed"),
        ({"budget": float("nan")}, "budget = nan is not allowed"),
        ({"time_limit": 0}, "time_limit = 0 is not allowed"),
        ({"name": ""}, "name = '' is not allowed"),
        ({"base": None}, "base = None is not allowed"),
        ({"space": {}}, "space of probe is empty"),
        ({"space": {"depth": (1, 3)}}, r"\(1, 3\) is not allowed in a space"),
        ({"space": {"gain": Choice([1, 1.0])}}, "choices 1.0 and 1.0 of gain are the same"),
        ({"trails": 3}, "probe: unknown key 'trails'.*Did you mean 'trials'"),
        ({"quick": {"trails": 3}}, "unknown key in quick of probe 'trails'.*Did you mean 'trials'"),
        ({"quick": {"trials": 0}}, "trials = 0 is not allowed"),
    ],
)
def test_a_search_is_refused_with_field_value_and_rule(changes: dict[str, Any], rule: str) -> None:
    with pytest.raises(ConfigurationError, match=rule):
        search(**changes)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"quick": {"iteration": 3}}, "unknown key in quick of probe 'iteration'.*Did you mean 'iterations'"),
        ({"quick": {"arms": ["2"]}}, "unknown arm of probe '2'"),
        ({"quick": {"iterations": 0}}, "iterations = 0 is not allowed"),
        ({"quick": {"replicates": 0}}, "replicates = 0 is not allowed"),
        ({"rates": [0.1, -1.0]}, "rates.1 = -1.0 is not allowed"),
        ({"rates": []}, "rates of probe are empty"),
        ({"arms": {}}, "probe has no arms"),
        ({"tuned_rate": 1}, "tuned_rate = 1 is not allowed"),
        ({"resources": {"cpus": 1}}, "resources = .* is not allowed"),
    ],
)
def test_an_ablation_is_refused_with_the_field_its_value_and_the_rule(
    changes: dict[str, Any], rule: str
) -> None:
    with pytest.raises(ConfigurationError, match=rule):
        ablation(**changes)


def test_a_definition_without_a_field_says_which() -> None:
    with pytest.raises(ConfigurationError, match="base is missing"):
        Search(name="probe", space={"depth": IntDistribution(1, 3)})  # type: ignore[call-arg]
    with pytest.raises(ConfigurationError, match="cpus = 0 is not allowed"):
        Resources(cpus=0)
    with pytest.raises(ConfigurationError, match=r"gpus = 1\.5 of a trial"):
        Resources(gpus=1.5)


def test_powers_of_two_have_ends_that_are() -> None:
    for low, high, said in ((3, 8, "low = 3"), (1, 12, "high = 12"), (8, 4, "above high"), (0, 4, "low = 0")):
        with pytest.raises(ConfigurationError, match=said):
            PowersOfTwo(low, high)


def test_a_space_of_every_kind_travels_through_json() -> None:
    space = {
        "batch_size": PowersOfTwo(4, 64),
        "gain": Choice([None, 1.0]),
        "milestones": Choice([(5,), [5, 9]]),
        "width": IntDistribution(4, 12, step=4),
    }
    study = search(space=space, base=HEAT.changed({"schedule": "step", "decay": 0.5, "milestones": [5]}))
    again = from_dict(json.loads(json.dumps(to_dict(study))))
    assert isinstance(again, Search)
    assert again.space == study.space
    assert again.space["milestones"] == Choice([[5], [5, 9]])


def test_arms_that_its_quick_variant_names_can_be_left_out() -> None:
    study = load_study("heat-batch-size")
    assert list(study.only(["64", "32"]).arms) == ["32", "64"]
    assert list(study.only(["64", "32"]).shortened().arms) == ["64"]
    assert list(study.only(["32"]).shortened().arms) == ["32"]
