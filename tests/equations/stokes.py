"""Flow through a channel: velocities of millimetres a second, pressure in pascals."""

import torch

from dgm_core.formulation import Box, Dirichlet, Problem

LENGTH, HEIGHT, VISCOSITY, DROP = 0.1, 0.01, 1e-3, 0.02


class Channel(Problem):
    """μ Δ(u, v) = ∇p, ∇·(u, v) = 0 on [0, 0.1 m] × [0, 0.01 m]; exact, Poiseuille's parabola."""

    score = "rel_l2"
    outputs = ("u", "v", "p")
    domain = Box(x=(0.0, LENGTH), y=(0.0, HEIGHT))

    def equation(self, y):
        return torch.cat(
            [
                VISCOSITY * y.laplacian(output=0) - y.d("x", output=2),
                VISCOSITY * y.laplacian(output=1) - y.d("y", output=2),
                y.divergence(),
            ],
            dim=-1,
        )

    @property
    def conditions(self):
        known = Dirichlet(self.reference)
        return {
            "inlet": (self.domain.at(x=0.0), known),
            "outlet": (self.domain.at(x=LENGTH), known),
            "floor": (self.domain.at(y=0.0), Dirichlet(output=0)),
            "lid": (self.domain.at(y=HEIGHT), Dirichlet(output=0)),
            "floor v": (self.domain.at(y=0.0), Dirichlet(output=1)),
            "lid v": (self.domain.at(y=HEIGHT), Dirichlet(output=1)),
        }

    def reference(self, x):
        place, height = x[..., :1], x[..., 1:]
        speed = 0.5 * DROP / LENGTH / VISCOSITY * height * (HEIGHT - height)
        return torch.cat([speed, 0.0 * speed, DROP * (1.0 - place / LENGTH)], dim=-1)
