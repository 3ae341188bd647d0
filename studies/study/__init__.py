"""What a question is made of: a search over a space, or an ablation over arms.

This room knows neither how a study is run nor how it is recorded.
"""

from studies.study.ablation import Ablation
from studies.study.search import Search
from studies.study.seeds import PHASES, replicate_seeds

Study = Search | Ablation

__all__ = ["PHASES", "Ablation", "Search", "Study", "replicate_seeds"]
