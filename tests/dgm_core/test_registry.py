"""Registries: one name one entry, found without importing by hand."""

from __future__ import annotations

import importlib
import sys

import pytest

from dev.bench.comparison import COMPARISONS
from dgm_core import PROBLEMS, ConfigurationError
from dgm_core.networks import NETWORKS
from dgm_core.registry import kebab
from studies.catalog import STUDIES

ROOMS = """
from dgm_core.registry import Registry, subclasses
class Room:
    name = "any"
ROOMS = Registry("room", "rooms_for_test", lambda module: subclasses(module, Room))
"""


@pytest.fixture
def rooms(tmp_path, monkeypatch):
    """A package of one module, and its registry's folder."""
    package = tmp_path / "rooms_for_test"
    package.mkdir()
    (package / "__init__.py").write_text(ROOMS)
    add_room(package, "kitchen", "kitchen")
    monkeypatch.syspath_prepend(tmp_path)
    yield package
    for name in [name for name in sys.modules if name.startswith("rooms_for_test")]:
        del sys.modules[name]


def add_room(package, module, name):
    text = f"from rooms_for_test import Room\nclass Own(Room):\n    name = {name!r}\n"
    (package / f"{module}.py").write_text(text)


def test_the_modules_of_the_package_are_found(rooms):
    import rooms_for_test  # type: ignore[import-not-found]

    registry = rooms_for_test.ROOMS
    assert "rooms_for_test.kitchen" not in sys.modules
    assert registry.names() == ["kitchen"]
    assert registry.get("kitchen").__name__ == "Own"


def test_a_look_up_imports_no_more_than_the_file_that_is_called_so(rooms):
    add_room(rooms, "dining_hall", "dining-hall")
    add_room(rooms, "cellar", "wine")
    import rooms_for_test

    registry = rooms_for_test.ROOMS
    assert registry.get("dining-hall").name == "dining-hall"
    assert "rooms_for_test.kitchen" not in sys.modules
    assert registry.get("wine").name == "wine"
    with pytest.raises(ConfigurationError, match=r"'../cellar'.*dining-hall, kitchen.*wine"):
        registry.get("../cellar")


@pytest.mark.parametrize("registry", [PROBLEMS, NETWORKS, STUDIES, COMPARISONS], ids=lambda each: each.kind)
def test_what_is_the_program_s_own_is_in_the_file_that_is_called_so(registry):
    for name in registry.names():
        module = importlib.import_module(f"{registry.package}.{name.replace('-', '_')}")
        assert name in dict(registry.find(module))


def test_a_taken_name_is_refused_and_names_both_places(rooms):
    add_room(rooms, "pantry", "kitchen")
    import rooms_for_test

    with pytest.raises(ConfigurationError, match=r"room 'kitchen' is defined twice.*kitchen\.py.*pantry\.py"):
        rooms_for_test.ROOMS.names()


def test_a_class_without_a_name_can_be_built_upon_and_is_refused_where_nothing_is(rooms):
    base = "from rooms_for_test import Room\nclass Base(Room):\n    name: str\n"
    (rooms / "__init__.py").write_text(ROOMS.replace('    name = "any"', "    name: str"))
    (rooms / "hall.py").write_text(f'{base}class Hall(Base):\n    name = "hall"\n')
    found = importlib.import_module("rooms_for_test").ROOMS
    assert found.names() == ["hall", "kitchen"]
    add = rooms / "attic.py"
    add.write_text(base)
    del sys.modules["rooms_for_test"]
    with pytest.raises(ConfigurationError, match=r"the class Base of .*attic\.py has no name"):
        importlib.import_module("rooms_for_test").ROOMS.names()


@pytest.mark.parametrize(
    ("name", "written"),
    [("HeatCauchy", "heat-cauchy"), ("MLP", "mlp"), ("PoissonND", "poisson-nd"), ("My2D", "my2-d")],
)
def test_a_class_s_name_is_written_in_small_letters(name, written):
    assert kebab(name) == written


def test_an_unknown_name_is_answered_with_the_allowed_ones():
    with pytest.raises(
        ConfigurationError,
        match=r"unknown network 'dmg': .*dgm, mlp, .*piratenet, resnet.* Did you mean",
    ):
        NETWORKS.get("dmg")


def test_the_paper_s_networks_and_problems_are_there():
    assert set(NETWORKS) >= {"mlp", "dgm", "resnet"}
    assert set(PROBLEMS) >= {"heat", "exponential-decay", "fitzhugh-nagumo", "fredholm", "function-fit"}
    assert list(NETWORKS) == sorted(NETWORKS)
