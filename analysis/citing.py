"""How a run is described in a paper: a methods paragraph, and what to cite."""

from __future__ import annotations

from analysis.load import Run
from analysis.settings import TPE, by_arrival, sampled, stopping, suggesting
from analysis.sources import entries
from analysis.tables.cells import looks_of
from analysis.tables.rounding import seconds
from studies.records.words import counted

WORKS = {
    "detorakis": """@misc{detorakis2024primer,
  author        = {Detorakis, Georgios Is.},
  title         = {Practical Aspects on Solving Differential Equations Using Deep Learning: A Primer},
  year          = {2024},
  eprint        = {2408.11266},
  archiveprefix = {arXiv}
}""",
    "sirignano": """@article{sirignano2018dgm,
  author  = {Sirignano, Justin and Spiliopoulos, Konstantinos},
  title   = {{DGM}: A deep learning algorithm for solving partial differential equations},
  journal = {Journal of Computational Physics},
  volume  = {375},
  pages   = {1339--1364},
  year    = {2018}
}""",
    "ray": """@article{liaw2018tune,
  author  = {Liaw, Richard and Liang, Eric and Nishihara, Robert and Moritz, Philipp and Gonzalez, Joseph E.
             and Stoica, Ion},
  title   = {Tune: A Research Platform for Distributed Model Selection and Training},
  journal = {arXiv preprint arXiv:1807.05118},
  year    = {2018}
}""",
    "optuna": """@inproceedings{akiba2019optuna,
  author    = {Akiba, Takuya and Sano, Shotaro and Yanase, Toshihiko and Ohta, Takeru and Koyama, Masanori},
  title     = {Optuna: A Next-generation Hyperparameter Optimization Framework},
  booktitle = {Proceedings of the 25th ACM SIGKDD International Conference on Knowledge Discovery and Data
               Mining},
  pages     = {2623--2631},
  year      = {2019}
}""",
    "tpe": """@inproceedings{bergstra2011tpe,
  author    = {Bergstra, James and Bardenet, R{\\'e}mi and Bengio, Yoshua and K{\\'e}gl, Bal{\\'a}zs},
  title     = {Algorithms for Hyper-Parameter Optimization},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {24},
  pages     = {2546--2554},
  year      = {2011}
}""",
    "asha": """@inproceedings{li2020asha,
  author    = {Li, Liam and Jamieson, Kevin and Rostamizadeh, Afshin and Gonina, Ekaterina and
               Ben-tzur, Jonathan and Hardt, Moritz and Recht, Benjamin and Talwalkar, Ameet},
  title     = {A System for Massively Parallel Hyperparameter Tuning},
  booktitle = {Proceedings of Machine Learning and Systems},
  volume    = {2},
  year      = {2020}
}""",
}


def methods(run: Run) -> str:
    """A paragraph that says what was done, for a paper."""
    study = run.study
    seeds = counted(study.replicates, "seed") + (" trained together" if study.replicates > 1 else "")
    text = f"We trained networks on the problem {study.problem} with the Deep Galerkin method (dgm-studies"
    text += f"{', commit ' + study.commit[:12] if study.commit else ''}), each setting with {seeds}"
    text += ", and ranked them by the median over seeds at the last iteration; a diverged seed counts as the"
    text += " worst. "
    if study.kind == "search":
        text += sampled(run) + " "
        fresh = run.phase("confirm")["seed"].nunique() or len(study.seeds.get("confirm", []))
        text += "The best trial that completed and the baseline were trained again on "
        text += f"{counted(fresh, 'fresh seed')}. "
        if (looks := looks_of(study)) > 1:
            text += (
                f"Seeds were added while it was open which is better, in up to {counted(looks, 'look')} that "
            )
            text += "share the level of 5 % (Bonferroni). "
    if study.kind == "ablation":
        rates = "tuned for each arm" if study.learning_rates == "tuned" else "the same in all arms"
        text += f"The seeds are shared by {counted(len(study.arms), 'arm')}; the learning rate was {rates}. "
    text += "Intervals of medians are those of order statistics. "
    names = ("python", "torch", "ray", "optuna")
    known = ", ".join(f"{name} {study.versions[name]}" for name in names if name in study.versions)
    took = "" if study.seconds is None else f" in {seconds(study.seconds)}"
    cores = counted(study.cores, "core")
    cores += f" ({study.machine['processor']})" if "processor" in study.machine else ""
    return text + f"It ran on {cores}{took}{' with ' + known if known else ''}."


def bibtex(run: Run) -> str:
    """What a paper on the run cites: the method, what it used of Optuna and Ray, the problem's source."""
    keys = ["detorakis", "sirignano", "ray"]
    if run.study.kind == "search":
        sampler, rule = suggesting(run).built_in, stopping(run).built_in
        keys += [] if by_arrival(run) and sampler != "optuna" else ["optuna"]
        keys += ["tpe"] if sampler in (*TPE, "optuna") else []
        keys += ["asha"] if rule == "asha" and run.study.scheduler.get("rungs") else []
    texts = {key: WORKS[key] for key in keys}
    for key, text in entries(run.study.problem, run.study.source):
        if text is not None:
            texts.setdefault(key, text)
    return "\n\n".join(texts.values()) + "\n"
