"""Which room may know which: the imports are read, and an arrow that turns round fails."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = {"dgm_core": "dgm_core", "studies": "studies", "analysis": "analysis", "dgm_cli": "scripts/dgm_cli"}

FORBIDDEN = {
    "dgm_core": {"studies", "analysis", "dgm_cli", "ray", "optuna", "pandas", "matplotlib", "rich", "typer"},
    "studies": {"analysis", "dgm_cli", "matplotlib", "typer"},
    "analysis": {"dgm_core", "dgm_cli", "torch", "ray", "optuna", "typer", "rich"},
    "dgm_cli": set(),
}
ANALYSIS_MAY_KNOW = {"studies.records"}
FLOORS = {
    "objectives": {"cost"},
    "samplers": set(),
    "stopping": set(),
    "study": {"objectives", "samplers", "stopping", "cost"},
    "catalog": {"study"},
    "records": {"errors"},
    "planning": {"objectives", "samplers", "stopping", "study", "records", "errors", "cost"},
    "replay": {"samplers", "stopping", "study", "planning", "records", "errors"},
    "preflight": {"study", "planning", "records", "errors", "cost"},
    "trials": {"records", "errors"},
    "tune": {
        *("stopping", "study", "records", "planning", "trials"),
        *("errors", "failures", "hints", "processes", "signals"),
    },
    "running": {
        *("stopping", "study", "records", "planning", "preflight", "trials", "tune"),
        *("errors", "failures", "hints", "processes", "signals", "sources", "cost"),
    },
}
"""Room of `studies` -> the others that it may know: no circle, and no arrow back."""
JOINS = "studies/public.py"
"""From Python and notebooks: it may know `analysis`, as the command line may."""
STARTS_RAY = "studies/tune/session.py"


def files(room: str) -> list[Path]:
    return sorted((ROOT / ROOMS[room]).rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def imports(path: Path) -> set[str]:
    """Full names of all modules that a file imports, at its top or inside its functions."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_room_imports_only_what_it_may_know(room: str) -> None:
    assert files(room)
    for path in files(room):
        tops = {name.split(".")[0] for name in imports(path)}
        own = str(path.relative_to(ROOT))
        forbidden = FORBIDDEN[room] - ({"analysis", "matplotlib"} if own == JOINS else set())
        assert not tops & forbidden, f"{own} imports {tops & forbidden}"


def test_analysis_knows_the_records_of_studies_alone() -> None:
    for path in files("analysis"):
        known = {name for name in imports(path) if name.startswith("studies.")}
        allowed = {name for name in known if any(name.startswith(module) for module in ANALYSIS_MAY_KNOW)}
        assert known <= allowed, f"{path.relative_to(ROOT)} imports {known - allowed}"


@pytest.mark.parametrize("room", FLOORS)
def test_rooms_of_studies_know_only_those_below_them(room: str) -> None:
    paths = sorted((ROOT / "studies" / room).rglob("*.py"))
    assert paths
    allowed = [f"studies.{name}." for name in (room, *FLOORS[room])]
    for path in paths:
        known = {name for name in imports(path) if name.startswith("studies.")}
        strange = {name for name in known if not any(f"{name}.".startswith(prefix) for prefix in allowed)}
        assert not strange, f"{path.relative_to(ROOT)} imports {strange}"


def test_only_one_room_of_studies_imports_ray() -> None:
    importers = {
        path.relative_to(ROOT / "studies").parts[0]
        for path in files("studies")
        if any(name.split(".")[0] == "ray" for name in imports(path))
    }
    assert importers == {"tune"}


PRIVATE_PARTS = "studies/tune/private"
"""Where private parts of Ray may be named."""


def _private_of_ray(path: Path) -> set[str]:
    """What a file imports of Ray, or looks up on what Ray hands out, that Ray does not promise."""
    unpromised = {
        name
        for name in imports(path)
        if name.split(".")[0] == "ray"
        and (any(part.startswith("_") for part in name.split(".")) or UNPROMISED.match(name))
    }
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.endswith("__"):
            root: ast.expr = node.value
            while isinstance(root, ast.Attribute):
                root = root.value
            if isinstance(root, ast.Name) and root.id in RAYS:
                unpromised.add(f"{root.id}…{node.attr}")
    return unpromised


UNPROMISED = re.compile(r"ray\.(core|tune\.execution|dashboard|air\.execution)\b")
RAYS = {"ray", "tune", "tune_controller", "controller", "trial"}
"""Names by which modules know Ray, and what it hands to schedulers and callbacks."""


def test_only_one_package_names_private_parts_of_ray() -> None:
    paths = [*(path for room in ROOMS for path in files(room)), *(ROOT / "scripts/dev").rglob("*.py")]
    private = {str(path.relative_to(ROOT)): _private_of_ray(path) for path in paths}
    named = {path for path, names in private.items() if names}
    assert named
    assert {path for path in named if not path.startswith(PRIVATE_PARTS)} == set()


def test_nothing_that_is_installed_imports_the_development_tools() -> None:
    for room in ROOMS:
        for path in files(room):
            assert not any(name.split(".")[0] in {"dev", "tests"} for name in imports(path)), path


def test_records_know_neither_torch_nor_ray() -> None:
    for path in (ROOT / "studies/records").rglob("*.py"):
        known = {name for name in imports(path) if not name.startswith("dgm_core.errors")}
        assert not {name.split(".")[0] for name in known} & {"torch", "ray", "optuna", "dgm_core"}, path


JOINS_AS_CLIENT = "scripts/dgm_cli/cluster/jobs.py"
"""Through Ray Client, to hand over a job: it starts none."""


def test_only_one_module_starts_ray() -> None:
    starters = [
        str(path.relative_to(ROOT))
        for room in ROOMS
        for path in files(room)
        if "ray.init(" in path.read_text() or "ray.shutdown(" in path.read_text()
    ]
    assert starters == [STARTS_RAY, JOINS_AS_CLIENT]


def test_problems_know_no_network_and_networks_no_problem() -> None:
    for path in [*(ROOT / "dgm_core/problems").rglob("*.py"), *(ROOT / "dgm_core/formulation").rglob("*.py")]:
        assert not any("networks" in name or "training" in name for name in imports(path)), path
    for path in (ROOT / "dgm_core/networks").rglob("*.py"):
        assert not any("problems" in name or "training" in name for name in imports(path)), path


def test_parts_know_no_equation() -> None:
    for path in (ROOT / "dgm_core/formulation").rglob("*.py"):
        assert not any(name.startswith("dgm_core.problems") for name in imports(path)), path


@pytest.mark.parametrize("room", ROOMS)
def test_no_two_files_import_each_other(room: str) -> None:
    """At the top or in a function, for the types alone or not; packages' own lists of names apart."""
    modules = {}
    for path in files(room):
        parts = path.relative_to(ROOT / ROOMS[room]).with_suffix("").parts
        if parts[-1] != "__init__":
            modules[".".join((room, *parts))] = imports(path)
    pairs = {
        tuple(sorted((one, other)))
        for one, known in modules.items()
        for other in known & modules.keys()
        if one in modules[other]
    }
    assert not pairs
