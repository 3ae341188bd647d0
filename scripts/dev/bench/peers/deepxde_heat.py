"""The heat equation in DeepXDE, with its PyTorch backend and its own training loop."""

from __future__ import annotations

import contextlib
import io
import math
import os
from collections.abc import Callable

from dev.bench.comparison import Work

_RATE = 1e-4


def deepxde_steps(depth: int, width: int, batch: int) -> Callable[[], Work]:
    """One network; as many points of each term as the others have, drawn anew at every iteration."""

    def make() -> Work:
        os.environ.setdefault("DDE_BACKEND", "pytorch")  # it is read at the import
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            import deepxde as dde
        import numpy as np
        import torch

        threads = torch.get_num_threads()

        def residual(x: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
            return dde.grad.jacobian(u, x, i=0, j=1) - dde.grad.hessian(u, x, i=0, j=0)

        domain = dde.geometry.GeometryXTime(
            dde.geometry.Interval(0.0, math.pi), dde.geometry.TimeDomain(0.0, 3.0)
        )
        ends = dde.icbc.DirichletBC(domain, lambda x: 0.0, lambda _, on_boundary: on_boundary)
        start = dde.icbc.IC(domain, lambda x: np.sin(x[:, :1]), lambda _, on_initial: on_initial)
        data = dde.data.TimePDE(
            domain,
            residual,
            [ends, start],
            num_domain=batch,
            num_boundary=2 * batch,
            num_initial=batch,
            train_distribution="pseudo",
        )
        model = dde.Model(data, dde.nn.FNN([2, *[width] * depth, 1], "tanh", "Glorot uniform"))

        class Resampler(dde.callbacks.Callback):
            """New points after every iteration.

            DeepXDE's own raises where a point falls into a corner, within 1e-6, and counts for two terms;
            then the points are drawn again.
            """

            def on_epoch_end(self) -> None:
                counts = list(self.model.data.num_bcs)
                self.model.data.resample_train_points(True, True)
                while list(self.model.data.num_bcs) != counts:
                    self.model.data.resample_train_points(True, True)

        def quietly(iterations: int) -> None:
            with contextlib.redirect_stdout(io.StringIO()):
                model.train(iterations=iterations, display_every=10**9, callbacks=[Resampler()], verbose=0)

        with contextlib.redirect_stdout(io.StringIO()):
            model.compile("adam", lr=_RATE, verbose=0)
        torch.set_num_threads(threads)
        return quietly

    return make
