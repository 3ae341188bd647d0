"""A problem whose reference is not its solution cannot be made."""

from __future__ import annotations

import re

import pytest
import torch
from torch import Tensor

from dgm_core.errors import ConfigurationError
from dgm_core.formulation import verification
from dgm_core.problems.exponential_decay import ExponentialDecay
from dgm_core.problems.heat import Heat


class WrongRate(ExponentialDecay):
    def reference(self, x: Tensor) -> Tensor:
        return self.initial * torch.exp(-1.001 * self.rate * x)


class WrongEnd(Heat):
    def reference(self, x: Tensor) -> Tensor:
        return super().reference(x) + 1e-6 * x[..., :1]


class NotANumber(ExponentialDecay):
    def reference(self, x: Tensor) -> Tensor:
        return torch.log(-1.0 - x)


def test_a_wrong_reference_is_refused_in_one_sentence() -> None:
    with pytest.raises(ConfigurationError) as caught:
        WrongRate.create({})
    message = str(caught.value)
    assert "'interior'" in message
    assert re.search(r"the residual is \S+e-03, where \S+e-12 is allowed\.$", message)
    assert "\n" not in message


def test_a_wrong_boundary_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"'initial'|'right'"):
        WrongEnd.create({})


def test_a_reference_that_is_no_number_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="not finite"):
        NotANumber.create({})


def test_direct_construction_is_refused_too() -> None:
    with pytest.raises(ValueError, match="does not satisfy"):
        WrongRate()


def test_the_check_survives_extreme_parameters() -> None:
    Heat.create({"diffusivity": 1e6})
    ExponentialDecay.create({"rate": 1e5, "initial": 1e8})


def test_the_check_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Heat(diffusivity=0.731)
    asked = []
    monkeypatch.setattr(verification, "_points", lambda *given: asked.append(given))
    assert Heat(diffusivity=0.731) == problem
    assert not asked


def test_the_check_works_without_gradients() -> None:
    with torch.no_grad():
        Heat(diffusivity=0.732)
