"""What a trial's worker measures of itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from studies.records.events import Telemetry


class Meter:
    """Times the share of a trial that one worker trains, from iteration `begun` on."""

    def __init__(self, begun: int) -> None:
        self._begun = begun
        self._training = 0.0
        self._evaluating = 0.0
        self._worked = 0.0
        self._process = psutil.Process()

    @contextmanager
    def training(self) -> Iterator[None]:
        """Counts the body's time as training."""
        since, worked = time.perf_counter(), time.process_time()
        yield
        self._training += time.perf_counter() - since
        self._worked += time.process_time() - worked

    @contextmanager
    def evaluation(self) -> Iterator[None]:
        """Counts the body's time as evaluation."""
        since = time.perf_counter()
        yield
        self._evaluating += time.perf_counter() - since

    def read(self, iteration: int) -> Telemetry:
        """How the work has gone up to an iteration."""
        spent = self._training + self._evaluating
        return Telemetry(
            iterations_per_second=(iteration - self._begun) / spent,
            memory_mib=self._process.memory_info().rss / 2**20,
            evaluation_share=self._evaluating / spent,
            processor_share=self._worked / self._training if self._training else None,
        )
