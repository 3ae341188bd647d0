"""Layers whose parameters and statistics carry a leading replicate axis K."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from dgm_core.networks.activations import Activation
from dgm_core.networks.initialisation import draw_weights
from dgm_core.networks.scale import LayerTaps, Scale

_FACTOR_SPREAD = 0.1
"""Standard deviation of the logarithms that weights are factorised with."""


class Linear(nn.Module):
    """K affine maps at once: (K, n, fan_in) -> (K, n, parts · fan_out).  Biases start at zero.

    `parts` maps of the same input, each drawn as one of its own, share one matrix product.

    factorisation: with a number μ the map is x V diag(exp s) + b, s ~ N(μ, 0.1²), where V diag(exp s) starts
    as the weight would have: random weight factorisation, by which each unit trains how far a step takes it.
    Source: Wang, Wang, Seidman and Perdikaris (2022), "Random weight factorization improves the training of
    continuous neural representations", eqs. 3.1 and 3.2.
    """

    def __init__(
        self,
        fan_in: int,
        fan_out: int,
        initialisation: str,
        gain: float,
        generators: Sequence[torch.Generator],
        *,
        bias: bool = True,
        parts: int = 1,
        factorisation: float | None = None,
    ) -> None:
        super().__init__()
        drawn = [draw_weights(initialisation, fan_in, fan_out, gain, generators) for _ in range(parts)]
        weight = torch.cat(drawn, dim=2)
        self.scale: Scale | None = None
        if factorisation is not None:
            logarithms = [
                factorisation
                + _FACTOR_SPREAD * torch.randn(1, parts * fan_out, dtype=torch.float64, generator=g)
                for g in generators
            ]
            self.scale = Scale(torch.stack(logarithms).float(), exponential=True)
            weight = weight / self.scale.factor.detach()
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.zeros(len(generators), 1, parts * fan_out)) if bias else None
        self.tap: LayerTaps | None = None
        self.last = False
        """Whether nothing follows it, so that the network is linear in its parameters."""

    @property
    def matrix(self) -> Tensor:
        """What x is multiplied with, (K, fan_in, parts · fan_out)."""
        return self.weight if self.scale is None else self.weight * self.scale.factor

    def forward(self, x: Tensor) -> Tensor:
        if self.tap is not None:
            if self.scale is not None:
                return self.scale(self.tap.linear(x, self.weight, None), self.bias)
            return self.tap.linear(x, self.weight, self.bias)
        if self.bias is None:
            return torch.bmm(x, self.matrix)
        return torch.baddbmm(self.bias, x, self.matrix)

    def beside(self, x: Tensor, other: Linear, y: Tensor) -> Tensor:
        """x W + b + y W', W' another layer's weight without a bias; in one product where both are tensors."""
        if not isinstance(x, Tensor):  # carried derivatives add up what lies between products by themselves
            return self(x) + other(y)
        weight = torch.cat([self.matrix, other.matrix], dim=1)
        both = torch.cat([x, y], dim=2)
        return torch.bmm(both, weight) if self.bias is None else torch.baddbmm(self.bias, both, weight)


class BatchNorm(nn.Module):
    """Batch normalisation of (K, n, width), each replicate with statistics of its own.

        y = γ (x − mean) / √(var + ε) + β

    In training mode, mean and (biased) variance are those of the n points at hand; every loss term
    calls the network by itself, so interior, boundary and initial points are normalised apart, as
    in the paper.  Each such call moves the running statistics by `momentum`; evaluation mode uses
    them.  They are buffers (K, 1, width), with the unbiased variance, as torch has it.  A batch of
    one point (the initial instant of an ordinary differential equation) has no variance: it is
    normalised with the running statistics and leaves them as they are, where torch would raise.

    **What batch statistics do to derivatives.**  In training mode each output u_i depends on every
    point x_j of the batch, so the "derivative" that a residual sees, ∂(Σ_j u_j)/∂x_i, is the
    pointwise ∂u_i/∂x_i *plus* Σ_{j≠i} ∂u_j/∂x_i: the change in the whole batch's outputs as one
    point moves the mean and the variance.  It is neither the derivative of the function that is
    evaluated later, with running statistics, nor that of any function of one point.  An extreme:
    where only linear maps follow a normalisation, the sum over the batch is constant and the
    derivative zero.  This is what the paper's code computes too.  (A batch of one point, normalised
    with running statistics, has its pointwise derivative.)

    Source: Ioffe and Szegedy (2015), algorithms 1 and 2.
    """

    running_mean: Tensor
    running_variance: Tensor

    def __init__(self, replicates: int, width: int, epsilon: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        self.epsilon = epsilon
        self.momentum = momentum
        self.weight = nn.Parameter(torch.ones(replicates, 1, width))
        self.bias = nn.Parameter(torch.zeros(replicates, 1, width))
        self.register_buffer("running_mean", torch.zeros(replicates, 1, width))
        self.register_buffer("running_variance", torch.ones(replicates, 1, width))

    def forward(self, x: Tensor) -> Tensor:
        n = x.shape[1]
        mean, variance = self.running_mean, self.running_variance
        if self.training and n > 1:
            variance, mean = torch.var_mean(x, dim=1, correction=0, keepdim=True)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_variance.lerp_(variance * (n / (n - 1)), self.momentum)
        scale = self.weight * (variance + self.epsilon).rsqrt()
        return torch.addcmul(self.bias, x - mean, scale)


class Dropout(nn.Module):
    """In training mode, zeroes each unit of each point with a probability; scales up the others.

    Replicate k draws from generators[k] alone.  The points of a batch have masks of their own, and
    a derivative sees the mask of the values it belongs to.  Source: Srivastava et al. (2014).
    """

    def __init__(self, probability: float, generators: Sequence[torch.Generator]) -> None:
        super().__init__()
        self.probability = probability
        self.generators = list(generators)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        # Drawn on the CPU in float32 whatever x is, so that device and dtype are no part of a seed.
        drawn = torch.stack([torch.rand(x.shape[1:], generator=g) for g in self.generators])
        kept = (drawn >= self.probability).to(x.device)
        return x * kept / (1.0 - self.probability)


class Elementwise(nn.Module):
    """An activation function as a layer."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class AdaptiveActivation(nn.Module):
    """σ(n a x), where each layer of each replicate trains its own slope a, which starts at 1/n.

    Source: Jagtap, Kawaguchi and Karniadakis (2020), "Locally adaptive activation functions with slope
    recovery for deep and physics-informed neural networks", section 2 (layer-wise; without slope recovery).
    """

    def __init__(self, function: Callable[[Tensor], Tensor], times: float, replicates: int) -> None:
        super().__init__()
        self.function = function
        self.slope = Scale(torch.full((replicates, 1, 1), 1.0 / times), times=times)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self.slope(x))


class LayerFactory:
    """Makes a network's layers with one activation, initialisation and set of generators."""

    def __init__(
        self,
        activation: Activation,
        initialisation: str | None,
        gain: float | None,
        generators: Sequence[torch.Generator],
        *,
        dropout: float = 0.0,
        dropout_generators: Sequence[torch.Generator] = (),
        factorisation: float | None = None,
        slope: float | None = None,
    ) -> None:
        self.activation = activation
        self.initialisation = initialisation or activation.initialisation
        self.gain = activation.gain if gain is None else gain
        self.generators = list(generators)
        self.dropout = dropout
        self.dropout_generators = list(dropout_generators)
        self.factorisation = factorisation
        self.slope = slope

    def function(self) -> Callable[[Tensor], Tensor]:
        """The activation for one layer: the bare function, or one with a trained slope."""
        activation = self.activation.function
        return (
            activation
            if self.slope is None
            else AdaptiveActivation(activation, self.slope, len(self.generators))
        )

    def hidden(self, fan_in: int, fan_out: int, *, bias: bool = True, parts: int = 1) -> Linear:
        """A layer followed by the activation."""
        return self._linear(fan_in, fan_out, self.gain, bias=bias, parts=parts)

    def output(self, fan_in: int, fan_out: int, *, bias: bool = True) -> Linear:
        """A layer that nothing follows, of gain 1."""
        layer = self._linear(fan_in, fan_out, 1.0, bias=bias)
        layer.last = True
        return layer

    def _linear(self, fan_in: int, fan_out: int, gain: float, *, bias: bool, parts: int = 1) -> Linear:
        return Linear(
            fan_in,
            fan_out,
            self.initialisation,
            gain,
            self.generators,
            bias=bias,
            parts=parts,
            factorisation=self.factorisation,
        )

    def normalisation(self, width: int) -> BatchNorm:
        """A batch normalisation of its own for one layer."""
        return BatchNorm(len(self.generators), width)

    def after_activation(self) -> list[nn.Module]:
        """What regularises a layer's units: dropout, or nothing."""
        return [Dropout(self.dropout, self.dropout_generators)] if self.dropout else []
