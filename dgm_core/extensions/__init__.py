"""A user's own Python files: loaded here, explained where they fail, and carried to where they are needed.

A file is imported under its own name, with its folder behind all others on the path, as a script's
modules are.  `Sources` holds it and the files beside it that it needs by value: for workers, which
have no such folder, and for run folders, which outlive it.
"""

from dgm_core.extensions.companions import LARGEST, companions
from dgm_core.extensions.explaining import explained, in_own_words
from dgm_core.extensions.loading import GROUP, adopt, check_importable, load, modules, unload
from dgm_core.extensions.sources import Sources
from dgm_core.extensions.words import in_one_line

__all__ = [
    "GROUP",
    "LARGEST",
    "Sources",
    "adopt",
    "check_importable",
    "companions",
    "explained",
    "in_one_line",
    "in_own_words",
    "load",
    "modules",
    "unload",
]
