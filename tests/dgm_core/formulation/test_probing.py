"""A problem whose terms are no residuals of a field is refused in one sentence."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from dgm_core import ConfigurationError, Setup, Trainer
from dgm_core.extensions import load, unload
from dgm_core.formulation import Box, Cauchy, Dirichlet, FixedNodes, Holds, Neumann, Problem, Robin
from dgm_core.problems import PROBLEMS

torch.set_num_threads(1)

UNIT = Box(x=(0.0, 1.0))
PLANE = Box(x=(0.0, 1.0), t=(0.0, 1.0))
NODES = FixedNodes.of(torch.linspace(0.0, 1.0, 9, dtype=torch.float64)[:, None])


def made(equation=None, region=None, condition=None, box=UNIT, **members):
    """An instance of a problem u″ + 1 = 0 with some of its parts replaced."""
    conditions = property(
        lambda self: (
            {"ends": (region or self.domain.boundary, condition or Dirichlet())} | members.get("more", {})
        )
    )
    body = {
        "domain": box,
        "equation": equation or (lambda self, y: y.d("x", "x") + 1.0),
        "conditions": conditions,
    }
    return type("Rod", (Problem,), body | members)()


REFUSED = {
    "equation": (
        lambda: made(lambda self, y: y.d("x", "x") + torch.sin(y.x[..., 0])),
        r"the term 'interior' of rod cannot be computed for K = 3 .*write x\[\.\.\., :1\] for a coordinate",
    ),
    "flat equation": (
        lambda: made(lambda self, y: y.d("x", "x")[..., 0]),
        r"'interior' of rod has the shape \(1, 5\)",
    ),
    "spread over points": (
        lambda: made(lambda self, y: y.d("x", "x") + torch.sin(y.x).transpose(1, 2)),
        r"'interior' of rod has as many components as there are points \(5 for 5\)",
    ),
    "dirichlet": (
        lambda: made(condition=Dirichlet(lambda x: 0 * x[..., 0])),
        r"'ends' of rod cannot .*the data have the shape \(1, 5\), where it must be \(1, 5, 1\)",
    ),
    "neumann": (
        lambda: made(region=UNIT.at(x=1.0), condition=Neumann(lambda x: x[..., 0])),
        r"'ends' .*the data have the shape",
    ),
    "robin": (
        lambda: made(region=UNIT.at(x=1.0), condition=Robin(lambda x: x[..., 0])),
        r"'ends' .*the data have the shape",
    ),
    "nodes": (
        lambda: made(region=NODES, condition=Dirichlet(lambda x: torch.arange(9.0))),
        r"'ends' .*the data have the shape \(9,\), where it must be \(1, 9, 1\)",
    ),
    "law at nodes": (
        lambda: made(region=NODES, condition=Holds(lambda y: y.value - torch.arange(9.0))),
        r"'ends' of rod has as many components as there are points \(9 for 9\)",
    ),
    "replicates": (
        lambda: made(lambda self, y: y.d("x", "x") + y.value.mean()),
        r"'interior' of rod differs for a replicate alone",
    ),
    "wrong kind": (
        lambda: made(condition=Dirichlet("warm")),
        r"the term 'ends' of rod cannot be computed .*what it prescribes must be a number",
    ),
    "outside of torch": (
        lambda: made(lambda self, y: torch.from_numpy(np.sin(y.value.detach().numpy()))),
        r"the term 'interior' of rod does not depend on the solution",
    ),
    "about nothing": (
        lambda: made(condition=Holds(lambda y: y.x)),
        r"the term 'ends' of rod does not depend on the solution",
    ),
    "an output without an equation": (
        lambda: made(outputs=("u", "v")),
        r"no equation for the output 'v': no term inside the domain depends on it",
    ),
    "time": (
        lambda: made(box=Box(x=(0.0, 1.0), time=(0.0, 1.0))),
        r"an axis named 'time' is not allowed in rod: time is 't'",
    ),
    "constrain, flat": (
        lambda: made(hard_terms=("ends",), constrain=lambda self, x, raw: x[..., 0] * raw[..., 0]),
        r"`constrain` of rod gives the shape \(3, 5\) at points \(3, 5, 1\)",
    ),
    "constrain, wrong": (
        lambda: made(hard_terms=("ends",), constrain=lambda self, x, raw: x * raw),
        r"`constrain` of rod does not satisfy its hard term 'ends'",
    ),
    "constrain, unknown": (
        lambda: made(hard_terms=("rest",), constrain=lambda self, x, raw: x * raw),
        r"the hard term 'rest' of rod is not one of its terms",
    ),
    "reference, flat": (
        lambda: made(reference=lambda self, x: 0.5 * x[:, :1] * (1.0 - x[:, :1])),
        r"the reference of rod has the shape \(3, 1, 1\) at points \(3, 5, 1\)",
    ),
    "reference, of the batch": (
        lambda: made(reference=lambda self, x: 0.5 * x * (1.0 - x) + x.flatten()[0]),
        r"the reference of rod has other values at points \(3, 5, 1\) than",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_residual_is_refused_with_its_term(case: str) -> None:
    make, sentence = REFUSED[case]
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        make()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("knob", [torch.nn.Parameter(torch.ones(())), torch.ones(1).requires_grad_()])
def test_what_would_never_be_trained_is_refused(knob: torch.Tensor) -> None:
    with pytest.raises(ConfigurationError, match="in the term 'interior' of rod, and would never be trained"):
        made(lambda self, y: y.d("x", "x") + 2.0 * knob)


def test_numbers_functions_and_tensors_are_data_of_any_condition() -> None:
    """u = 100 − 80 x on the unit square, held by conditions of each kind."""
    box = Box(x=(0.0, 1.0), y=(0.0, 1.0))

    class Plate(Problem):
        domain = box

        def equation(self, y):
            return y.laplacian()

        @property
        def conditions(self):
            return {
                "left": (box.at(x=0.0), Dirichlet(100.0)),
                "right": (
                    box.at(x=1.0),
                    Robin(lambda x: 1.0 + x[..., 1:], lambda x: -60.0 + 20.0 * x[..., 1:]),
                ),
                "flux": (box.at(x=1.0), Robin(2, torch.tensor(-40.0))),
                "bottom": (box.at(y=0.0), Neumann(0)),
                "top": (box.at(y=1.0), Cauchy(lambda x: 100.0 - 80.0 * x[..., :1], 0.0)),
            }

        def reference(self, x):
            return 100.0 - 80.0 * x[..., :1]

    trainer = Trainer(
        Setup.named(Plate(), "plain").changed({"iterations": 4, "width": 8, "depth": 1}), [0, 1]
    )
    trainer.advance(4)
    assert trainer.operations is not None


def test_constants_of_single_precision_are_accepted_in_training_check_and_polish() -> None:
    """div(K ∇u) = 0 with a matrix K of float32, and a coefficient chosen between two numbers."""
    matrix = torch.tensor([[2.0, 0.3], [0.3, 1.1]])

    class Plywood(Problem):
        domain = Box(x=(0.0, 1.0), y=(0.0, 1.0))

        def equation(self, y):
            hessian = [torch.cat([y.d(a, b) for b in "xy"], dim=-1) for a in "xy"]
            flow = (matrix @ torch.stack(hessian, dim=-1)).diagonal(dim1=-2, dim2=-1).sum(-1, keepdim=True)
            return torch.where(y.x[..., :1] < 0.5, 1.38, 400.0) * flow

        @property
        def conditions(self):
            return {"edge": (self.domain.boundary, Dirichlet(self.reference))}

        def reference(self, x):
            a, b = x[..., :1], x[..., 1:]
            return 1.1 * a**2 - 2.0 * b**2 + a + b

    changes = {"iterations": 3, "width": 8, "depth": 1, "polish_iterations": 3, "polish_points": 20}
    trainer = Trainer(Setup.named(Plywood(), "plain").changed(changes), [0, 1])
    trainer.advance(3)
    assert trainer.done
    assert torch.get_default_dtype() == torch.float32


def test_numbers_in_an_equation_are_checked_in_double_precision() -> None:
    """Two layers, k = 1.38 and 400: `torch.where` of two numbers is float32 by default."""

    class Layers(Problem):
        outputs = ("T", "q")
        domain = Box(x=(0.0, 2.0))

        def equation(self, y):
            k = torch.where(y.x < 1.0, 1.38, 400.0)
            return torch.cat([y.d(output=1) + k * y.d("x"), y.d("x", output=1)], dim=-1)

        @property
        def conditions(self):
            return {
                "bottom": (self.domain.at(x=0.0), Dirichlet(293.15, output=0)),
                "top": (self.domain.at(x=2.0), Dirichlet(-200.0, output=1)),
            }

        def reference(self, x):
            low, high = 293.15 + 200.0 * x / 1.38, 293.15 + 200.0 / 1.38 + 0.5 * (x - 1.0)
            return torch.cat([torch.where(x < 1.0, low, high), torch.full_like(x, -200.0)], dim=-1)

    Layers()

    class Wrong(Layers):
        def equation(self, y):
            return super().equation(y) * 1.0 + 1e-6

    with pytest.raises(ConfigurationError, match="does not satisfy its term 'interior'"):
        Wrong()


def test_data_at_nodes_on_the_edge_are_never_left_out() -> None:
    """u = x² on nodes that include both ends; without a reference the residual is measured at all of them."""

    class Fitted(Problem):
        domain = UNIT

        def equation(self, y):
            return y.d("x", "x") - 2.0

        @property
        def conditions(self):
            data = torch.linspace(0.0, 1.0, 9, dtype=torch.float64)[:, None] ** 2
            return {"data": (NODES, Holds(lambda y: y.value - data.to(y.value)))}

    trainer = Trainer(
        Setup.named(Fitted(), "plain").changed({"iterations": 2, "width": 8, "depth": 1}), [0, 1]
    )
    assert all(math.isfinite(value) for value in trainer.evaluate().score)


USER = """
from dgm_core.formulation import Box, Dirichlet, Problem

def warm(x):
    return x.gone

class Warm(Problem):
    domain = Box(x=(0.0, 1.0))

    def equation(self, y):
        return y.d("x", "x") + 1.0

    @property
    def conditions(self):
        return {"ends": (self.domain.boundary, Dirichlet(warm))}
"""


def test_an_error_is_said_with_the_line_of_the_users_file_that_raised_it(tmp_path: Path) -> None:
    file = tmp_path / "users_warm.py"
    file.write_text(USER)
    load(file)
    try:
        with pytest.raises(
            ConfigurationError, match=rf"{file}, line 5: the term 'ends' of warm cannot be .*'gone'"
        ):
            PROBLEMS.get("warm").create({})
    finally:
        unload()


def test_a_source_term_called_source_is_refused_where_it_is_written() -> None:
    with pytest.raises(ConfigurationError, match=r"Heated\.source must be a text, where"):

        class Heated(Problem):
            def source(self, x: torch.Tensor) -> torch.Tensor:
                return x
