"""Tries a problem on known fields, and refuses it in a sentence where it cannot be trained."""

from dgm_core.formulation.probing.energies import check_energy
from dgm_core.formulation.probing.form import check_form
from dgm_core.formulation.probing.probe import probe
from dgm_core.formulation.probing.probed import Probed, draw
from dgm_core.formulation.probing.shapes import check_reference_shape, reference_at

__all__ = ["Probed", "check_energy", "check_form", "check_reference_shape", "draw", "probe", "reference_at"]
