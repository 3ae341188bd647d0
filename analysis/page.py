"""What the pages of reports share: their templates, and tables as they show them."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from analysis import tables


@dataclass(frozen=True)
class ReportTable:
    """A table as a page shows it."""

    name: str
    title: str
    head: list[str]
    rows: list[list[str]]
    file: str = ""


def render(template: str, **values: Any) -> str:
    """A page from a template beside this module."""
    environment = Environment(
        loader=PackageLoader("analysis"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template(template).render(**values)


def asset(name: str) -> Markup:
    """A file beside the templates: the program's own, so that nothing in it needs escaping."""
    return Markup((resources.files("analysis") / "templates" / name).read_text(encoding="utf-8"))


def plain_table(title: str, table: pd.DataFrame) -> ReportTable:
    """A table of text as it is."""
    rows = [list(map(str, row)) for row in table.itertuples(index=False, name=None)]
    return ReportTable("", title, list(map(str, table.columns)), rows)


def rounded_table(name: str, title: str, table: pd.DataFrame, file: str = "") -> ReportTable:
    """A table in full precision, rounded for a reader."""
    text = tables.present(table)
    rows = [list(map(str, row)) for row in text.itertuples(index=False, name=None)]
    return ReportTable(name, title, list(map(str, text.columns)), rows, file)
