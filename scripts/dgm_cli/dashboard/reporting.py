"""Makes the report of a run as it stands, outside its folder: `… reporting RUN FOLDER`.

In a process of its own, so that the page answers meanwhile and a report under way ends with the dashboard.
"""

from __future__ import annotations

import sys
from pathlib import Path

from analysis.report import make_report
from studies.errors import StudyError
from studies.records.rebuild import snapshot


def _main() -> None:
    run, folder = map(Path, sys.argv[1:])
    try:
        snapshot(run, folder)
        make_report(folder)
    except (StudyError, OSError, ValueError) as error:
        sys.exit(str(error).splitlines()[0] if str(error) else type(error).__name__)


if __name__ == "__main__":
    _main()
