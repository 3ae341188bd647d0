"""A damped wave along a cable of a kilometre."""

import math

import torch

from dgm_core.formulation import Box, Dirichlet, InitialVelocity, Problem

LENGTH, SPEED, DAMPING = 1000.0, 2e8, 1e5
WAVENUMBER = math.pi / LENGTH
FREQUENCY = math.sqrt((SPEED * WAVENUMBER) ** 2 - DAMPING**2)


class Telegraph(Problem):
    """u_tt + 2 b u_t = c² u_xx on [0, 1000 m] × [0, 5 µs], c = 2·10⁸ m/s; exact, one mode."""

    score = "rel_l2"
    domain = Box(x=(0.0, LENGTH), t=(0.0, 5e-6))

    def equation(self, y):
        return y.d("t", "t") + 2.0 * DAMPING * y.d("t") - SPEED**2 * y.d("x", "x")

    @property
    def conditions(self):
        speed = InitialVelocity(lambda x: -DAMPING * torch.sin(WAVENUMBER * x[..., :1]))
        return {
            "ends": (self.domain.boundary, Dirichlet()),
            "start": (self.domain.initial, Dirichlet(lambda x: torch.sin(WAVENUMBER * x[..., :1]))),
            "rate": (self.domain.initial, speed),
        }

    def reference(self, x):
        place, time = x[..., :1], x[..., 1:]
        return torch.sin(WAVENUMBER * place) * torch.exp(-DAMPING * time) * torch.cos(FREQUENCY * time)
