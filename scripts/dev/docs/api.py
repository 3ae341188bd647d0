"""The pages of the Python interface: which modules each has; their docstrings say the rest."""

from __future__ import annotations

PAGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "api/problems.md": (
        "Problems in Python",
        (
            "dgm_core.formulation.base",
            "dgm_core.formulation.initial_value",
            "dgm_core.formulation.integral_equation",
            "dgm_core.formulation.conditions",
            "dgm_core.calculus.operators",
            "dgm_core.formulation.domains.box",
            "dgm_core.formulation.domains.ball",
            "dgm_core.formulation.domains.polygon",
            "dgm_core.formulation.domains.combined",
            "dgm_core.formulation.references",
        ),
    ),
    "api/training.md": (
        "Training in Python",
        (
            "dgm_core.training.config",
            "dgm_core.training.setup",
            "dgm_core.training.model",
            "dgm_core.networks.base",
            "dgm_core.networks.layers",
            "dgm_core.training.optimizers.base",
        ),
    ),
    "api/studies.md": (
        "Studies in Python",
        (
            "studies.public",
            "studies.study.search",
            "studies.study.ablation",
            "studies.study.resources",
            "studies.tune.plain",
        ),
    ),
}
"""Path in the site -> title and modules."""


def pages() -> dict[str, str]:
    """Path in the site to the page, Markdown that mkdocstrings fills."""
    return {
        path: f"# {title}\n\nMade from the docstrings.\n\n"
        + "\n\n".join(f"::: {name}" for name in modules)
        + "\n"
        for path, (title, modules) in PAGES.items()
    }
