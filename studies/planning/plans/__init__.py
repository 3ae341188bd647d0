"""What a study does next, as a function of what it has been told: no Ray, no files, no clock on the wall."""

from studies.planning.plans.ablation import AblationPlan
from studies.planning.plans.base import StudyPlan
from studies.planning.plans.search import SearchPlan

__all__ = ["AblationPlan", "SearchPlan", "StudyPlan"]
