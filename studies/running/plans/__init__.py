"""What a study does next, as a function of what it has been told: no Ray, no files, no clock on the wall."""

from studies.running.plans.ablation import AblationPlan
from studies.running.plans.base import Plan
from studies.running.plans.search import SearchPlan

__all__ = ["AblationPlan", "Plan", "SearchPlan"]
