"""A recorded table of trainings, searched again without training: is a searcher worth it?"""

from studies.replay.simulate import Outcome, replay, summarise
from studies.replay.table import TrainingTable

__all__ = ["Outcome", "TrainingTable", "replay", "summarise"]
