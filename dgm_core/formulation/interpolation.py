"""A numerical solution as a field that autograd can differentiate."""

from __future__ import annotations

from typing import Any

import torch
from scipy.interpolate import BSpline
from torch import Tensor


def spline_field(spline: BSpline, t: Tensor) -> Tensor:
    """The spline's values at t (..., 1), as (..., q) float64, with its derivatives behind them.

    The derivatives are the spline's own, so a residual on it compares the values with the equation
    and does not take the equation's word for the slopes.
    """
    return _Spline.apply(t, spline, 0)


class _Spline(torch.autograd.Function):
    """A derivative of a spline, whose gradient is the next one."""

    @staticmethod
    def forward(ctx: Any, t: Tensor, spline: BSpline, order: int) -> Tensor:
        ctx.save_for_backward(t)
        ctx.spline, ctx.order = spline, order
        values = spline(t.detach().cpu().double().numpy()[..., 0], nu=order)
        return torch.from_numpy(values).to(t.device)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (t,) = ctx.saved_tensors
        slope = _Spline.apply(t, ctx.spline, ctx.order + 1)
        return (gradients[0] * slope).sum(dim=-1, keepdim=True).to(t.dtype), None, None
