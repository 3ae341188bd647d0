"""A recorded table of trainings, searched again without training: is a searcher worth it?"""

from studies.replay.compare import anytime, overall, summarise
from studies.replay.method import Method
from studies.replay.recording import Recording
from studies.replay.simulate import ReplayOutcome, replay
from studies.replay.table import TrainingTable

__all__ = [
    "Method",
    "Recording",
    "ReplayOutcome",
    "TrainingTable",
    "anytime",
    "overall",
    "replay",
    "summarise",
]
