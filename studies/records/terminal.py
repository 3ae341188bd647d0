"""Tables of a terminal: what matters less goes before a name is wrapped or cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich.table import Table
from rich.text import Text

from studies.records.words import counted

_GAP = 2
"""Columns of space between two of a table, as Rich has them without edges."""


@dataclass(frozen=True)
class Column:
    """A heading and the cells below it.

    spare: of the columns with the highest number the last goes first where the terminal is too narrow; those
    with 0 stay.
    """

    title: str
    cells: Sequence[str | Text]
    right: bool = False
    spare: int = 0

    @property
    def width(self) -> int:
        """That of its widest line."""
        return max([Text(self.title).cell_len, *(_text(cell).cell_len for cell in self.cells)])

    @property
    def narrowest(self) -> int:
        """The same, with the heading on a line for each of its words."""
        words = [Text(word).cell_len for word in self.title.split()]
        return max([*words, *(_text(cell).cell_len for cell in self.cells), 1])


def fitting(columns: Sequence[Column], width: int) -> list[Column]:
    """The columns that fit a width: those that can be spared are left out, one after another."""
    kept = list(columns)
    while _wide(kept) > width and any(column.spare for column in kept):
        most = max(column.spare for column in kept)
        kept.reverse()
        kept.remove(next(column for column in kept if column.spare == most))
        kept.reverse()
    return kept


def table(columns: Sequence[Column], width: int, *, title: str | None = None, fold: bool = False) -> Table:
    """A table of the columns that fit; a heading is folded between words where nothing more can be spared,
    and then the last columns are left out, and counted below.

    fold: cells that do not fit are folded too, and not cut.
    """
    kept = fitting(columns, width)
    narrow = _wide(kept) > width
    left = 0
    while narrow and not fold and len(kept) > 1 and _narrowest(kept) > width:
        kept, left = kept[:-1], left + 1
    made = Table(box=None, pad_edge=False, header_style="bold", title=title, title_justify="left")
    justify: dict[bool, Literal["left", "right"]] = {False: "left", True: "right"}
    for column in kept:
        title_lines = "\n".join(column.title.split()) if narrow and not fold else column.title
        made.add_column(title_lines, justify=justify[column.right], no_wrap=not fold, overflow="fold")
    if left:
        made.caption = f"{counted(left, 'column')} more would fit a wider terminal."
        made.caption_justify = "left"
    for row in zip(*(column.cells for column in kept), strict=True):
        made.add_row(*row)
    return made


def fits(columns: Sequence[Column], width: int) -> bool:
    """Whether all of them do."""
    return _wide(columns) <= width


def _wide(columns: Sequence[Column]) -> int:
    return sum(column.width for column in columns) + _GAP * max(0, len(columns) - 1)


def _narrowest(columns: Sequence[Column]) -> int:
    return sum(column.narrowest for column in columns) + _GAP * max(0, len(columns) - 1)


def _text(cell: str | Text) -> Text:
    return cell if isinstance(cell, Text) else Text(cell)
