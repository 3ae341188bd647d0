"""Drawing into a notebook's cell."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console, Group


class NotebookView:
    """One output of a notebook's cell, drawn anew in place."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, what: Group) -> None:
        """Draws it, or draws it again."""
        from IPython.display import HTML, display

        console = Console(record=True, width=110, file=io.StringIO(), force_jupyter=False)
        console.print(what)
        page = HTML(console.export_html(inline_styles=True, code_format="<pre>{code}</pre>"))
        if self._handle is None:
            self._handle = display(page, display_id=True)
        else:
            self._handle.update(page)
