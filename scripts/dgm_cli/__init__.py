"""The command line: the roof, which knows every room and which no room knows."""

import os

# Before numpy is imported.  Trainings compute with torch; threads of numpy's own would only take signals that
# the main thread keeps waiting while Ray has its handlers in place of ours (see `studies.tune.session`).
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
