"""Settings that one architecture alone has: validated, changed by key, recorded, and read by the network."""

from __future__ import annotations

import pytest
from optuna.distributions import IntDistribution

from dgm_core import ConfigurationError, Setup, Trainer, extensions, load_problem
from dgm_core.networks import build_network
from studies import Search

BASE = Setup.named(load_problem("heat"), "paper").changed({"batch_size": 8, "iterations": 5})


OWN = '''
import torch
from pydantic import Field

from dgm_core.networks import Network, NetworkSettings


class Waves(Network):
    """Sines of a number of frequencies, and a linear map of them."""

    class Settings(NetworkSettings):
        frequencies: int = Field(default=3, ge=1, le=20, strict=True)

    def __init__(self, inputs, outputs, config, make):
        super().__init__(inputs, outputs, config, make)
        self.first = make.hidden(inputs, self.settings.frequencies)
        self.last = make.output(self.settings.frequencies, outputs)

    def forward(self, x):
        return self.last(torch.sin(self.first(x)))
'''


@pytest.fixture
def waves(own_files, tmp_path) -> Setup:
    (tmp_path / "waves_net.py").write_text(OWN)
    extensions.load(tmp_path / "waves_net.py")
    return BASE.changed({"network": "waves"})


def sizes(setup: Setup) -> list[int]:
    """Numbers in each parameter of one replicate."""
    return [p[0].numel() for p in build_network(setup.config, 2, 1, [0]).parameters()]


def test_widths_by_layer():
    by_hand = [2 * 5, 5, 5 * 4, 4, 4 * 3, 3, 3, 1]
    assert sizes(BASE.changed({"network.widths": [5, 4, 3]})) == by_hand
    plain, same = BASE.changed({"depth": 2, "width": 6}), BASE.changed({"network.widths": [6, 6]})
    assert sizes(plain) == sizes(same)
    trainer = Trainer(BASE.changed({"network": "resnet", "network.widths": [6, 4]}), [0])
    trainer.advance(2)
    assert trainer.predict().isfinite().all()


def test_a_network_of_ones_own_is_told_and_recorded(waves):
    assert waves.flat()["network.frequencies"] == 3
    five = waves.changed({"network.frequencies": 5})
    assert five.flat()["network.frequencies"] == 5
    assert "network_settings" not in five.flat()
    assert Setup.from_dict(five.to_dict()) == five
    assert five.changed({"width": 7}).flat()["network.frequencies"] == 5, "other changes keep it"
    trainer = Trainer(five, [0, 1])
    trainer.advance(2)
    assert sum(p[0].numel() for p in trainer.network.parameters()) == 2 * 5 + 5 + 5 + 1


def test_they_are_searched_like_any_setting(waves):
    search = Search(
        name="frequencies",
        base=waves,
        space={"network.frequencies": IntDistribution(2, 9)},
        trials=2,
        replicates=1,
        grace_period=1,
    )
    assert search.base.changed({"network.frequencies": 9}).config.network_settings == {"frequencies": 9}


def test_another_network_begins_with_its_own(waves):
    told = waves.changed({"network.frequencies": 5}).changed({"network": "mlp"})
    assert told.config.network_settings == {}
    assert "network.widths" in told.flat()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"network.width": [4]}, "unknown key 'network.width': it must be network.widths"),
        ({"network.widths": [0]}, r"network\.widths.* = 0 is not allowed"),
        ({"network": "dgm", "network.widths": [4]}, "dgm has no settings of its own"),
    ],
)
def test_what_a_network_does_not_know_is_refused(changes, words):
    with pytest.raises(ConfigurationError, match=words):
        BASE.changed(changes)


def test_settings_of_its_own_are_checked(waves):
    with pytest.raises(ConfigurationError, match=r"network\.frequencies = 0 is not allowed"):
        waves.changed({"network.frequencies": 0})
