"""Registries: one name one entry, found without importing by hand."""

from __future__ import annotations

import sys

import pytest

from dgm_core import PROBLEMS, ConfigurationError
from dgm_core.networks import NETWORKS
from dgm_core.registry import Registry


def test_the_modules_of_the_package_are_found(tmp_path, monkeypatch):
    package = tmp_path / "rooms_for_test"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from dgm_core.registry import Registry\nROOMS = Registry('room', 'rooms_for_test')\n"
    )
    (package / "kitchen.py").write_text(
        "from rooms_for_test import ROOMS\n@ROOMS.register('kitchen')\nclass Kitchen: pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import rooms_for_test  # type: ignore[import-not-found]

    rooms = rooms_for_test.ROOMS
    assert "rooms_for_test.kitchen" not in sys.modules
    assert rooms.names() == ["kitchen"]
    assert rooms.get("kitchen").__name__ == "Kitchen"


def test_a_taken_name_is_refused():
    registry: Registry[type] = Registry("shape", "dgm_core.networks")
    registry.register("a")(int)
    with pytest.raises(ConfigurationError, match="shape 'a' is registered twice"):
        registry.register("a")(str)


def test_an_unknown_name_is_answered_with_the_allowed_ones():
    with pytest.raises(ConfigurationError, match=r"unknown network 'dmg': .*dgm, mlp, resnet.* Did you mean"):
        NETWORKS.get("dmg")


def test_the_paper_s_networks_and_problems_are_there():
    assert set(NETWORKS) >= {"mlp", "dgm", "resnet"}
    assert set(PROBLEMS) >= {"heat", "exponential-decay", "fitzhugh-nagumo", "fredholm", "function-fit"}
    assert list(NETWORKS) == sorted(NETWORKS)
