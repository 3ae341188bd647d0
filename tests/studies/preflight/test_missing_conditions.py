"""What a problem lacks is said; what it may lack is not."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import pytest
import torch

from dgm_core import Problem, load_problem
from dgm_core.formulation import (
    Annulus,
    Box,
    Dirichlet,
    FixedNodes,
    Holds,
    InitialVelocity,
    Integral,
    InTime,
    Neumann,
    Periodic,
    Polygon,
)
from dgm_core.formulation.determination import LOW_DEGREES, determination
from dgm_core.training import TrainConfig
from dgm_core.training.setup import Setup
from studies.preflight import Question, examine, orders_by_output


class Told(Problem):
    """Whatever a test gives it."""

    domain: ClassVar[Any] = Box(x=(0.0, 1.0), t=(0.0, 1.0))
    law: ClassVar[Any]
    held: ClassVar[Any] = {}

    def equation(self, y: Any) -> Any:
        return type(self).law(y)

    @property
    def conditions(self) -> Any:
        return self.held


def warned(law: Any, held: Any, domain: Any = Told.domain, **more: Any) -> list[str]:
    kind = type("Any", (Told,), {"law": staticmethod(law), "held": held, "domain": domain, **more})
    return warnings_of(kind())


def warnings_of(problem: Problem) -> list[str]:
    findings = examine(Question(Setup(problem, TrainConfig())))
    return [str(finding) for finding in findings if finding.check == "missing-conditions"]


def heat(y: Any) -> Any:
    return y.d("t") - y.d("x", "x")


def string(y: Any) -> Any:
    return y.d("t", "t") - y.d("x", "x")


ROD = Told.domain
ENDS = {"ends": (ROD.boundary, Dirichlet())}
START = {"start": (ROD.initial, Dirichlet(lambda x: torch.sin(math.pi * x[..., :1])))}
BEAM = Box(x=(0.0, 1e-3))
INSIDE = torch.cartesian_prod(*2 * [torch.linspace(0.1, 0.9, 9, dtype=torch.float64)])


def test_a_missing_initial_value_is_told() -> None:
    (said,) = warned(heat, ENDS)
    assert said.startswith("No condition of any holds at an instant")
    assert "self.domain.initial" in said
    assert "well_posed = False" in said


def test_a_missing_velocity_is_told() -> None:
    (said,) = warned(string, {**ENDS, **START})
    assert "has 2 derivatives in time, counting each output's highest, and 1 condition at instants" in said
    assert "InitialVelocity" in said
    assert not warned(string, {**ENDS, **START, "rate": (ROD.initial, InitialVelocity())})


def test_a_first_and_a_last_value_are_two_conditions() -> None:
    assert not warned(string, {**ENDS, **START, "last": (ROD.at(t=1.0), Dirichlet())})


def test_a_missing_face_is_told_in_any_unit() -> None:
    for scale in (1e-6, 1.0, 1e6):
        rod = Box(x=(0.0, scale), t=(0.0, 1.0))
        start = {"start": (rod.initial, Dirichlet(lambda x, s=scale: torch.sin(math.pi * x[..., :1] / s)))}
        left = {"left": (rod.at(x=0.0), Dirichlet())}
        law = lambda y, s=scale: y.d("t") - s**2 * y.d("x", "x")  # noqa: E731
        (said,) = warned(law, {**start, **left}, rod)
        assert "the part 'x_max'" in said
        assert not warned(law, {**start, **left, "right": (rod.at(x=scale), Neumann())}, rod)


def test_many_faces_are_one_sentence() -> None:
    corners = [(math.cos(a), math.sin(a)) for a in torch.linspace(0, 6.2, 40).tolist()]
    (said,) = warned(lambda y: y.laplacian() + 1.0, {}, Polygon(tuple(corners)))
    assert "'edge_1' and 39 others" in said


def test_a_beam_held_by_its_values_alone_is_told() -> None:
    values = {"values": (BEAM.boundary, Dirichlet())}
    law = lambda y: y.d("x", "x", "x", "x") - 1.0  # noqa: E731
    (said,) = warned(law, values, BEAM)
    assert "4 derivatives along x" in said
    assert "2 conditions on x_min and x_max" in said
    assert not warned(law, {**values, "slopes": (BEAM.boundary, Neumann())}, BEAM)


def test_a_system_is_counted_as_a_whole() -> None:
    # u'' = w, w'' = 1 clamped: all four conditions are on u.
    law = lambda y: torch.cat([y.d("x", "x") - y.d(output=1), y.d("x", "x", output=1) - 1.0], dim=-1)  # noqa: E731
    line = Box(x=(0.0, 1.0))
    values, slopes = (line.boundary, Dirichlet(output=0)), (line.boundary, Neumann(output=0))
    assert not warned(law, {"values": values, "slopes": slopes}, line, outputs=("u", "w"))
    assert warned(law, {"values": values}, line, outputs=("u", "w"))


def test_outflow_needs_no_condition_and_inflow_does() -> None:
    carried = lambda y: y.d("t") + 0.3 * y.d("x")  # noqa: E731
    inflow = {"left": (ROD.at(x=0.0), Dirichlet())}
    assert not warned(carried, {**START, **inflow})
    # Everything leaves through both ends.
    assert not warned(lambda y: y.d("t") + (y.x[..., :1] - 0.5) * y.d("x"), START)


def test_a_face_where_the_equation_degenerates_needs_none() -> None:
    disc = Box(r=(0.0, 1.0))
    law = lambda y: y.d("r", "r") * y.x + y.d("r") + 4.0 * y.x  # noqa: E731
    assert not warned(law, {"rim": (disc.at(r=1.0), Dirichlet())}, disc)


def test_measured_data_stand_in_for_an_initial_value() -> None:
    values = torch.exp(-(math.pi**2) * INSIDE[:, 1:]) * torch.sin(math.pi * INSIDE[:, :1])
    known = {"data": (FixedNodes.of(INSIDE), Dirichlet(lambda x: values.to(x)))}
    assert not warned(heat, {**ENDS, **known})


def test_periodic_axes_need_nothing_else() -> None:
    around = {"around": (ROD.at(x=0.0), Periodic(ROD.axes[0]))}
    assert not warned(heat, {"start": (ROD.initial, Dirichlet(1.0)), **around})
    assert not warned(
        heat, {**ENDS, "cycle": (ROD.initial, Periodic(ROD.axes[1]))}
    )  # the same after each period


def test_what_is_known_up_to_a_constant_is_told() -> None:
    line = Box(x=(0.0, 1.0))
    law = lambda y: y.d("x", "x") + torch.cos(math.pi * y.x)  # noqa: E731
    ends = {"ends": (line.boundary, Neumann())}
    (said,) = warned(law, ends, line)
    assert "u of any is determined only up to a constant" in said
    mean = {"mean": (line.at(x=0.0), Holds(lambda y: Integral()(y)))}
    assert not warned(law, {**ends, **mean}, line)


def test_an_eigenfunction_without_a_size_is_told() -> None:
    line = Box(x=(0.0, 1.0))
    law = lambda y: torch.cat(  # noqa: E731
        [y.d("x", "x") + y.d(output=1) * y.d(output=0), y.d("x", output=1)], dim=-1
    )
    ends = {"ends": (line.boundary, Dirichlet(output=0))}
    (said,) = warned(law, ends, line, outputs=("u", "e"))
    assert "do not determine" in said
    slope = {"slope": (line.at(x=0.0), Holds(lambda y: y.d("x") - 1.0))}
    assert not warned(law, {**ends, **slope}, line, outputs=("u", "e"))


def test_intended_ones_are_not_told() -> None:
    assert not warned(heat, ENDS, well_posed=False)


def test_domains_that_are_no_box() -> None:
    ring = Annulus()
    law = lambda y: y.laplacian()  # noqa: E731
    inner = {"inner": (ring.parts["inner"], Dirichlet(1.0))}
    (said,) = warned(law, inner, ring)
    assert "the part 'outer'" in said
    both = {**inner, "outer": (ring.parts["outer"], Dirichlet())}
    assert not warned(law, both, ring)
    lasting = InTime(ring, t=(0.0, 1.0))
    edge = {"edge": (lasting.boundary, Dirichlet())}
    (said,) = warned(lambda y: y.d("t") - y.laplacian(), edge, lasting)
    assert "at an instant" in said
    last = {"last": (lasting.at(t=1.0), Dirichlet(1.0))}
    assert not warned(lambda y: y.d("t") + y.laplacian(), {**edge, **last}, lasting)


@pytest.mark.parametrize(
    "name", ["heat-cauchy", "advection", "poisson-l-shape", "fitzhugh-nagumo", "fredholm"]
)
def test_nothing_is_told_of_the_catalogue(name: str) -> None:
    assert not warnings_of(load_problem(name))


def test_the_terms_notice_any_field_where_they_determine_one() -> None:
    known = determination(load_problem("heat"))
    assert known is not None
    assert known.field > 0.1
    unknown = determination(load_problem("fredholm-first-kind"), degrees=LOW_DEGREES)
    assert unknown is not None
    assert unknown.field < 1e-9
    assert determination(load_problem("poisson-nd")) is None  # too many axes


def test_orders_are_read_off_equations_with_integrals_and_matrices_of_single_precision() -> None:
    matrix = torch.tensor([[2.0, 0.0], [0.0, 1.0]])

    def law(y: Any) -> Any:
        return (y.gradient() @ matrix)[..., :1] + y.d("t") + Integral(over="x")(y)

    kind = type("Mixed", (Told,), {"law": staticmethod(law), "held": {**ENDS, **START}})
    assert orders_by_output(kind()) == {(0, "x"): 1, (0, "t"): 1}


def test_a_condition_twice_on_one_face_is_one() -> None:
    plane = Told.domain
    start = {"start": (plane.initial, Dirichlet(1.0))}
    left, right = plane.at(x=0.0), plane.at(x=1.0)
    twice = {**start, "left": (left, Dirichlet()), "right": (left, Dirichlet(1.0))}
    (said,) = warned(heat, twice)
    assert "'x_max'" in said
    assert not warned(heat, {**twice, "right": (right, Dirichlet())})
    # Nor are two components that say the same two conditions; a value and a flux are.
    (said,) = warned(heat, {**start, "both": (left, Holds(lambda y: (y.value, 2.0 * y.value)))})
    assert "'x_max'" in said
    assert not warned(heat, {**start, "both": (left, Holds(lambda y: (y.value, y.d("x"))))})
