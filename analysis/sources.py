"""The works that problems name as their sources, for a bibliography."""

from __future__ import annotations

import re

BY_NAME = {
    "Detorakis": "detorakis2024primer",
    "Krishnapriyan et al. (2021)": "krishnapriyan2021failure",
    "Basdevant et al. (1986)": "basdevant1986burgers",
    "Raissi et al. (2019)": "raissi2019pinn",
    "Wang, Yu and Perdikaris (2022)": "wang2022ntk",
    "Wang, Sankaran and Perdikaris (2022)": "wang2022causality",
    "Sun, Gao, Pan and Wang (2020)": "sun2020surrogate",
    "FitzHugh (1961)": "fitzhugh1961impulses",
    "Guan et al. (2022)": "guan2022fredholm",
    "Hansen (2010)": "hansen2010inverse",
    "Cybenko (1989)": "cybenko1989superpositions",
    "Beck, Blackwell and St. Clair (1985)": "beck1985inverse",
    "Farlow (1993)": "farlow1993pde",
    "Carslaw and Jaeger (1959)": "carslaw1959heat",
    "Escapil-Inchauspé and Ruz (2023)": "escapil2023tuning",
    "Jagtap, Kharazmi and Karniadakis (2020)": "jagtap2020cpinn",
    "Mitchell (2013)": "mitchell2013elliptic",
    "E and Yu (2018)": "e2018ritz",
    "Wazwaz (2011)": "wazwaz2011integral",
}
"""As a problem's `source` has them -> key."""

WORKS = {
    "krishnapriyan2021failure": """@inproceedings{krishnapriyan2021failure,
  author    = {Krishnapriyan, Aditi S. and Gholami, Amir and Zhe, Shandian and Kirby, Robert M. and
               Mahoney, Michael W.},
  title     = {Characterizing possible failure modes in physics-informed neural networks},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {34},
  pages     = {26548--26560},
  year      = {2021}
}""",
    "basdevant1986burgers": """@article{basdevant1986burgers,
  author  = {Basdevant, C. and Deville, M. and Haldenwang, P. and Lacroix, J. M. and Ouazzani, J. and
             Peyret, R. and Orlandi, P. and Patera, A. T.},
  title   = {Spectral and finite difference solutions of the {Burgers} equation},
  journal = {Computers \\& Fluids},
  volume  = {14},
  number  = {1},
  pages   = {23--41},
  year    = {1986}
}""",
    "raissi2019pinn": """@article{raissi2019pinn,
  author  = {Raissi, Maziar and Perdikaris, Paris and Karniadakis, George Em},
  title   = {Physics-informed neural networks: A deep learning framework for solving forward and inverse
             problems involving nonlinear partial differential equations},
  journal = {Journal of Computational Physics},
  volume  = {378},
  pages   = {686--707},
  year    = {2019}
}""",
    "sun2020surrogate": """@article{sun2020surrogate,
  author  = {Sun, Luning and Gao, Han and Pan, Shaowu and Wang, Jian-Xun},
  title   = {Surrogate modeling for fluid flows based on physics-constrained deep learning without
             simulation data},
  journal = {Computer Methods in Applied Mechanics and Engineering},
  volume  = {361},
  pages   = {112732},
  year    = {2020}
}""",
    "wang2022ntk": """@article{wang2022ntk,
  author  = {Wang, Sifan and Yu, Xinling and Perdikaris, Paris},
  title   = {When and why {PINNs} fail to train: A neural tangent kernel perspective},
  journal = {Journal of Computational Physics},
  volume  = {449},
  pages   = {110768},
  year    = {2022}
}""",
    "wang2022causality": """@article{wang2022causality,
  author  = {Wang, Sifan and Sankaran, Shyam and Perdikaris, Paris},
  title   = {Respecting causality for training physics-informed neural networks},
  journal = {Computer Methods in Applied Mechanics and Engineering},
  volume  = {421},
  pages   = {116813},
  year    = {2024},
  note    = {arXiv:2203.07404, 2022}
}""",
    "fitzhugh1961impulses": """@article{fitzhugh1961impulses,
  author  = {FitzHugh, Richard},
  title   = {Impulses and physiological states in theoretical models of nerve membrane},
  journal = {Biophysical Journal},
  volume  = {1},
  number  = {6},
  pages   = {445--466},
  year    = {1961}
}""",
    "guan2022fredholm": """@article{guan2022fredholm,
  author  = {Guan, Yu and Fang, Tingting and Zhang, Diankun and Jin, Congming},
  title   = {Solving {Fredholm} integral equations using deep learning},
  journal = {International Journal of Applied and Computational Mathematics},
  volume  = {8},
  number  = {2},
  pages   = {87},
  year    = {2022}
}""",
    "hansen2010inverse": """@book{hansen2010inverse,
  author    = {Hansen, Per Christian},
  title     = {Discrete Inverse Problems: Insight and Algorithms},
  series    = {Fundamentals of Algorithms},
  number    = {7},
  publisher = {SIAM},
  address   = {Philadelphia},
  year      = {2010}
}""",
    "cybenko1989superpositions": """@article{cybenko1989superpositions,
  author  = {Cybenko, George},
  title   = {Approximation by superpositions of a sigmoidal function},
  journal = {Mathematics of Control, Signals and Systems},
  volume  = {2},
  number  = {4},
  pages   = {303--314},
  year    = {1989}
}""",
    "beck1985inverse": """@book{beck1985inverse,
  author    = {Beck, James V. and Blackwell, Ben and St. Clair, Charles R.},
  title     = {Inverse Heat Conduction: Ill-posed Problems},
  publisher = {Wiley-Interscience},
  address   = {New York},
  year      = {1985}
}""",
    "farlow1993pde": """@book{farlow1993pde,
  author    = {Farlow, Stanley J.},
  title     = {Partial Differential Equations for Scientists and Engineers},
  publisher = {Dover},
  year      = {1993}
}""",
    "carslaw1959heat": """@book{carslaw1959heat,
  author    = {Carslaw, H. S. and Jaeger, J. C.},
  title     = {Conduction of Heat in Solids},
  edition   = {2},
  publisher = {Clarendon Press},
  address   = {Oxford},
  year      = {1959}
}""",
    "escapil2023tuning": """@article{escapil2023tuning,
  author  = {Escapil-Inchausp{\\'e}, Paul and Ruz, Gonzalo A.},
  title   = {Hyper-parameter tuning of physics-informed neural networks: Application to {Helmholtz} problems},
  journal = {Neurocomputing},
  volume  = {561},
  pages   = {126826},
  year    = {2023},
  note    = {arXiv:2205.06704}
}""",
    "jagtap2020cpinn": """@article{jagtap2020cpinn,
  author  = {Jagtap, Ameya D. and Kharazmi, Ehsan and Karniadakis, George Em},
  title   = {Conservative physics-informed neural networks on discrete domains for conservation laws:
             Applications to forward and inverse problems},
  journal = {Computer Methods in Applied Mechanics and Engineering},
  volume  = {365},
  pages   = {113028},
  year    = {2020}
}""",
    "mitchell2013elliptic": """@article{mitchell2013elliptic,
  author  = {Mitchell, William F.},
  title   = {A collection of {2D} elliptic problems for testing adaptive grid refinement algorithms},
  journal = {Applied Mathematics and Computation},
  volume  = {220},
  pages   = {350--364},
  year    = {2013}
}""",
    "e2018ritz": """@article{e2018ritz,
  author  = {E, Weinan and Yu, Bing},
  title   = {The Deep {Ritz} Method: A Deep Learning-Based Numerical Algorithm for Solving Variational
             Problems},
  journal = {Communications in Mathematics and Statistics},
  volume  = {6},
  number  = {1},
  pages   = {1--12},
  year    = {2018}
}""",
    "wazwaz2011integral": """@book{wazwaz2011integral,
  author    = {Wazwaz, Abdul-Majid},
  title     = {Linear and Nonlinear Integral Equations: Methods and Applications},
  publisher = {Springer},
  year      = {2011}
}""",
}


def entries(problem: str, source: str) -> list[tuple[str, str | None]]:
    """Key and BibTeX of each work that a problem's source names, None for what is cited anyway.

    A source that is not known here, as that of a user's problem, is a note of its own.
    """
    works: list[tuple[str, str | None]] = []
    for part in filter(None, (each.strip() for each in source.split(";"))):
        key = next((key for name, key in BY_NAME.items() if part.startswith(name)), None)
        if key is not None:
            works.append((key, WORKS.get(key)))
        elif part[0].isupper():  # "cosine modes" and the like are no work
            key = f"source-{re.sub(r'[^a-z0-9]+', '-', problem.lower())}"
            works.append((key, f"@misc{{{key},\n  note = {{{_plain(part)}}}\n}}"))
    return works


def _plain(text: str) -> str:
    return re.sub(r"([&%$#_{}])", r"\\\1", text)
