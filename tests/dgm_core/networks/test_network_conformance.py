"""What every registered network promises, whatever its architecture."""

from __future__ import annotations

import pytest
import torch

from dgm_core.networks import ACTIVATIONS, NETWORKS, build_network, count_parameters
from dgm_core.networks.activations import Activation
from dgm_core.networks.layers import Linear
from dgm_core.networks.scale import Scale
from dgm_core.training import TrainConfig

D, Q, N = 2, 3, 7


def config(network: str, activation: str = "tanh", **changes) -> TrainConfig:
    return TrainConfig(network=network, activation=activation, **{"depth": 2, "width": 6, **changes})


def points(replicates: int) -> torch.Tensor:
    return torch.randn(replicates, N, D, generator=torch.Generator().manual_seed(5))


def opened(network: torch.nn.Module) -> torch.nn.Module:
    """A share of zero, with which a PirateNet begins, hides what its blocks do."""
    for module in network.modules():
        if isinstance(getattr(module, "share", None), Scale):
            module.share.parameter.data.fill_(0.5)
    return network


every_network = pytest.mark.parametrize("network", NETWORKS.names())
every_norm = pytest.mark.parametrize(
    ("network", "batch_norm"), [(name, norm) for name in NETWORKS for norm in NETWORKS.get(name).batch_norms]
)


@every_network
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("replicates", [1, 3])
class TestEveryActivation:
    def test_shapes(self, network, activation, replicates):
        u = build_network(config(network, activation), D, Q, range(replicates))
        assert u(points(replicates)).shape == (replicates, N, Q)
        assert u(points(replicates)).dtype == torch.float32
        assert all(tensor.shape[0] == replicates for tensor in u.state_dict().values())

    def test_every_parameter_gets_a_gradient(self, network, activation, replicates):
        u = opened(build_network(config(network, activation), D, Q, range(replicates)))
        weights = torch.randn(replicates, N, Q, generator=torch.Generator().manual_seed(1))
        (u(points(replicates)) * weights).sum().backward()
        for name, parameter in u.named_parameters():
            assert parameter.grad is not None, name
            assert (parameter.grad.flatten(1).abs().amax(1) > 0).all(), name

    def test_replicates_do_not_mix(self, network, activation, replicates):
        u = build_network(config(network, activation), D, Q, range(replicates))
        x = points(replicates).requires_grad_()
        before = u(x)
        gradient = torch.autograd.grad(before.square().sum(), x)[0]
        with torch.no_grad():
            for parameter in u.parameters():
                parameter[-1] += 0.3
        after = u(x)
        changed = torch.autograd.grad(after.square().sum(), x)[0]
        assert torch.equal(after[:-1], before[:-1])
        assert torch.equal(changed[:-1], gradient[:-1])
        assert not torch.equal(after[-1], before[-1])


@every_network
@pytest.mark.parametrize("changes", [{"weight_factorisation": 0.5}, {"activation_slope": 5.0}], ids=str)
class TestTrainedFactors:
    def test_at_first_the_network_is_the_one_without_them(self, network, changes):
        """But for what is drawn from the same stream: the weights, which are taken over."""
        plain = build_network(config(network), D, Q, [3])
        found = build_network(config(network, **changes), D, Q, [3])
        linears = ([m for m in u.modules() if isinstance(m, Linear)] for u in (plain, found))
        for one, other in zip(*linears, strict=True):
            one.weight.data = other.matrix.data
        torch.testing.assert_close(found(points(1)), plain(points(1)), rtol=1e-5, atol=1e-6)

    def test_every_parameter_gets_a_gradient_and_none_mixes(self, network, changes):
        u = opened(build_network(config(network, **changes), D, Q, [1, 2, 3]))
        before = u(points(3))
        before.square().sum().backward()
        for name, parameter in u.named_parameters():
            assert parameter.shape[0] == 3
            assert (parameter.grad.flatten(1).abs().amax(1) > 0).all(), name
        with torch.no_grad():
            for parameter in u.parameters():
                parameter[-1] += 0.3
        after = u(points(3))
        assert torch.equal(after[:-1], before[:-1])
        assert not torch.equal(after[-1], before[-1])


@every_norm
class TestEveryNormalisation:
    def test_replicate_among_five_equals_the_one_alone(self, network, batch_norm):
        seeds = [3, 1, 4, 15, 9]
        five = build_network(config(network, batch_norm=batch_norm), D, Q, seeds)
        x = points(5)
        together = five(x)
        for k, seed in enumerate(seeds):
            alone = build_network(config(network, batch_norm=batch_norm), D, Q, [seed])
            torch.testing.assert_close(alone(x[k : k + 1])[0], together[k], rtol=1e-5, atol=1e-6)
            state = five.state_dict()
            for name, value in alone.state_dict().items():
                torch.testing.assert_close(value[0], state[name][k], rtol=1e-5, atol=1e-6)

    def test_nan_in_one_replicate_stays_there(self, network, batch_norm):
        u = build_network(config(network, batch_norm=batch_norm), D, Q, [1, 2, 3])
        with torch.no_grad():
            for parameter in u.parameters():
                parameter[1] = torch.nan
        y = u(points(3))
        y.sum().backward()
        assert torch.isfinite(y[[0, 2]]).all()
        assert not torch.isfinite(y[1]).any()
        assert all(torch.isfinite(p.grad[[0, 2]]).all() for p in u.parameters())

    def test_each_layer_adds_the_same_number_of_parameters(self, network, batch_norm):
        counts = [
            count_parameters(build_network(config(network, batch_norm=batch_norm, depth=depth), D, Q, [0]))
            for depth in (1, 2, 3, 6)
        ]
        per_layer = counts[1] - counts[0]
        assert per_layer > 0
        assert counts[2] - counts[1] == per_layer
        assert counts[3] - counts[2] == 3 * per_layer

    def test_third_derivatives_flow(self, network, batch_norm):
        """The gradient of a second-derivative residual reaches the first layer."""
        u = build_network(config(network, batch_norm=batch_norm), D, 1, [0, 1])
        x = points(2).requires_grad_()
        first = torch.autograd.grad(u(x).square().sum(), x, create_graph=True)[0]
        second = torch.autograd.grad(first.square().sum(), x, create_graph=True)[0]
        second.square().sum().backward()
        assert (next(u.parameters()).grad.flatten(1).abs().amax(1) > 0).all()


def activated_units(network: str, depth: int, width: int) -> int:
    return {
        "mlp": depth * width,
        "modified-mlp": (2 + depth) * width,
        "piratenet": (3 + 3 * depth) * width,
        "resnet": 2 * depth * width,
        "dgm": width + 4 * depth * width,
    }[network]


@every_network
@pytest.mark.parametrize("depth", [1, 3])
def test_every_unit_of_every_layer_passes_the_configured_activation(network, depth, monkeypatch):
    seen = []

    def counting(x: torch.Tensor) -> torch.Tensor:
        seen.append(x.shape[-1])
        return torch.tanh(x)

    monkeypatch.setitem(ACTIVATIONS, "counting", Activation(counting, "xavier_uniform", 1.0))
    u = build_network(config(network, "counting", depth=depth, width=5), D, Q, [0])
    u(points(1))
    assert sum(seen) == activated_units(network, depth, 5)


@every_network
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_constant_activation_leaves_a_constant_network(network, value, monkeypatch):
    """Any layer or gate with an activation of its own would let x through."""
    constant = Activation(lambda x: x * 0.0 + value, "xavier_uniform", 1.0)
    monkeypatch.setitem(ACTIVATIONS, "constant", constant)
    y = build_network(config(network, "constant"), D, Q, [0, 1])(points(2))
    torch.testing.assert_close(y, y[:, :1].expand_as(y), rtol=0, atol=1e-6)


@every_network
def test_activations_give_different_networks_from_the_same_weights(network):
    outputs = []
    for activation in ACTIVATIONS:
        same = {"initialisation": "xavier_normal", "gain": 1.0}
        outputs.append(build_network(config(network, activation, **same), D, Q, [0])(points(1)))
    for i, first in enumerate(outputs):
        assert all((first - other).abs().max() > 1e-4 for other in outputs[i + 1 :])


@every_network
def test_seeds_and_paths_give_different_weights(network):
    def first(seed, *path):
        return next(build_network(config(network), D, Q, [seed], *path).parameters())

    assert torch.equal(first(1), first(1))
    assert not torch.equal(first(1), first(2))
    assert not torch.equal(first(1), first(1, "window", 1))
