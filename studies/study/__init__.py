"""What a question is made of: a search over a space, or an ablation over arms.

This room knows neither how a study is run nor how it is recorded.
"""

from studies.study.ablation import Ablation
from studies.study.edits import EDITS, Edits
from studies.study.priors import Prior
from studies.study.resources import Resources
from studies.study.search import Search
from studies.study.seeds import PHASES, replicate_seeds
from studies.study.serial import from_dict, to_dict
from studies.study.space import Choice, PowersOfTwo

Study = Search | Ablation

__all__ = [
    "EDITS",
    "PHASES",
    "Ablation",
    "Choice",
    "Edits",
    "PowersOfTwo",
    "Prior",
    "Resources",
    "Search",
    "Study",
    "from_dict",
    "replicate_seeds",
    "to_dict",
]
