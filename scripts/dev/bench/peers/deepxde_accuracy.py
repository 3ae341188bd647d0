"""Problems in DeepXDE, by the way of its demos: Adam at a rate of 1e-3, then L-BFGS, in float64."""

from __future__ import annotations

import contextlib
import io
import math
import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from dev.bench.race import Course
from dgm_core import load_problem

_ADAM = 15_000
_LBFGS = 15_000
_LAPS = 300


def deepxde_course(name: str) -> Callable[[int], Course]:
    """A training of one seed of a problem, with network and points of DeepXDE's demo of it, or of one like
    it.

    Heat: demo "heat equation", 3 × 20 tanh, 2 540 points in the domain.  Burgers: demo "Burgers equation",
    the same. Helmholtz: demo "Helmholtz equation over a 2D square domain" with hard conditions, 3 × 150
    sin.  L-shape: demo "Poisson equation over L-shaped domain", 4 × 50 tanh, 1 200 points in the domain.
    """

    def of(seed: int) -> Course:
        os.environ.setdefault("DDE_BACKEND", "pytorch")  # it is read at the import
        with _quiet():
            import deepxde as dde

        threads, precision = torch.get_num_threads(), torch.get_default_dtype()
        with _quiet():
            dde.config.set_default_float("float64")
            dde.config.set_random_seed(seed)
        problem = load_problem(name)
        points = problem.evaluation_points()
        reference = problem.reference(points).numpy()
        with _quiet():
            model = _MODELS[name](dde)
            model.compile("adam", lr=1e-3, verbose=0)
        torch.set_num_threads(threads)

        def measure() -> float:
            return float(
                np.linalg.norm(model.predict(points.numpy()) - reference) / np.linalg.norm(reference)
            )

        def laps() -> Iterator[Callable[[], float]]:
            try:
                for _ in range(_LAPS):
                    with _quiet():
                        model.train(iterations=_ADAM // _LAPS, display_every=10**9, verbose=0)
                    yield measure
                with _quiet():
                    dde.optimizers.set_LBFGS_options(maxiter=_LBFGS // _LAPS)
                    model.compile("L-BFGS", verbose=0)
                for _ in range(_LAPS):
                    with _quiet():
                        model.train(display_every=10**9, verbose=0)
                    yield measure
            finally:
                torch.set_default_dtype(precision)

        return laps()

    return of


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def _heat(dde: Any) -> Any:
    domain = dde.geometry.GeometryXTime(
        dde.geometry.Interval(0.0, math.pi), dde.geometry.TimeDomain(0.0, 3.0)
    )

    def residual(x: Any, u: Any) -> Any:
        return dde.grad.jacobian(u, x, i=0, j=1) - dde.grad.hessian(u, x, i=0, j=0)

    ends = dde.icbc.DirichletBC(domain, lambda x: 0.0, lambda _, on_boundary: on_boundary)
    start = dde.icbc.IC(domain, lambda x: np.sin(x[:, :1]), lambda _, on_initial: on_initial)
    data = dde.data.TimePDE(
        domain, residual, [ends, start], num_domain=2540, num_boundary=80, num_initial=160
    )
    return dde.Model(data, dde.nn.FNN([2, 20, 20, 20, 1], "tanh", "Glorot normal"))


def _burgers(dde: Any) -> Any:
    domain = dde.geometry.GeometryXTime(dde.geometry.Interval(-1.0, 1.0), dde.geometry.TimeDomain(0.0, 1.0))

    def residual(x: Any, u: Any) -> Any:
        slope = dde.grad.jacobian(u, x, i=0, j=0)
        return (
            dde.grad.jacobian(u, x, i=0, j=1) + u * slope - 0.01 / math.pi * dde.grad.hessian(u, x, i=0, j=0)
        )

    ends = dde.icbc.DirichletBC(domain, lambda x: 0.0, lambda _, on_boundary: on_boundary)
    start = dde.icbc.IC(domain, lambda x: -np.sin(math.pi * x[:, :1]), lambda _, on_initial: on_initial)
    data = dde.data.TimePDE(
        domain, residual, [ends, start], num_domain=2540, num_boundary=80, num_initial=160
    )
    return dde.Model(data, dde.nn.FNN([2, 20, 20, 20, 1], "tanh", "Glorot normal"))


def _helmholtz(dde: Any) -> Any:
    wave = 4.0 * math.pi
    domain = dde.geometry.Rectangle([0.0, 0.0], [1.0, 1.0])

    def residual(x: Any, u: Any) -> Any:
        xx = dde.grad.hessian(u, x, i=0, j=0)
        yy = dde.grad.hessian(u, x, i=1, j=1)
        forcing = wave**2 * torch.sin(wave * x[:, :1]) * torch.sin(wave * x[:, 1:])
        return -xx - yy - wave**2 * u - forcing

    data = dde.data.PDE(domain, residual, [], num_domain=40 * 40, num_boundary=4 * 40)
    network = dde.nn.FNN([2, 150, 150, 150, 1], "sin", "Glorot uniform")
    network.apply_output_transform(lambda x, y: x[:, :1] * (1.0 - x[:, :1]) * x[:, 1:] * (1.0 - x[:, 1:]) * y)
    return dde.Model(data, network)


def _l_shape(dde: Any) -> Any:
    problem = load_problem("poisson-l-shape")
    domain = dde.geometry.Polygon([[0, 0], [1, 0], [1, 1], [-1, 1], [-1, -1], [0, -1]])

    def residual(x: Any, u: Any) -> Any:
        return dde.grad.hessian(u, x, i=0, j=0) + dde.grad.hessian(u, x, i=1, j=1)

    edge = dde.icbc.DirichletBC(
        domain, lambda x: problem.reference(torch.as_tensor(x)).numpy(), lambda _, on_boundary: on_boundary
    )
    data = dde.data.PDE(domain, residual, edge, num_domain=1200, num_boundary=120)
    return dde.Model(data, dde.nn.FNN([2, 50, 50, 50, 50, 1], "tanh", "Glorot uniform"))


_MODELS: dict[str, Callable[[Any], Any]] = {
    "heat": _heat,
    "burgers": _burgers,
    "helmholtz": _helmholtz,
    "poisson-l-shape": _l_shape,
}
