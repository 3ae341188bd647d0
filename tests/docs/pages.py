"""The snippets of the documentation: what stands between fences, and how it is marked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md"), *ROOT.glob("scripts/**/*.md")]
)

_FENCE = re.compile(
    r"^(?:<!-- (?P<mark>[^\n]*?) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_INLINE = re.compile(r"`(dgm [a-z][^`\n]*)`")


@dataclass(frozen=True)
class Snippet:
    """A fenced block.

    mark: the comment before it.  "run" has a block of commands executed, "run: OPTIONS" each with these
    options too, and "run without report" spares the figures; other blocks of commands are
    parsed only.  "shown" has Python left alone, "ray" has it run where Ray may be started.
    """

    page: str
    line: int
    language: str
    mark: str
    text: str

    @property
    def runs(self) -> bool:
        return self.mark.partition(":")[0] in ("run", "run without report")

    @property
    def options(self) -> str:
        return self.mark.partition(":")[2].strip()

    @property
    def commands(self) -> list[str]:
        """Its lines, continued ones joined, comments left out."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [line for line in (re.sub(r"(^|\s)#.*", "", line).strip() for line in lines) if line]


def snippets(page: Path) -> Iterator[Snippet]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        name = page.relative_to(ROOT).as_posix()
        yield Snippet(name, line, found["language"], found["mark"] or "", found["text"])


def inline_commands(page: Path) -> list[str]:
    """Whole commands in the prose: what an ellipsis shortens is left out."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    return [command for command in _INLINE.findall(text) if "…" not in command]
