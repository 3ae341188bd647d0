"""Each class name of the project means one thing."""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_no_two_classes_have_the_same_name():
    """Classes inside classes are apart: they are read with their owner's name, as `Waves.Settings` is."""
    places = defaultdict(list)
    for room in ("dgm_core", "studies", "analysis", "scripts"):
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places[node.name].append(f"{path.relative_to(ROOT)}:{node.lineno}")
    repeated = {name: where for name, where in places.items() if len(where) > 1}
    assert len(places) > 300
    assert not repeated
