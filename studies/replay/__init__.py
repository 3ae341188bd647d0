"""A recorded table of trainings, searched again without training: is a searcher worth it?"""

from studies.replay.compare import anytime, summarise
from studies.replay.method import Method
from studies.replay.simulate import Outcome, replay
from studies.replay.table import TrainingTable

__all__ = ["Method", "Outcome", "TrainingTable", "anytime", "replay", "summarise"]
