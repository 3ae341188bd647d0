"""The questions: one study a file, found by its name."""

from __future__ import annotations

import importlib
import pkgutil

from dgm_core.errors import unknown
from studies.study import Study


def load_studies() -> dict[str, Study]:
    """Every study of the catalog by name, in alphabetical order."""
    studies: dict[str, Study] = {}
    for module in pkgutil.iter_modules(__path__):
        study: Study = importlib.import_module(f"{__name__}.{module.name}").STUDY
        studies[study.name] = study
    return dict(sorted(studies.items()))


def load_study(name: str) -> Study:
    """The study called `name`.  Raises ConfigurationError with the allowed names."""
    studies = load_studies()
    if name not in studies:
        raise unknown("study", name, studies)
    return studies[name]
