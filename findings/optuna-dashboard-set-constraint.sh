#!/usr/bin/env bash
# optuna-dashboard 0.21.0, Optuna 5.0.0: a constraint that is set by Trial.set_constraint is unknown to the dashboard.
# Expected: a trial that violates a constraint is shown as infeasible, whichever of Optuna's ways it was told by; samplers know both.
# Happens: constraints_func of a sampler writes the system attribute "constraints", which the dashboard reads; set_constraint writes
# "constraints:NAME", which it does not: its API gives no constraints, and every trial is drawn as feasible.
# Seen: "by set_constraint: study knows {'cost': 1.0}, dashboard []" and "by constraints_func: dashboard [1.0]".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check optuna==5.0.0 optuna-dashboard==0.21.0 numpy==2.4.6 sqlalchemy==2.1.9
cat > "$folder/constraints.py" <<'PYTHON'
import io
import json
import warnings

import optuna
import optuna_dashboard

warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)
print(f"optuna {optuna.__version__}, optuna-dashboard {optuna_dashboard.__version__}")


def shown(storage, study):
    """The constraints of a study's first trial, as the dashboard's own page is given them."""
    status = []
    request = {
        "REQUEST_METHOD": "GET", "PATH_INFO": f"/api/studies/{study._study_id}", "QUERY_STRING": "after=0",
        "SERVER_NAME": "localhost", "SERVER_PORT": "80", "wsgi.input": io.BytesIO(), "wsgi.url_scheme": "http",
    }
    body = b"".join(optuna_dashboard.wsgi(storage)(request, lambda code, headers, *rest: status.append(code)))
    assert status == ["200 OK"], status
    return json.loads(body)["trials"][0]["constraints"]


storage = optuna.storages.InMemoryStorage()
told = optuna.create_study(storage=storage, study_name="told")
trial = told.ask()
trial.set_constraint("cost", 1.0)
told.tell(trial, 0.0)
kept = {key: value for key, value in told.trials[0].system_attrs.items() if key.startswith("constraints")}
first = shown(storage, told)
print(f"by set_constraint: study knows {kept}, dashboard {first}")

sampler = optuna.samplers.TPESampler(constraints_func=lambda trial: [1.0])
older = optuna.create_study(storage=storage, study_name="older", sampler=sampler)
older.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
second = shown(storage, older)
print(f"by constraints_func: dashboard {second}")
raise SystemExit(0 if (first, second) == ([], [1.0]) else 1)
PYTHON
"$folder/venv/bin/python" "$folder/constraints.py"
