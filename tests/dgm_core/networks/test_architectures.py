"""Each architecture against its formula, written out term by term."""

from __future__ import annotations

import pytest
import torch

from dgm_core import ConfigurationError
from dgm_core.networks import build_network, count_parameters
from dgm_core.networks.layers import BatchNorm, Linear
from dgm_core.training import TrainConfig


def network(seeds=(0,), inputs=2, outputs=1, **config):
    return build_network(TrainConfig.create({"width": 4, "depth": 2, **config}), inputs, outputs, seeds)


def scramble(u: torch.nn.Module) -> None:
    """Random biases too, which start at zero and would hide a wrong one."""
    generator = torch.Generator().manual_seed(8)
    with torch.no_grad():
        for parameter in u.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))


def test_dgm_is_the_published_equation():
    u = network(network="dgm", width=3)
    scramble(u)
    x = torch.randn(1, 5, 2, generator=torch.Generator().manual_seed(2))
    s = torch.tanh(x @ u.first.weight + u.first.bias)
    for layer in u.layers:
        uz, ug, ur = layer.of_gates.weight.split(3, dim=2)
        bz, bg, br = layer.of_gates.bias.split(3, dim=2)
        uh, bh = layer.of_candidate.weight, layer.of_candidate.bias
        wz, wg, wr = layer.gates.weight.split(3, dim=2)
        z = torch.tanh(x @ uz + s @ wz + bz)
        g = torch.tanh(x @ ug + s @ wg + bg)
        r = torch.tanh(x @ ur + s @ wr + br)
        h = torch.tanh(x @ uh + (s * r) @ layer.candidate.weight + bh)
        s = (1 - g) * h + z * s
    torch.testing.assert_close(u(x), s @ u.output.weight + u.output.bias, rtol=1e-5, atol=1e-5)


def test_dgm_parameter_count():
    d, w, q, depth = 2, 5, 1, 3
    expected = (d * w + w) + depth * 4 * (d * w + w * w + w) + (w * q + q)
    assert count_parameters(network(network="dgm", width=w, depth=depth)) == expected


def test_resnet_is_its_formula_with_a_projection_where_widths_differ():
    u = network(network="resnet")
    scramble(u)
    x = torch.randn(1, 5, 2, generator=torch.Generator().manual_seed(2))
    first, second = u.blocks
    y = x
    for block in (first, second):
        a, _, b = block.residual
        skip = y if block is second else y @ first.skip.weight
        y = torch.tanh(torch.tanh(y @ a.weight + a.bias) @ b.weight + b.bias + skip)
    assert first.skip.bias is None
    assert isinstance(second.skip, torch.nn.Identity)
    torch.testing.assert_close(u(x), y @ u.output.weight + u.output.bias, rtol=1e-5, atol=1e-5)


def test_resnet_of_the_input_width_needs_no_projection():
    u = network(network="resnet", width=2)
    assert all(isinstance(block.skip, torch.nn.Identity) for block in u.blocks)


def test_mlp_has_the_paper_s_shape():
    """2→32→32→32→1 of the paper's heat network."""
    u = network(width=32, depth=3)
    shapes = [tuple(m.weight.shape[1:]) for m in u.modules() if isinstance(m, Linear)]
    assert shapes == [(2, 32), (32, 32), (32, 32), (32, 1)]


@pytest.mark.parametrize(("batch_norm", "order"), [("before", "LBAL"), ("after", "LABL"), ("none", "LAL")])
def test_mlp_normalises_where_it_says_and_drops_the_bias_before(batch_norm, order):
    u = network(batch_norm=batch_norm, depth=1)
    letters = {"Linear": "L", "BatchNorm": "B"}
    assert "".join(letters.get(type(step).__name__, "A") for step in u.steps) == order
    first, *_, last = u.layers
    assert (first.bias is None) == (batch_norm != "none")
    assert last.bias is not None


@pytest.mark.parametrize(("name", "per_layer"), [("mlp", 1), ("resnet", 2)])
def test_each_layer_has_a_normalisation_of_its_own(name, per_layer):
    u = network(network=name, batch_norm="before", depth=3)
    norms = [module for module in u.modules() if isinstance(module, BatchNorm)]
    assert len(norms) == 3 * per_layer


@pytest.mark.parametrize(("name", "batch_norm"), [("dgm", "before"), ("dgm", "after"), ("resnet", "after")])
def test_a_normalisation_that_an_architecture_lacks_is_refused(name, batch_norm):
    with pytest.raises(ConfigurationError, match=rf"batch_norm = '{batch_norm}' is not allowed .* '{name}'"):
        network(network=name, batch_norm=batch_norm)
