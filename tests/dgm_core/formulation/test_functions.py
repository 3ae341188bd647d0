"""Residuals that are no functions of field and points, or whose gradients are not theirs, are refused."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY

import numpy as np
import pytest
import torch

from dgm_core import ConfigurationError
from dgm_core.formulation import Box, Dirichlet, Holds, InitialValueProblem, Problem, Trained

UNIT = Box(x=(0.0, 1.0))
UNIT_OF_TIME = Box(t=(0.0, 1.0))


def rod(term=None, condition=None):
    """u″ + term = 0 on the unit interval."""

    class Rod(Problem):
        domain = UNIT

        def equation(self, y):
            return y.d("x", "x") + (1.0 if term is None else term(y))

        @property
        def conditions(self):
            return {"ends": (self.domain.boundary, condition or Dirichlet())}

    return Rod()


def hidden(y):
    with torch.no_grad():
        return y.value**2


def counting(y, calls=[0]):  # noqa: B006 - the same list in each call
    calls[0] += 1
    return calls[0]


def chosen(y):
    return y.value if y.value.mean() > 0.0 else y.value**2


def chosen_by_place(y):
    return 1.0 if y.x.max() > 0.5 else 2.0


def chosen_by_number(y):
    return 1.0 if y.value.max().item() > 0.5 else 2.0


GRADIENT = "the gradient of the term 'interior' of rod is wrong"
AGAIN = "the term 'interior' of rod is another each time it is computed"
READ = r"the residuals of rod depend on a number that is read from a tensor in .*test_functions.py, line \d+,"


@pytest.mark.parametrize(
    ("term", "sentence"),
    [
        (lambda y: y.value.detach() ** 2, GRADIENT),
        (lambda y: y.value.detach() * y.d("x"), GRADIENT),
        (lambda y: 1e-3 * y.value.data, GRADIENT),
        (hidden, GRADIENT),
        (lambda y: torch.from_numpy(np.sin(y.value.detach().numpy())), GRADIENT),
        (lambda y: torch.tensor(y.value.tolist(), dtype=torch.float64), GRADIENT),
        (lambda y: torch.randn_like(y.x), AGAIN),
        (lambda y: torch.empty_like(y.x).uniform_(), AGAIN),
        (lambda y: np.random.rand(), AGAIN),  # noqa: NPY002 - what users draw from
        (counting, AGAIN),
        (lambda y: y.value[0, 0, 0].item() * y.d("x"), READ),
        (lambda y: math.sin(y.x[0, 0, 0]), READ),
        (chosen, READ),
        (chosen_by_place, READ),
        (chosen_by_number, READ),
    ],
)
def test_an_equation_that_would_train_on_something_else_is_refused(term, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        rod(term)


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        (
            Holds(lambda y: y.value - 0.5 * y.value.detach()),
            "the gradient of the term 'ends' of rod is wrong",
        ),
        (Dirichlet(torch.rand_like), "the term 'ends' of rod is another each time"),
        (Dirichlet(lambda x: 1.0 if x[0, 0, 0] > 0.5 else 2.0), "depend on a number that is read"),
    ],
)
def test_so_is_a_condition(condition, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        rod(condition=condition)


def asserting(y):
    assert torch.isfinite(y.value).all()
    assert y.x.max().item() < 5.0
    return 1.0


def masked(y):
    coefficient = torch.ones_like(y.x)
    coefficient[y.x > 0.5] = 2.0
    return coefficient * y.d("x")


CONSTANT = torch.linspace(0.0, 1.0, 5, dtype=torch.float64)


@pytest.mark.parametrize(
    "term",
    [
        asserting,
        masked,
        lambda y: CONSTANT.max().item() if CONSTANT.any() else 0.0,
        lambda y: torch.where(y.value > 0.3, y.value.abs(), torch.relu(y.value)) + torch.sign(y.value),
        lambda y: torch.round(3.0 * y.value) + y.value.clamp(min=0.0) ** 0.5,
        lambda y: torch.exp(40.0 * y.value),
        lambda y: 1e8 + y.value**3,
        lambda y: y.value.float() ** 2,
        lambda y: torch.from_numpy(np.sin(y.x.detach().numpy())),
    ],
)
def test_kinks_jumps_stiffness_constants_and_asserts_are_no_slips(term) -> None:
    assert rod(term)


class Bar(Problem):
    """u″ + load = 0."""

    load: float = 2.0

    domain = UNIT

    def equation(self, y):
        return y.d("x", "x") + self.load

    @property
    def conditions(self):
        return {"ends": (self.domain.boundary, Dirichlet())}

    def reference(self, x):
        return 0.5 * self.load * x * (1.0 - x) + self.wrong

    wrong = 0.0


class ByHand(Bar):
    def __init__(self, wrong=0.0):
        super().__init__()
        object.__setattr__(self, "wrong", wrong or type(self).mistake)

    mistake = 0.0


class Inheriting(ByHand):
    mistake = 0.1


class AfterFields(Bar):
    def __post_init__(self):
        object.__setattr__(self, "wrong", 0.1)


@pytest.mark.parametrize(
    ("term", "sentence"),
    [
        (
            lambda y: 1j * y.value,
            "is of torch.complex128: write the real and the imaginary part as",
        ),
        (
            lambda y: torch.log(-y.x - 1.0),
            "the term 'interior' of rod is not a finite number",
        ),
        (
            lambda y: y.value / (0.0 * y.x),
            "the term 'interior' of rod is not a finite number",
        ),
        (
            lambda y: y.d("xx"),
            r"along 'xx' is not allowed: name the axis .* as in d\('x', 'x'\)",
        ),
        (lambda y: y("x"), r"y\.d\('x'\) is a derivative"),
        (lambda y: y.laplacian + 1.0, r"operators are called, as in y\.laplacian\(\)"),
    ],
)
def test_what_is_no_number_or_no_derivative_is_told_what_to_write(term, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        rod(term)
    assert rod(lambda y: torch.sqrt(y.value) + torch.log(y.x - 0.5))  # here and there
    assert rod(lambda y: torch.sqrt(y.value - 250.0))  # for fields of other units


def test_a_comparison_is_no_residual_and_a_reference_of_numpy_has_no_derivatives() -> None:
    class Compared(Bar):
        def equation(self, y):
            return y.d("x", "x") > 0.0

    class OfNumpy(Bar):
        def reference(self, x):
            return torch.from_numpy(np.asarray(x * (1.0 - x)))

    with pytest.raises(ConfigurationError, match=r"is of torch\.bool: write a difference that must vanish"):
        Compared()
    with pytest.raises(ConfigurationError, match="the reference of of-numpy cannot be put into the equation"):
        OfNumpy()


def test_a_parameter_without_a_value_is_told_where_to_give_one() -> None:
    class Needy(Bar):
        _: KW_ONLY
        speed: float

    with pytest.raises(ConfigurationError, match=r"problem\.speed has no value: .*`speed: float = 1\.0`"):
        Needy.create({})


@pytest.mark.parametrize("cls", [Inheriting, AfterFields])
def test_a_class_is_examined_whatever_its_init_does(cls) -> None:
    with pytest.raises(ConfigurationError, match="does not satisfy its term 'ends'"):
        cls()
    assert ByHand().wrong == 0.0


def test_instances_of_an_own_init_are_not_taken_for_one_another(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ByHand().identity != ByHand().identity
    assert Bar().identity == Bar().identity != Bar(load=3.0).identity
    ByHand()
    monkeypatch.setattr(ByHand, "mistake", 0.1)
    with pytest.raises(ConfigurationError, match="does not satisfy its term 'ends'"):
        ByHand()


@pytest.mark.parametrize("make", [lambda: ByHand(0.1), lambda: ByHand.create({"load": 3.0})])
def test_arguments_of_an_own_init_are_refused_as_they_would_not_be_recorded(make) -> None:
    with pytest.raises(
        ConfigurationError, match=r"ByHand cannot be given parameters, as it has an `__init__`"
    ):
        make()


def growth(term):
    """y′ + term(problem, y) = 0 with an unknown k."""

    class Growth(InitialValueProblem):
        domain = UNIT_OF_TIME
        start = (1.0,)
        k: float = Trained(0.5, positive=True)

        def equation(self, y):
            return y.d("t") + term(self, y)

    return Growth()


@pytest.mark.parametrize(
    ("term", "sentence"),
    [
        (lambda p, y: math.exp(p.k) * y.value, "compute with torch, not with `math`"),
        (lambda p, y: float(p.k) * y.value, "compute with torch, not with `math`"),
        (lambda p, y: y.value if p.k > 0.3 else 2.0 * y.value, r"`torch.where` chooses"),
        (
            lambda p, y: torch.as_tensor(p.k).detach() * y.value,
            "with respect to the trained constant 'k' is wrong",
        ),
    ],
)
def test_a_constant_that_would_not_be_trained_is_refused(term, sentence: str) -> None:
    """In training a constant is a tensor with a value for each replicate."""
    with pytest.raises(ConfigurationError, match=sentence):
        growth(term)


@pytest.mark.parametrize("mixed", [torch.mean, torch.sum, torch.max, lambda k: k.flatten()[0]])
def test_a_constant_shared_by_the_replicates_is_refused(mixed) -> None:
    """Each replicate fits its own: an estimate's interval is the spread between them."""
    with pytest.raises(ConfigurationError, match="mixes the trained constant 'k' of several replicates"):
        growth(lambda p, y: mixed(torch.as_tensor(p.k)) * y.value)


def test_constants_may_enter_in_any_other_way() -> None:
    growth(lambda p, y: torch.as_tensor(p.k) ** 2 * y.value + torch.sin(p.k * y.x) + abs(p.k - 0.5))
    growth(lambda p, y: torch.where(y.x < p.k, 1.0, 2.0) * y.value)


def doubled(y):
    value = y.value
    value *= 2.0
    return value


def subtracted(y):
    slope = y.d("x")
    slope -= y.value
    return slope


def assigned(y):
    y.value[y.x > 0.5] = 0.0
    return y.value


def of_its_own(y):
    result = torch.zeros_like(y.value)
    result[..., :1] = y.d("x")
    result -= y.value
    product = y.value * y.d("x")
    product[y.x > 0.5] = 0.0
    return result + product


@pytest.mark.parametrize("term", [doubled, subtracted, assigned])
def test_what_y_gives_is_not_changed_in_place(term) -> None:
    with pytest.raises(ConfigurationError, match=r"of rod .* r = r - … in place of r -= …"):
        rod(term)
    with pytest.raises(ConfigurationError, match=r"of rod .* r = r - … in place of r -= …"):
        rod(condition=Holds(lambda y: 1.0 * term(y)))


def test_tensors_of_its_own_an_equation_may_change() -> None:
    rod(of_its_own)
