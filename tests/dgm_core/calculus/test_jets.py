"""Jets against automatic differentiation, and their compiled steps against tensor operations."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from dgm_core.calculus import Automatic, Carried, carried, compiler, derivatives_at
from dgm_core.calculus.jets import expressions
from dgm_core.calculus.jets.kernels import fused
from dgm_core.calculus.jets.kernels.functions import FUNCTIONS, Kinked, Power
from dgm_core.calculus.jets.kernels.program import Add, Compose, Contract, Load, Multiply, Shift, Spread
from dgm_core.calculus.jets.layout import Layout
from dgm_core.calculus.jets.plan import Plan
from dgm_core.calculus.jets.streams import Operator, Streams
from dgm_core.calculus.jets.tracing import Trace
from dgm_core.networks import build_network
from dgm_core.training import TrainConfig

AXES = ("x", "y", "t")

WANTED = {
    "heat": [(0, 0), (2,)],
    "mixed": [(0, 1, 2)],
    "fourth": [(0, 0, 1, 1), (0, 0, 0, 0)],
    "laplacian": [Operator.laplacian((0, 1)), (2,)],
    "many": [Operator.laplacian(range(20)), (20,)],
}

FIELDS = {
    "tanh": lambda x: torch.tanh(x.sum(dim=-1, keepdim=True) * 0.7),
    "sigmoid": lambda x: torch.sigmoid(x[..., :1] - 2.0 * x[..., 1:2]) + x[..., 2:],
    "sin of a product": lambda x: torch.sin(x.prod(dim=-1, keepdim=True)),
    "cos, exp": lambda x: torch.cos(x[..., :1]) * torch.exp(-x[..., 2:]) / (1.0 + x[..., 1:2] ** 2),
    "expm1": lambda x: 1.0 - torch.expm1(-x[..., 1:2]) * (3.0 - x[..., :1]),
    "silu": lambda x: functional.silu(x.mean(dim=-1, keepdim=True)).square(),
    "powers": lambda x: (x[..., :1] + 2.0) ** 1.5 / (x[..., 1:2] + 2.0) ** 3 - torch.sqrt(x[..., 2:] + 2.0),
    "two outputs": lambda x: torch.cat([torch.sin(x[..., :1]), x[..., 1:2] * x[..., 2:]], dim=-1),
    "kinks": lambda x: torch.relu(x[..., :1]) ** 2 + functional.leaky_relu(x[..., 1:2], 0.1) * x[..., 2:],
    "addcmul": lambda x: torch.addcmul(x[..., :1], x[..., 1:2], torch.sin(x[..., 2:]), value=-2.0),
    "chunks": lambda x: torch.tanh(torch.cat([x, x], dim=-1)).chunk(2, dim=2)[1].sum(dim=-1, keepdim=True),
}


class Pointwise:
    """A field that may be evaluated at several sets of points together."""

    pointwise = True

    def __init__(self, field) -> None:
        self.field = field

    def __call__(self, x):
        return self.field(x)


def alone(streams):
    """Each stream carried by itself."""
    return Plan.of(Trace(asked=set(streams)))


@pytest.fixture
def at() -> Tensor:
    return torch.rand(2, 5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 0.1


@pytest.mark.parametrize("field", FIELDS.values(), ids=FIELDS.keys())
def test_carried_derivatives_are_those_of_automatic_differentiation(field, at):
    paths = [("x",), ("t", "t"), ("x", "y"), ("x", "x", "t"), ("y", "y", "x", "x")]

    def residuals(u, points):
        y = u.derivatives_at(points, AXES)["interior"]
        named = {" ".join(path): y.d(*path) for path in paths}
        return {**named, "laplacian": y.laplacian(), "value": y.value}

    found = carried(Pointwise(field), residuals, {"interior": at})
    assert isinstance(found, Carried)
    one = residuals(found, {"interior": at})
    y = Automatic(field, at, AXES)
    for path in paths:
        assert torch.allclose(one[" ".join(path)], y.d(*path), rtol=1e-10, atol=1e-10), path
    assert torch.allclose(one["laplacian"], y.laplacian(), rtol=1e-10, atol=1e-10)
    assert torch.allclose(one["value"], y.value, rtol=1e-12)


def test_directions_are_carried_too(at):
    directions = torch.randn(2, 5, 4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    field = FIELDS["sin of a product"]
    y = Carried(Pointwise(field), {}).derivatives(at, AXES)
    expected = Automatic(field, at, AXES)
    for order in (1, 2, 3):
        assert torch.allclose(y.directional(directions, order), expected.directional(directions, order))
    probes = directions[..., :2]
    assert torch.allclose(y.laplacian(probes=probes), expected.laplacian(probes=probes))


def test_what_was_not_asked_for_before_is_computed_when_it_is(at):
    y = Carried(Pointwise(FIELDS["tanh"]), {}).derivatives(at, AXES)
    assert torch.allclose(y.d("x", "t"), Automatic(FIELDS["tanh"], at, AXES).d("x", "t"))


@pytest.mark.parametrize(
    "field",
    [
        lambda x: torch.erf(x[..., :1]),  # no rule
        lambda x: x[..., :1].clamp_min(0.5),
        lambda x: x[:, :, 0].unsqueeze(-1),
        lambda x: x[..., :1] * torch.linspace(0, 1, 5, dtype=x.dtype).view(1, 5, 1),  # rows of its own
        lambda x: torch.ones_like(x[..., :1]),
        lambda x: x[..., :1] - x[..., :1].mean(dim=1, keepdim=True),  # mixes points
    ],
)
def test_a_field_without_rules_is_differentiated_by_nested_passes(field, at):
    def residuals(u, points):
        get = getattr(u, "derivatives_at", None)
        return {"interior": get(points, AXES)["interior"].d("x")}

    assert carried(Pointwise(field), residuals, {"interior": at}) is None


def test_a_field_whose_points_mix_is_not_carried(at):
    assert carried(lambda x: x[..., :1], lambda u, points: {}, {"interior": at}) is None


def test_a_rule_that_looks_at_less_than_the_field_is_found_out(at):
    """A field that treats a jet otherwise than a tensor: its derivatives differ, and nested passes stay."""

    def field(x):
        return torch.sin(x[..., :1]) if isinstance(x, Tensor) else torch.cos(x[..., :1])

    def residuals(u, points):
        return {"interior": u.derivatives_at(points, AXES)["interior"].d("x")}

    assert carried(Pointwise(field), residuals, {"interior": at}) is None


@pytest.mark.skipif(compiler() is None, reason="needs a C compiler")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("wanted", WANTED.values(), ids=WANTED.keys())
@pytest.mark.parametrize(
    "function", [*FUNCTIONS.values(), Kinked(0.01), Power(1.5), Power(-2.0)], ids=lambda f: repr(f)[:24]
)
def test_compiled_steps_equal_tensor_operations(function, wanted, dtype, monkeypatch):
    """A function with a bias and without, a product, a square, and a product that is added to something."""
    generator = torch.Generator().manual_seed(2)
    layout = Layout.of({"a": 5, "b": 4}, {"a": Streams.of(wanted), "b": Streams.of([])})

    def draw(*shape: int) -> Tensor:
        drawn = torch.rand(*shape, dtype=torch.float64, generator=generator) + 0.2
        return drawn.to(dtype).requires_grad_()

    z, other, base, g = (draw(3, sum(layout.pieces), 7) for _ in range(4))
    bias = draw(3, 1, 7)
    load = Load(True)
    programs = [
        ((load, Compose(function, 0)), [z]),
        ((load, Shift(0, True), Compose(function, 1)), [z, bias]),
        ((load, load, Multiply(0, 1)), [z, other]),
        ((load, Multiply(0, 0)), [z]),
        ((load, load, load, Multiply(0, 1), Add(2, 3, -0.5)), [z, other, base]),
    ]

    def found() -> list[Tensor]:
        made = []
        for program, sources in programs:
            result = fused.Fused.apply(program, layout, 7, [None] * len(sources), *sources)
            made += [result, *torch.autograd.grad(result, sources, g)]
        return made

    together = found()
    monkeypatch.setattr(fused, "compiled", lambda _: False)
    tolerance = 1e-4 if dtype == torch.float32 else 1e-12
    for one, two in zip(together, found(), strict=True):
        assert torch.allclose(one, two, rtol=tolerance, atol=tolerance * two.abs().max().item())


def gated(x, weight, bias):
    """A gated layer: parts of one product, a part that is used twice, and one that is not used."""
    z, g, r, _unused = torch.tanh(torch.baddbmm(bias, x, weight)).chunk(4, dim=2)
    state = torch.sin(torch.cat([x, x], dim=2))
    h = torch.sigmoid(torch.bmm(torch.cat([x, state * r], dim=2), weight[:, :1, :6].expand(-1, 9, -1)))
    return torch.addcmul(torch.addcmul(h, g, h, value=-1.0), z, state) - 0.5 * (r + g * g)


def plain(x, weight, bias):
    """Parts that are taken before any function, and sums of what linear maps made."""
    one, other, more, rest = torch.baddbmm(bias, x, weight).chunk(4, dim=2)
    return torch.exp(-torch.square(one) + other) * more + torch.baddbmm(bias, x, weight)[..., :6] + rest


def reused(x, weight, bias):
    """A state that is used five times, by products of matrices and by functions; ends in one column."""
    state = torch.sin(torch.baddbmm(bias, x, weight)) * 0.5 + torch.tanh(torch.bmm(x, weight))
    square = weight[:, :1].mT * weight[:, :1]
    more = torch.sigmoid(torch.bmm(state, square) + state) * state - torch.bmm(state, square.mT)
    return torch.bmm(torch.cos(more + state) * more, weight[:, 1:2].mT)


def ending(x, weight, bias):
    """Ends in two columns and a bias, within a program."""
    state = torch.tanh(torch.baddbmm(bias, x, weight))
    mixed = torch.bmm(state, weight[:, :1].mT * weight[:, :1])
    return torch.baddbmm(bias[..., :2], torch.sin(mixed) * state, weight[:, :2].mT)


def _operations(program) -> int:
    """Done together; a sum takes a product along everywhere."""
    operations = [step for step in program if isinstance(step, Compose | Multiply | Add | Spread | Contract)]
    return len(operations) if any(isinstance(step, Compose) for step in operations) else 1


@pytest.mark.skipif(compiler() is None, reason="needs a C compiler")
@pytest.mark.parametrize("field", [gated, plain, reused, ending])
@pytest.mark.parametrize("wanted", [WANTED[name] for name in ("heat", "mixed", "laplacian", "many")])
def test_operations_done_together_equal_those_done_alone(field, wanted, monkeypatch):
    generator = torch.Generator().manual_seed(3)
    draw = lambda *shape: torch.rand(*shape, dtype=torch.float64, generator=generator) - 0.4  # noqa: E731
    inputs = 21 if wanted is WANTED["many"] else 3
    weight, bias = draw(2, inputs, 24), draw(2, 1, 24)
    points = {"a": draw(2, 5, inputs), "b": draw(2, 4, inputs)}
    steps: list[int] = []
    done = expressions._fused
    monkeypatch.setattr(expressions, "_fused", lambda *a: steps.append(_operations(a[0])) or done(*a))

    def found() -> list[Tensor]:
        own = [one.clone().requires_grad_() for one in (weight, bias)]
        carry = Carried(lambda x: field(x, *own), {"a": alone(wanted)})
        pieces = carry.derivatives_at(points, [f"x{i}" for i in range(inputs)])
        values = torch.cat([pieces["b"].value, *pieces["a"]._pieces.values()], dim=1)
        return [values, *torch.autograd.grad(values.sin().sum(), own)]

    if inputs == 21 and field is gated:
        field = lambda x, *own: gated(x[..., :3], own[0][:, :3], own[1])  # noqa: E731
    together = found()
    assert (max(steps) > 1) == (inputs == 3)
    monkeypatch.setattr(expressions, "compiled", lambda _: False)
    monkeypatch.setattr(fused, "compiled", lambda _: False)
    for one, other in zip(together, found(), strict=True):
        assert torch.allclose(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.skipif(compiler() is None, reason="needs a C compiler")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 7, 8, 9, 11, 15, 16, 17, 19, 24, 31, 33, 50])
@pytest.mark.parametrize("kind", ["mlp", "dgm"])
def test_widths_that_do_not_fill_a_register(kind, width, dtype):
    """Units that are left over are taken again with those before: each counts once."""
    network = build_network(TrainConfig(network=kind, depth=2, width=width), 3, 1, range(2)).to(dtype)
    generator = torch.Generator().manual_seed(width)
    points = {name: torch.rand(2, n, 3, generator=generator).to(dtype) for name, n in (("a", 5), ("b", 3))}

    def residuals(u, points):
        at = derivatives_at(u, points, AXES)
        return {"a": at["a"].d("t") - at["a"].d("x", "x") + at["a"].value, "b": at["b"].value}

    def gradients(u):
        total = sum(r.square().sum() for r in residuals(u, points).values())
        return torch.autograd.grad(total, list(network.parameters()))

    found = carried(network, residuals, points)
    assert found is not None
    tolerance = 1e-4 if dtype == torch.float32 else 1e-11
    for one, other in zip(gradients(found), gradients(network), strict=True):
        assert torch.allclose(one, other, rtol=tolerance, atol=tolerance * max(1.0, other.abs().max()))


@pytest.mark.skipif(compiler() is None, reason="needs a C compiler")
def test_points_without_bounds_have_room():
    """What a kernel adds up for each of them is more than a thread's stack holds."""
    network = build_network(TrainConfig(network="mlp", depth=1, width=2), 1, 1, range(1))
    x = torch.linspace(0.0, 1.0, 3_000_000)[None, :, None]
    value = Carried(lambda x: torch.sin(network(x)), {}).derivatives(x, ["x"]).value
    *_, bias = network.parameters()
    (slope,) = torch.autograd.grad(value.sum() / x.numel(), bias)
    assert slope.item() == pytest.approx(network(x).double().cos().mean().item(), rel=1e-6)


@pytest.mark.skipif(compiler() is None, reason="needs a C compiler")
@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("count", [1, 5, 40])
def test_points_are_the_units_of_streams_of_width_one(count, outputs, monkeypatch):
    """Where their rows are neighbours: not those of a column among others."""
    network = build_network(TrainConfig(network="mlp", depth=2, width=6), 3, outputs, range(2)).double()
    shift = torch.full((2, 1, 1), 0.3, dtype=torch.float64, requires_grad=True)
    generator = torch.Generator().manual_seed(count)
    points = {
        name: torch.rand(2, n, 3, dtype=torch.float64, generator=generator)
        for name, n in (("a", count), ("b", 3))
    }
    compiled: list[bool] = []
    source = fused.program_source
    monkeypatch.setattr(fused, "program_source", lambda *own: compiled.append(own[3].flat) or source(*own))
    fused._steps.cache_clear()

    def field(x):
        value = network(x)
        column = value if outputs == 1 else value[..., 1:]
        return torch.sin(column) * torch.tanh(column + shift)

    def found(wanted):
        at = wanted(Pointwise(field))
        total = at["a"].d("x", "x").square().sum() + at["a"].d("t").sum() + at["b"].value.sin().sum()
        return [at["a"].d("x", "x"), *torch.autograd.grad(total, [shift, *network.parameters()])]

    def carry(u):
        return Carried(u, {"a": alone([(0, 0), (2,)])}).derivatives_at(points, AXES)

    def nested(u):
        return {name: Automatic(u, x, AXES) for name, x in points.items()}

    for one, other in zip(found(carry), found(nested), strict=True):
        assert torch.allclose(one, other, rtol=1e-11, atol=1e-12)
    assert any(compiled) == (outputs == 1)


@pytest.mark.parametrize("again", ["the same graph", "another"])
def test_a_gradient_that_a_pass_did_not_ask_for_is_no_start_for_the_next(again):
    generator = torch.Generator().manual_seed(4)
    draw = lambda *shape: torch.rand(*shape, dtype=torch.float64, generator=generator) - 0.4  # noqa: E731
    x, own = draw(2, 5, 3), [draw(2, 3, 6).requires_grad_(), draw(2, 1, 6).requires_grad_()]
    last = draw(2, 6, 6).requires_grad_()

    def loss() -> Tensor:
        def field(at):
            state = torch.sin(torch.baddbmm(own[1], at, own[0])) * 0.5 + torch.tanh(torch.bmm(at, own[0]))
            return torch.bmm(torch.tanh(torch.bmm(state, last)) * state - state, last)

        return Carried(field, {"": alone([(0, 0)])}).derivatives(x, ["x", "y", "z"]).partial(0, (0, 0)).sum()

    expected = torch.autograd.grad(loss(), own)
    value = loss()
    torch.autograd.grad(value, last, retain_graph=True)
    value = value if again == "the same graph" else loss()
    for one, other in zip(torch.autograd.grad(value, own), expected, strict=True):
        assert torch.allclose(one, other, rtol=1e-12, atol=1e-12)


def test_streams_hold_what_their_chain_rule_needs():
    streams = Streams.of([(1, 0, 0)])
    assert streams.carried == ((), (0,), (1,), (0, 0), (0, 1), (0, 0, 1))
    # ∂³σ(z)/∂x²∂y = σ′ z_xxy + σ″ (2 z_x z_xy + z_y z_xx) + σ‴ z_x² z_y
    terms = {(t.coefficient, t.order, t.factors) for t in streams.composed[-1]}
    assert terms == {(1, 1, (5,)), (2, 2, (1, 4)), (1, 2, (2, 3)), (1, 3, (1, 1, 2))}
    # ∂²(ab)/∂x∂y
    products = {(t.coefficient, t.left, t.right) for t in streams.multiplied[4]}
    assert products == {(1, 4, 0), (1, 1, 2), (1, 2, 1), (1, 0, 4)}


def test_a_laplacian_is_one_stream_beside_the_first_derivatives():
    assert len(Streams.of([Operator.laplacian(range(100))])) == 102


@pytest.mark.parametrize("extra", ["nothing", "a drift", "a derivative alone"])
@pytest.mark.parametrize("kind", ["mlp", "resnet", "dgm"])
def test_a_laplacian_along_fewer_directions_than_axes_is_the_same(kind, extra):
    """Where the first linear map has fewer columns than there are axes; a network that looks at the points
    again, and a problem that asks for one of the derivatives, keep the axes."""
    axes = [*(f"x{i}" for i in range(20)), "t"]
    network = build_network(TrainConfig(network=kind, depth=2, width=6), 21, 1, range(2)).double()
    generator = torch.Generator().manual_seed(4)
    points = {
        name: torch.rand(2, n, 21, dtype=torch.float64, generator=generator)
        for name, n in (("a", 5), ("b", 3))
    }

    def residuals(u, points):
        at = derivatives_at(u, points, axes)
        own = at["a"].d("t") - at["a"].laplacian()
        if extra == "a drift":
            own = own + 0.5 * at["a"].d("x3")
        elif extra == "a derivative alone":
            own = own + at["a"].d("x3").square()
        return {"a": own, "b": at["b"].value}

    def gradients(u):
        total = sum(r.square().sum() for r in residuals(u, points).values())
        return torch.autograd.grad(total, list(network.parameters()))

    found = carried(network, residuals, points)
    assert found is not None
    assert ("a" in found._turnable) == (kind == "mlp" and extra != "a derivative alone")
    for one, other in zip(gradients(found), gradients(network), strict=True):
        assert torch.allclose(one, other, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(
    "moved",
    [lambda x, p: x + p, lambda x, p: x - p, lambda x, p: x * p, lambda x, p: (x - 0.3) / 0.7 + 0 * p.sum()],
    ids=["plus", "minus", "times", "constants"],
)
def test_what_is_learned_of_the_points_themselves_has_its_gradient(moved, at):
    """A network that moves or stretches its inputs, by parameters or by constants, before the first map."""
    generator = torch.Generator().manual_seed(5)
    weight = torch.rand(2, 3, 6, dtype=torch.float64, generator=generator).requires_grad_()
    parameter = (torch.rand(1, 1, 3, dtype=torch.float64, generator=generator) + 0.5).requires_grad_()
    network = Pointwise(
        lambda x: torch.tanh(torch.bmm(moved(x, parameter), weight)).sum(dim=-1, keepdim=True)
    )

    def residuals(u, points):
        y = derivatives_at(u, points, AXES)["interior"]
        return {"interior": y.value + y.d("x") + y.d("t", "t")}

    found = carried(network, residuals, {"interior": at})
    assert found is not None
    gradients = [
        torch.autograd.grad(residuals(u, {"interior": at})["interior"].square().sum(), [weight, parameter])
        for u in (found, network)
    ]
    for one, other in zip(*gradients, strict=True):
        assert torch.allclose(one, other, rtol=1e-9)
