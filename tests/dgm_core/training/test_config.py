"""Configurations: frozen, changed by making new ones, refused in one sentence."""

from __future__ import annotations

import pytest

from dgm_core import PROBLEMS, ConfigurationError, Setup, TrainConfig, load_problem
from dgm_core.networks import NETWORKS


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"dept": 3}, "unknown key 'dept'.*Did you mean 'depth'"),
        ({"depth": 0}, "depth = 0 is not allowed: .*greater than or equal to 1"),
        ({"depth": 2.5}, r"depth = 2\.5"),
        ({"width": 0}, "width = 0"),
        ({"batch_size": 0}, "batch_size = 0"),
        ({"iterations": 0}, "iterations = 0"),
        ({"learning_rate": 0.0}, "learning_rate = 0.0"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"learning_rate": True}, "learning_rate = True"),
        ({"clip_norm": "1"}, "clip_norm = '1'"),
        ({"network": "mpl"}, "unknown network 'mpl'.*Did you mean 'mlp'"),
        ({"activation": "tahn"}, "unknown activation 'tahn'.*Did you mean 'tanh'"),
        ({"batch_norm": "befor"}, "unknown batch_norm 'befor'.*Did you mean 'before'"),
        ({"batch_norm": "before", "batch_size": 1}, "batch_size = 1 is not allowed with batch_norm"),
        ({"network": "dgm", "batch_norm": "after"}, "batch_norm = 'after' is not allowed with network 'dgm'"),
        ({"input_scaling": "minmax"}, "unknown input_scaling 'minmax'"),
        ({"hard_conditions": "yes"}, "hard_conditions = 'yes'"),
        ({"sampler": "sobel"}, "unknown sampler 'sobel'.*Did you mean 'sobol'"),
        ({"optimizer": "adamm"}, "unknown optimizer"),
        (
            {"optimizer": "adam", "weight_decay": 0.1},
            "weight_decay = 0.1 is not allowed with optimizer 'adam'",
        ),
        ({"schedule": "cosin"}, "unknown schedule 'cosin'.*Did you mean 'cosine'"),
        (
            {"schedule": "cosine", "milestones": (5,)},
            "milestones = .5. is not allowed with schedule 'cosine'",
        ),
        ({"schedule": "step", "decay": 0.1}, "schedule 'step' needs milestones"),
        ({"schedule": "step", "milestones": (5,)}, "decay = 0 is not allowed with schedule 'step'"),
        ({"schedule": "exponential"}, "decay = 0 is not allowed with schedule 'exponential'"),
        (
            {"schedule": "step", "decay": 0.1, "milestones": (50, 100), "iterations": 100},
            "100 is not between 1 and 99",
        ),
        (
            {"schedule": "step", "decay": 0.1, "milestones": (50,), "iterations": 100, "windows": 2},
            "50 is not between 1 and 49, the iterations of a window",
        ),
        ({"windows": 0}, "windows = 0"),
        ({"windows": 11, "iterations": 10}, "windows = 11 is not allowed"),
        ({"loss_weights": {"interior": -1.0}}, "loss_weights.interior = -1"),
        ({"causality": -1.0}, "causality"),
        ({"averaging": 1.0}, "averaging"),
        ({"l1": -1.0}, "l1"),
        ({"polish_iterations": -1}, "polish_iterations"),
        ({"polish_points": 1}, "polish_points"),
        ({"clip_norm": 0.0}, "clip_norm"),
        ({"embedding": "furier"}, "unknown embedding 'furier'.*Did you mean 'fourier'"),
        ({"balancing": "ntl"}, "unknown balancing 'ntl'.*Did you mean 'ntk'"),
        ({"activation_slope": 0.5}, "activation_slope = 0.5"),
        ({"harmonics": 0}, "harmonics = 0"),
        (
            {"balancing": "ntk", "optimizer": "gauss-newton"},
            "balancing = 'ntk' is not allowed with optimizer 'gauss-newton'",
        ),
        (
            {"balancing": "residual-attention"},
            "balancing = 'residual-attention' is not allowed with redraw_every = 1",
        ),
        (
            {"balancing": "residual-attention", "redraw_every": 0, "causality": 1.0},
            "balancing = 'residual-attention' is not allowed with causality = 1.0",
        ),
    ],
)
def test_a_wrong_value_is_refused_in_one_sentence(values, sentence):
    with pytest.raises(ConfigurationError, match=sentence) as refused:
        TrainConfig.create(values)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("problem", "values", "sentence"),
    [
        (
            "heat",
            {"loss_weights": {"lefft": 1.0}},
            "unknown term in loss_weights of heat 'lefft'.*Did you mean 'left'",
        ),
        ("fredholm-first-kind", {"windows": 2}, "fredholm-first-kind has no time axis"),
        (
            "heat",
            {"loss_weights": {"left": 2.0}, "hard_conditions": True},
            "loss_weights.left is not allowed with hard_conditions",
        ),
        (
            "exponential-decay",
            {"loss_weights": {"interior": 0.0}, "hard_conditions": True},
            "nothing would be minimised",
        ),
        ("fredholm", {"windows": 2}, "fredholm has no time axis"),
        ("fredholm", {"causality": 1.0}, "causality = 1.0 is not allowed: fredholm has no time axis"),
        ("advection", {"harmonics": 2}, "harmonics = 2 is not allowed: advection has no periodic axis"),
        ("fredholm", {"hard_conditions": True}, "hard_conditions = true is not allowed: fredholm"),
    ],
)
def test_a_configuration_that_does_not_fit_its_problem_is_refused(problem, values, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        Setup(load_problem(problem), TrainConfig.create(values))


def test_a_configuration_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        TrainConfig().depth = 4  # type: ignore[misc]


def test_changed_is_validated_again():
    config = TrainConfig(batch_norm="before")
    assert config.changed({"depth": 5}).depth == 5
    with pytest.raises(ConfigurationError, match="batch_size = 1"):
        config.changed({"batch_size": 1})


def test_setup_changes_problem_and_configuration_by_key():
    setup = Setup(load_problem("heat"), TrainConfig())
    changed = setup.changed({"problem.diffusivity": 2.0, "width": 7})
    assert changed.problem.parameters() == {"diffusivity": 2.0}
    assert changed.config.width == 7
    assert setup.config.width == 32
    flat = changed.flat()
    assert flat["problem.diffusivity"] == 2.0
    assert flat["width"] == 7


def test_the_weight_of_a_term_is_a_key_that_keeps_the_others():
    setup = Setup(load_problem("heat"), TrainConfig(loss_weights={"left": 3.0}))
    changed = setup.changed({"loss_weights.right": 5})
    assert changed.config.loss_weights == {"left": 3.0, "right": 5.0}
    assert setup.config.loss_weights == {"left": 3.0}
    both = setup.changed({"loss_weights.right": 5, "loss_weights": {"initial": 2}})
    assert both.config.loss_weights == {"initial": 2.0, "right": 5.0}
    flat = changed.flat()
    assert flat["loss_weights"] == {"left": 3.0, "right": 5.0}
    weights = {key: value for key, value in flat.items() if key.startswith("loss_weights.")}
    assert weights == {f"loss_weights.{term}": 1.0 for term in setup.problem.terms} | {
        "loss_weights.left": 3.0,
        "loss_weights.right": 5.0,
    }


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"loss_weights.lefft": 1.0}, "unknown term in loss_weights of heat 'lefft'.*Did you mean 'left'"),
        ({"loss_weights.left": -1.0}, "loss_weights.left = -1.0 is not allowed: it must be 0 or greater"),
        ({"loss_weights.left": "much"}, "loss_weights.left = 'much' is not allowed"),
        ({"loss_weights.left": float("nan")}, "loss_weights.left = nan is not allowed"),
        ({"loss_weights": 3, "loss_weights.left": 1.0}, "loss_weights = 3 is not allowed"),
        ({"loss_weights.left": 2.0, "hard_conditions": True}, "loss_weights.left is not allowed with hard"),
    ],
)
def test_a_wrong_weight_of_a_term_is_refused_in_one_sentence(changes, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        Setup(load_problem("heat"), TrainConfig()).changed(changes)


def test_a_term_that_holds_by_itself_has_no_weight_among_the_settings():
    setup = Setup(load_problem("heat"), TrainConfig(hard_conditions=True))
    assert not [term for term in setup.problem.hard_terms if f"loss_weights.{term}" in setup.flat()]
    assert set(setup.flat()) < set(setup.keys())


def test_setup_survives_plain_values():
    config = TrainConfig(schedule="step", milestones=(3, 5), decay=0.5, loss_weights={"left": 2.0})
    setup = Setup(load_problem("heat", {"diffusivity": 0.3}), config)
    assert Setup.from_dict(setup.to_dict()) == setup


@pytest.mark.parametrize(
    ("problem", "parameters"),
    [
        ("fredholm", {"factor": True}),
        ("fredholm", {"unbiased": "yes"}),
        ("fredholm", {"unbiased": 1}),
        ("heat", {"diffusivity": "1"}),
    ],
)
def test_a_parameter_of_another_type_is_refused(problem, parameters):
    with pytest.raises(ConfigurationError, match=f"problem.{next(iter(parameters))} = "):
        load_problem(problem, parameters)


def test_a_whole_number_is_a_number():
    assert load_problem("heat", {"diffusivity": 2}).parameters() == {"diffusivity": 2.0}
    assert TrainConfig.create({"clip_norm": 1}).clip_norm == 1.0


@pytest.mark.parametrize(
    ("problem", "parameters"), [("exponential-decay", {"initial": 0.0}), ("function-fit", {"frequency": 0.0})]
)
def test_a_problem_that_zero_solves_is_refused(problem, parameters):
    with pytest.raises(ConfigurationError, match="has the solution zero"):
        load_problem(problem, parameters)


@pytest.mark.parametrize(("iterations", "milestones"), [(100, (90,)), (10, (9,)), (2, (1,)), (1, ())])
def test_a_shortened_setup_keeps_its_steps_inside(iterations, milestones):
    config = TrainConfig(schedule="step", decay=0.1, iterations=1_000, milestones=(900,))
    short = Setup(load_problem("heat"), config).shortened(iterations).config
    assert short.iterations == iterations
    assert short.milestones == milestones
    assert short.schedule == ("step" if milestones else "constant")


def test_the_defaults_are_the_paper_s_but_for_the_gain():
    paper, default = (
        Setup.named(load_problem("heat")).flat(),
        Setup(load_problem("heat"), TrainConfig()).flat(),
    )
    assert {key for key in paper if paper[key] != default[key]} == {"gain"}


def test_unknown_settings_are_refused():
    with pytest.raises(ConfigurationError, match="settings of heat"):
        Setup.named(load_problem("heat"), "papper")


@pytest.mark.parametrize("network", NETWORKS.names())
@pytest.mark.parametrize("problem", PROBLEMS.names())
def test_every_problem_trains_with_every_network(problem, network):
    """Two replicates, three steps at the smallest size: finite losses for each term."""
    from dgm_core import Trainer

    config = TrainConfig(network=network, depth=1, width=4, batch_size=4, iterations=3)
    trainer = Trainer(Setup(load_problem(problem), config), [1, 2])
    trainer.advance(3)
    assert trainer.curves.losses.isfinite().all()
    assert trainer.done
