"""The trained field: a network with its input map and output transform, one for each time window."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from dgm_core.errors import ConfigurationError
from dgm_core.formulation import Problem
from dgm_core.formulation.cutting import nothing, orders_of, state_of, window_of
from dgm_core.formulation.scales import scales_of
from dgm_core.formulation.trained import Constants
from dgm_core.networks import EMBEDDINGS, build_network
from dgm_core.random_streams import stream
from dgm_core.training.config import TrainConfig
from dgm_core.training.corners import CornerFunctions
from dgm_core.training.precision import PRECISIONS
from dgm_core.training.prediction import state
from dgm_core.training.scaling import Embedding, OutputScaling, UnitScaling, network_inputs
from dgm_core.training.setup import Setup

_INITIAL = "initial"
_CONSTANTS = "trained_constants"
_EMBEDDING = "input_embedding"


class Piece(nn.Module):
    """K networks as approximate solutions of one problem: (K, n, d) -> (K, n, q).

    `input_scaling` and `embedding` map x before the network, `output_scaling` its values afterwards.  With
    `hard_conditions` the network sees a periodic axis as (cos, sin) of its phase, and its values go through
    the problem's `constrain`: that satisfies the `hard_terms` whatever the network says (Lagaris, Likas and
    Fotiadis 1998).
    """

    def __init__(
        self, problem: Problem, config: TrainConfig, seeds: Sequence[int], path: tuple[str | int, ...] = ()
    ) -> None:
        super().__init__()
        self.problem = problem
        periodic = problem.periodic if config.hard_conditions else ()
        inputs = network_inputs(problem, config)
        self.network = build_network(config, inputs, len(problem.outputs), seeds, *path)
        if config.embedding != "none":
            generators = [stream(seed, "embedding", *path) for seed in seeds]
            raw = network_inputs(problem, config.model_copy(update={"embedding": "none"}))
            embedding = EMBEDDINGS.get(config.embedding)(raw, config, generators)
            self.network.add_module(_EMBEDDING, embedding)
        trained = {
            name: (constant, constant.start_of(problem)) for name, constant in type(problem).trained().items()
        }
        if trained:
            constants = Constants(trained, len(seeds))
            self.network.add_module(_CONSTANTS, constants)
            self.problem = problem.bound(constants)
        self.scaling: nn.Module | None = None
        if periodic:
            self.scaling = Embedding(
                problem.inputs, periodic, unit=config.input_scaling == "unit", harmonics=config.harmonics
            )
        elif config.input_scaling == "unit":
            self.scaling = UnitScaling(problem.inputs)
        self.corners: nn.Module | None = None
        if config.corner_functions:
            self.corners = CornerFunctions(problem.domain.corners, config.corner_functions)
        self._hard = config.hard_conditions
        self.output_tap: Callable[[Tensor], Tensor] | None = None
        """What the network's values go through before the problem sees them (see
        `dgm_core.calculus.taps`)."""
        self.outputs: nn.Module | None = None
        if config.output_scaling == "unit":
            # What `constrain` adds to has a middle of its own.
            centred = not (self._hard and len(problem.hard_terms) > len(periodic))
            self.outputs = OutputScaling(scales_of(problem.whole), centred=centred)

    @property
    def constants(self) -> Constants | None:
        """The problem's trained constants, where it has any: parameters of the network, as far as training is
        concerned."""
        return cast("Constants | None", getattr(self.network, _CONSTANTS, None))

    @property
    def pointwise(self) -> bool:
        """Whether its value at a point depends on that point alone (see `derivatives_at`)."""
        return self.network.pointwise

    @property
    def random(self) -> bool:
        """Whether its value at a point is drawn anew at every call: dropout, in training mode."""
        return self.training and self.network.stochastic

    def forward(self, x: Tensor) -> Tensor:
        inputs = x if self.scaling is None else self.scaling(x)
        if self.corners is not None:
            inputs = torch.cat([inputs, self.corners(x)], dim=-1)
        embedding = getattr(self.network, _EMBEDDING, None)
        raw = self.network(inputs if embedding is None else embedding(inputs))
        if self.output_tap is not None:
            raw = self.output_tap(raw)
        if self.outputs is not None:
            raw = self.outputs(raw)
        return self.problem.constrain(x, raw) if self._hard else raw


class Solution(nn.Module):
    """The field over the whole domain: one `Piece`, or one a time window.

    Window j starts from the end values of window j − 1; a time on an edge belongs to the earlier
    one.  Until `begin(j)`, piece j holds untrained weights and starts from zeros.
    """

    def __init__(self, setup: Setup, seeds: Sequence[int]) -> None:
        super().__init__()
        self.setup = setup
        self.seeds = tuple(seeds)
        self.warm = False
        """Whether each window starts with the weights it was given, and not with those of the one before."""
        count, time = setup.config.windows, setup.problem.inputs[-1]
        self.edges = [time.lower + (time.upper - time.lower) * j / count for j in range(count)] + [time.upper]
        self.initials: dict[int, Tensor] = {}  # (K, …, s), of all windows but the first
        if count > 1:
            self.initials = dict.fromkeys(range(1, count), nothing(setup.problem, len(seeds)))
        self.pieces = nn.ModuleList(
            Piece(self._problem(j), setup.config, seeds, window_path(j)) for j in range(count)
        )

    def piece(self, j: int) -> Piece:
        """That of window j."""
        return cast(Piece, self.pieces[j])

    def forward(self, x: Tensor) -> Tensor:
        y = self.pieces[0](x)
        for edge, piece in zip(self.edges[1:], self.pieces[1:], strict=False):
            y = torch.where(x[..., -1:] > edge, piece(x), y)
        return y

    def parts(self, points: Tensor) -> Iterator[tuple[Piece, Tensor]]:
        """Each piece with the mask (N,) of the points (N, d) that lie in its window."""
        count = len(self.pieces)
        inner = torch.tensor(self.edges[1:-1], dtype=torch.float64)
        window = torch.bucketize(points[:, -1].contiguous(), inner.to(points.device))  # edge: the earlier
        for j in range(count):
            yield self.piece(j), window == j

    def begin(self, j: int) -> None:
        """Makes window j start where window j − 1 ends, and unless it is `warm` from that one's weights.

        The neighbour's weights are a better start than random ones: in inputs scaled to the window
        the solution changes little from one window to the next.
        """
        before, problem = self.piece(j - 1), self.setup.problem
        replicates, device, orders = len(self.seeds), device_of(before), orders_of(problem)

        def reached(x: Tensor) -> Tensor:
            values = state(before, x.expand(replicates, -1, -1).to(device), orders)
            return values if problem.starts else values.cpu()

        self._start(j, state_of(problem, self.edges[j], reached).to(device))
        if not self.warm:
            self.pieces[j].load_state_dict(before.state_dict())

    def replicate(self, j: int, k: int) -> Piece:
        """A copy of replicate k of piece j alone (K = 1), in float64."""
        piece = self.piece(j)
        copy = Piece(self._problem(j, slice(k, k + 1)), self.setup.config, self.seeds[k : k + 1]).double()
        copy.load_state_dict({name: value[k : k + 1] for name, value in piece.state_dict().items()})
        return copy.to(device_of(piece))

    def untrained(self, j: int) -> Piece:
        """Replicate 0 of piece j as it was before any training; of the present dtype, device and mode."""
        piece = self.piece(j)
        problem = self._problem(j, slice(0, 1))
        fresh = Piece(problem, self.setup.config, self.seeds[:1], window_path(j))
        return fresh.to(next(piece.parameters())).train(piece.training)

    def constants(self) -> dict[str, list[float]]:
        """The problem's trained constants by name: that of each replicate, (K,)."""
        constants = self.piece(0).constants
        return {} if constants is None else constants.values()

    def weights(self) -> dict[str, Tensor]:
        """All tensors needed to build the field again, each with a leading K; a copy on the CPU."""
        weights = {name: value.detach().cpu().clone() for name, value in self.state_dict().items()}
        for j, initial in self.initials.items():
            weights[f"{_INITIAL}.{j}"] = initial.cpu().clone()
        return weights

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Takes over what `weights` gave, a polished piece in its float64."""
        tensors = dict(weights)
        for j, piece in enumerate(self.pieces):
            if j:
                self._start(j, tensors.pop(f"{_INITIAL}.{j}").to(device_of(piece)))
            name, _ = next(piece.named_parameters())
            piece.to(tensors[f"pieces.{j}.{name}"].dtype)
        self.load_state_dict(tensors)

    def start_from(self, weights: Mapping[str, Tensor]) -> None:
        """Takes over the weights of an earlier training, each window its own, in the configured precision.

        Raises ConfigurationError where they are another network's or of another number of replicates.
        """
        dtype = PRECISIONS[self.setup.config.resolved_precision]
        cast_weights = {
            name: value.to(dtype) if value.is_floating_point() and name.startswith("pieces") else value
            for name, value in weights.items()
        }
        expected = {name: _comparable(name, value) for name, value in self.weights().items()}
        given = {name: _comparable(name, value) for name, value in cast_weights.items()}
        if given != expected:
            name = next(n for n in {**expected, **given} if expected.get(n) != given.get(n))
            raise ConfigurationError(
                f"the weights do not fit these settings: {name} has the shape {given.get(name)} there, and "
                f"{expected.get(name)} here (replicates first)."
            )
        self.load(cast_weights)
        self.warm = True

    def _start(self, j: int, initial: Tensor) -> None:
        self.initials[j] = initial
        self.piece(j).problem = self._problem(j)

    def _problem(self, j: int, replicates: slice = slice(None)) -> Problem:
        if len(self.edges) == 2:
            return self.setup.problem
        initial = self.initials[j][replicates] if j else None
        return window_of(self.setup.problem, self.edges[j], self.edges[j + 1], initial)


def window_path(j: int) -> tuple[str | int, ...]:
    """What window j adds to the names of its random streams: nothing for the first."""
    return ("window", j) if j else ()


def _comparable(name: str, value: Tensor) -> tuple[int, ...]:
    """A tensor's shape, but of what windows hand on, which has as many waves as it takes, the replicates."""
    return tuple(value.shape[:1]) if name.startswith(_INITIAL) else tuple(value.shape)


def device_of(module: nn.Module) -> torch.device:
    """Where a module's parameters are."""
    return next(module.parameters()).device
