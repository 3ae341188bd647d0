"""Initial weights: limits, deviations, gains and streams."""

from __future__ import annotations

import math

import pytest
import torch

from dgm_core import ConfigurationError
from dgm_core.networks import ACTIVATIONS, INITIALISATIONS, build_network
from dgm_core.networks.initialisation import draw_weights
from dgm_core.networks.layers import Linear
from dgm_core.training import TrainConfig

FAN_IN, FAN_OUT = 60, 140


def generators(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def deviation(name: str, gain: float) -> float:
    fan = (FAN_IN + FAN_OUT) / 2 if name.startswith("xavier") else FAN_IN
    return gain / math.sqrt(fan)


@pytest.mark.parametrize("gain", [1.0, 5 / 3])
@pytest.mark.parametrize("name", INITIALISATIONS)
def test_mean_and_deviation(name, gain):
    weights = draw_weights(name, FAN_IN, FAN_OUT, gain, generators(1, 2))
    assert weights.shape == (2, FAN_IN, FAN_OUT)
    expected = deviation(name, gain)
    for replicate in weights:
        assert replicate.std().item() == pytest.approx(expected, rel=0.03)
        assert abs(replicate.mean().item()) < 4 * expected / math.sqrt(FAN_IN * FAN_OUT)


@pytest.mark.parametrize("name", ["xavier_uniform", "kaiming_uniform"])
def test_uniform_limits(name):
    limit = math.sqrt(3) * deviation(name, 2.0)
    weights = draw_weights(name, FAN_IN, FAN_OUT, 2.0, generators(3))
    assert weights.abs().max() <= limit
    assert weights.max() > 0.99 * limit
    assert weights.min() < -0.99 * limit


@pytest.mark.parametrize("name", ["xavier_normal", "kaiming_normal"])
def test_normal_weights_are_not_bounded_by_the_uniform_limit(name):
    weights = draw_weights(name, FAN_IN, FAN_OUT, 1.0, generators(3))
    share = (weights.abs() > 2 * deviation(name, 1.0)).float().mean().item()
    assert share == pytest.approx(0.0455, abs=0.01)


@pytest.mark.parametrize("name", INITIALISATIONS)
def test_same_deviation_as_torch(name):
    init = {
        "xavier_uniform": torch.nn.init.xavier_uniform_,
        "xavier_normal": torch.nn.init.xavier_normal_,
        "kaiming_uniform": lambda w, generator: torch.nn.init.kaiming_uniform_(w, generator=generator),
        "kaiming_normal": lambda w, generator: torch.nn.init.kaiming_normal_(w, generator=generator),
    }[name]
    theirs = init(torch.empty(FAN_OUT, FAN_IN), generator=torch.Generator().manual_seed(9))
    gain = math.sqrt(2) if name.startswith("kaiming") else 1.0
    ours = draw_weights(name, FAN_IN, FAN_OUT, gain, generators(4))
    assert ours.std().item() == pytest.approx(theirs.std().item(), rel=0.04)


@pytest.mark.parametrize("activation", ["tanh", "relu", "leaky_relu", "sigmoid"])
def test_gains_are_torch_s(activation):
    assert ACTIVATIONS[activation].gain == pytest.approx(torch.nn.init.calculate_gain(activation))


def linears(**config) -> list[Linear]:
    u = build_network(TrainConfig(width=200, depth=2, **config), 2, 200, [0])
    return [module for module in u.modules() if isinstance(module, Linear)]


def test_gain_applies_to_hidden_layers_and_not_to_the_output():
    _, hidden, output = linears(initialisation="xavier_normal", gain=3.0)
    assert hidden.weight.std().item() == pytest.approx(3 / math.sqrt(200), rel=0.03)
    assert output.weight.std().item() == pytest.approx(1 / math.sqrt(200), rel=0.03)


def test_default_follows_the_activation():
    for name, activation in ACTIVATIONS.items():
        expected = linears(activation=name, initialisation=activation.initialisation, gain=activation.gain)
        for layer, same in zip(linears(activation=name), expected, strict=True):
            assert torch.equal(layer.weight, same.weight)


def test_biases_start_at_zero():
    assert all(not layer.bias.any() for layer in linears())


def test_replicates_draw_from_their_own_generators():
    pair = draw_weights("xavier_uniform", 3, 4, 1.0, generators(1, 2))
    alone = draw_weights("xavier_uniform", 3, 4, 1.0, generators(2))
    assert torch.equal(pair[1], alone[0])
    assert not torch.equal(pair[0], pair[1])


def test_fused_parts_have_the_limits_of_one():
    layer = Linear(4, 50, "xavier_uniform", 1.0, generators(0), parts=3)
    assert layer.weight.shape == (1, 4, 150)
    limit = math.sqrt(6 / 54)
    for part in layer.weight.split(50, dim=2):
        assert 0.9 * limit < part.abs().max() <= limit


def test_unknown_initialisation_is_refused():
    with pytest.raises(ConfigurationError, match="unknown initialisation 'xavier_unifrom'"):
        TrainConfig.create({"initialisation": "xavier_unifrom"})
