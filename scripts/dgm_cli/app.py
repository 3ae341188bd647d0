"""The commands of `dgm`, and what is said where one cannot be run."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from typing import Annotated, Any, TextIO

import typer
import typer.core

from dgm_cli import new
from dgm_cli.catalog import list_all
from dgm_cli.check import check, show
from dgm_cli.compare import compare
from dgm_cli.dashboard.command import dashboard
from dgm_cli.doctor import doctor
from dgm_cli.export import export
from dgm_cli.replay import replay
from dgm_cli.report import report
from dgm_cli.reproduce import reproduce
from dgm_cli.rerun import rerun
from dgm_cli.resume import resume
from dgm_cli.revive import revive
from dgm_cli.run import run
from dgm_cli.runs import clean, status, stop
from dgm_cli.solve import solve
from dgm_cli.submit import PASSED, submit
from dgm_core.errors import ConfigurationError, unknown
from dgm_core.extensions import explained
from studies.errors import InterruptedStudyError, StudyError
from studies.signals import INTERRUPTED, terminable

UNREAD = 141
"""The exit code where a reader has gone, as if SIGPIPE had ended the command."""


class _Commands(typer.core.TyperGroup):
    """An interrupt that no command has seen to is said: typer would end with its exit code and no word."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-"):
            raise unknown("command", args[0], known)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise InterruptedStudyError("interrupted.") from None


app = typer.Typer(
    name="dgm",
    cls=_Commands,
    help="Hyperparameter studies for Deep Galerkin solvers.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        print(f"dgm-studies {version('dgm-studies')}")
        raise typer.Exit


@app.callback()
def _before(
    asked: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Hyperparameter studies for Deep Galerkin solvers."""


app.command("list")(list_all)
app.command()(show)
app.command()(check)
app.command()(run)
app.command(context_settings=PASSED)(submit)
app.command()(solve)
app.command()(reproduce)
app.command()(report)
app.command()(compare)
app.command()(export)
app.command()(replay)
app.command()(rerun)
app.command()(resume)
app.command()(revive)
app.command()(status)
app.command()(stop)
app.command()(clean)
app.command()(dashboard)
app.command()(doctor)
app.add_typer(new.app)


def main() -> None:
    """Runs the command within a process that has other things to do, such as that of the tests."""
    with terminable():
        code = call()
    sys.exit(code)


def call() -> int:
    """Runs the command; its exit code.

    A user's mistake is one sentence and exit code 2, a failure of the machine one sentence and code 1.  A
    reader that has gone, as `head` does, ends it without a word.
    """
    try:
        code = _called()
    except (OSError, SystemExit) as error:
        # rich and Typer end with 1 then, and let nobody else see it
        if _unread() or (isinstance(error.__context__, BrokenPipeError) and _silenced(sys.stdout)):
            return UNREAD
        raise
    return UNREAD if _unread() else code


def _unread() -> bool:
    """Whether nobody reads what is printed any more; what is left of it then goes nowhere."""
    gone = False
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            gone = _silenced(stream)
    return gone


def _silenced(stream: TextIO) -> bool:
    """Lets what is left of a stream go nowhere; always true."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
    return True


def _called() -> int:
    try:
        code = app(standalone_mode=False)
    except typer.TyperException as error:
        return _fail(_usage(error))
    except ConfigurationError as error:
        return _fail(explained(error) or str(error))
    except StudyError as error:
        return _fail(str(error), code=INTERRUPTED if isinstance(error, InterruptedStudyError) else 1)
    except (typer.Abort, KeyboardInterrupt):  # at a prompt, and before a command is known
        return _fail("interrupted.", code=INTERRUPTED)
    except (Exception, SystemExit) as error:  # a user's equation may call sys.exit too
        if where := explained(error):
            return _fail(where)
        if isinstance(error, BrokenPipeError) and _unread():
            return UNREAD
        if isinstance(error, (OSError, MemoryError)):
            return _fail(_said(error), code=1)
        raise
    return code if isinstance(code, int) else 0


def _usage(error: Any) -> str:
    """What typer says of the arguments, and where to read which there are."""
    message = str(getattr(error, "format_message", error.__str__)())
    asked: list[str] = []
    context = getattr(error, "ctx", None)
    while context is not None and context.parent is not None:
        asked, context = [context.info_name, *asked], context.parent
    if asked and message.startswith(("Missing argument", "Got unexpected")):
        return f"{message.rstrip('.')}: `dgm {' '.join(asked)} --help` shows what it takes."
    return message


def _said(error: OSError | MemoryError) -> str:
    """What the machine could not do, where nobody nearer to it has said so."""
    if isinstance(error, MemoryError):
        return "the memory of this machine does not suffice; what was recorded is kept."
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}; what was recorded is kept."


def _fail(message: str, code: int = 2) -> int:
    if message:  # empty where typer has shown the help instead
        print(f"dgm: {message}", file=sys.stderr)
    return code
