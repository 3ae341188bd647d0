"""The paper's training loops, written anew from what its text says of its listings.

Plain PyTorch: a network as a module, derivatives by `autograd.grad`, a new sample at every iteration, Adam;
one network at a time.  Source: Detorakis, A Primer, listings 1, 2, 4, 5, 9 and 10, of which the text tells
what each part does.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from dev.bench.comparison import Work

Loss = Callable[[nn.Module, int], Tensor]
"""(network, batch size) -> the loss on points that it draws."""
_RATE = 1e-4


class ListingMLP(nn.Module):
    """Listing 1: an input layer, `depth` − 1 hidden layers in a ModuleList, a linear output; tanh."""

    def __init__(self, inputs: int, outputs: int, depth: int, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, width)
        self.hidden = nn.ModuleList(nn.Linear(width, width) for _ in range(depth - 1))
        self.last = nn.Linear(width, outputs)
        self.activation = nn.Tanh()
        _initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.activation(self.first(x))
        for layer in self.hidden:
            x = self.activation(layer(x))
        return self.last(x)


class ListingDGMLayer(nn.Module):
    """Listing 2: equation 1 line by line, a module for each of its eight maps."""

    def __init__(self, inputs: int, width: int, activation: nn.Module) -> None:
        super().__init__()
        self.activation = activation
        self.u_z, self.u_g, self.u_r, self.u_h = (nn.Linear(inputs, width) for _ in range(4))
        self.w_z, self.w_g, self.w_r, self.w_h = (nn.Linear(width, width, bias=False) for _ in range(4))

    def forward(self, x: Tensor, s: Tensor) -> Tensor:
        z = self.activation(self.u_z(x) + self.w_z(s))
        g = self.activation(self.u_g(x) + self.w_g(s))
        r = self.activation(self.u_r(x) + self.w_r(s))
        h = self.activation(self.u_h(x) + self.w_h(s * r))
        return (1.0 - g) * h + z * s


class ListingDGM(nn.Module):
    """A first layer, `depth` DGM layers that see the input as well, a linear output."""

    def __init__(self, inputs: int, outputs: int, depth: int, width: int, activation: nn.Module) -> None:
        super().__init__()
        self.activation = activation
        self.first = nn.Linear(inputs, width)
        self.layers = nn.ModuleList(ListingDGMLayer(inputs, width, activation) for _ in range(depth))
        self.last = nn.Linear(width, outputs)
        _initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        s = self.activation(self.first(x))
        for layer in self.layers:
            s = layer(x, s)
        return self.last(s)


def heat_loss(network: nn.Module, batch: int) -> Tensor:
    """Listing 4: u_t = u_xx on [0, π] × [0, 3], cold ends, sin x at the start."""
    x, t = math.pi * torch.rand(batch, 1), 3.0 * torch.rand(batch, 1)
    x.requires_grad_()
    t.requires_grad_()
    u = network(torch.cat([x, t], dim=1))
    u_t, u_x = _slope(u, t), _slope(u, x)
    residual = u_t - _slope(u_x, x)
    start = network(torch.cat([x, torch.zeros_like(t)], dim=1)) - torch.sin(x)
    left = network(torch.cat([torch.zeros_like(x), t], dim=1))
    right = network(torch.cat([math.pi * torch.ones_like(x), t], dim=1))
    return torch.mean(residual**2 + start**2 + left**2 + right**2)


def decay_loss(network: nn.Module, batch: int) -> Tensor:
    """y' = −y on [0, 1], y(0) = 2."""
    t = torch.rand(batch, 1).requires_grad_()
    y = network(t)
    start = network(torch.zeros(batch, 1)) - 2.0
    return torch.mean((_slope(y, t) + y) ** 2 + start**2)


def fitzhugh_nagumo_loss(network: nn.Module, batch: int) -> Tensor:
    """Listing 9: the two equations on [0, 30], each output's derivative by a `grad` of its own."""
    t = (30.0 * torch.rand(batch, 1)).requires_grad_()
    s = network(t)
    y, w = s[:, 0:1], s[:, 1:2]
    first = _slope(y, t) - (y - y**3 / 3.0 - w + 0.5)
    second = 2.5 * _slope(w, t) - (y + 0.7 - 0.8 * w)
    start = network(torch.zeros(batch, 1))
    return torch.mean(first**2 + second**2 + (start**2).sum(dim=1, keepdim=True))


def fredholm_loss(network: nn.Module, batch: int, nodes: int = 50) -> Tensor:
    """Listing 10: y = sin x + ∫ sin x cos t y(t) dt on [0, π/2], a forward pass for each Monte-Carlo node."""
    length = math.pi / 2.0
    x = length * torch.rand(batch, 1)
    integral = torch.zeros(batch, 1)
    for _ in range(nodes):
        t = length * torch.rand(batch, 1)
        integral = integral + torch.sin(x) * torch.cos(t) * network(t)
    return torch.mean((network(x) - torch.sin(x) - length / nodes * integral) ** 2)


def listing_steps(network: Callable[[], nn.Module], loss: Loss, batch: int) -> Callable[[], Work]:
    """Listing 5: Adam on one network, its loss kept at every iteration."""

    def make() -> Work:
        torch.manual_seed(0)
        trained = network()
        optimizer = torch.optim.Adam(trained.parameters(), lr=_RATE)

        def work(iterations: int) -> None:
            losses = []
            for _ in range(iterations):
                optimizer.zero_grad()
                value = loss(trained, batch)
                value.backward()
                optimizer.step()
                losses.append(value.item())

        return work

    return make


def _slope(y: Tensor, x: Tensor) -> Tensor:
    return torch.autograd.grad(y, x, grad_outputs=torch.ones_like(y), create_graph=True)[0]


def _initialise(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
