"""Tree-structured Parzen estimators, one for each setting: the default (docs/search.md says why)."""

from studies.samplers.tpe import TPE


class UnivariateTPE(TPE):
    """TPE as Bergstra et al. (2011) had it: each setting is drawn from a model of its own."""

    name = "tpe-univariate"
    multivariate = False
