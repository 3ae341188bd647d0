"""The command `dgm`: signals are seen to before anything else is imported, which takes a second or more.

To import this module changes nothing; `main` takes the process over.
"""

import os
import signal
import sys
from types import FrameType


def main() -> None:
    """Runs the command of this process, and ends the process.

    A process that goes on afterwards calls `dgm_cli.app.main`: this one leaves signals ignored at its end.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # under nohup, or in the background of a script
            signal.signal(number, _too_early)
    from studies.signals import INTERRUPTED, end, terminable

    try:
        with terminable(command=True):
            from dgm_cli.app import call

            code = call()
    except KeyboardInterrupt:
        end()
    if code == INTERRUPTED and "ray" in sys.modules:
        # All is closed and said.  Ray's core, left while it starts, can crash as the interpreter ends.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _too_early(number: int, frame: FrameType | None) -> None:
    """Nothing has begun."""
    os.write(2, b"dgm: interrupted.\n")
    os._exit(130)


if __name__ == "__main__":
    main()
