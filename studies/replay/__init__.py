"""A recorded table of trainings, searched again without training: is a searcher worth it?"""

from studies.replay.compare import anytime, overall, summarise
from studies.replay.method import Method
from studies.replay.simulate import ReplayOutcome, replay
from studies.replay.table import TrainingTable, describes_itself

__all__ = [
    "Method",
    "ReplayOutcome",
    "TrainingTable",
    "anytime",
    "describes_itself",
    "overall",
    "replay",
    "summarise",
]
