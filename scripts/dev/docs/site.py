"""The site: gathers the pages in a folder of their own, and has Zensical build it strictly."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from posixpath import normpath, relpath

from dev.docs import api

ROOT = Path(__file__).resolve().parents[3]

ELSEWHERE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    ".github/SECURITY.md": "security.md",
    "scripts/cluster/README.md": "cluster-files.md",
}
"""Pages outside of docs/: path in the repository to path in the site."""

_LINK = re.compile(r"(?<!`)(!?\[[^\]]*\])\(([^)\s]+)\)")


def build(out: Path) -> None:
    """Writes the site to `out`.  Raises CalledProcessError where a link, an anchor or a name is wrong."""
    shutil.rmtree(out, ignore_errors=True)
    pages = out / "pages"
    gather(pages)
    config = (ROOT / "docs/site.yml").read_text(encoding="utf-8").replace("@ROOT@", str(ROOT))
    (out / "mkdocs.yml").write_text(config, encoding="utf-8")
    command = [str(Path(sys.executable).parent / "zensical"), "build", "--strict", "--clean"]
    subprocess.run(command, cwd=out, check=True)


def gather(pages: Path) -> None:
    """Copies every page to one folder, links between them and to other files of the repository included."""
    for file in sorted((ROOT / "docs").rglob("*")):
        place = file.relative_to(ROOT / "docs").as_posix()
        match file.suffix:
            case ".md":
                _page(pages, place, f"docs/{place}", file.read_text(encoding="utf-8"))
            case ".ipynb":
                text = notebook(json.loads(file.read_text(encoding="utf-8")))
                _page(pages, place.replace(".ipynb", ".md"), f"docs/{place}", text)
            case ".png" | ".svg" | ".css" | ".js":
                _copy(file, pages / place)
    for source, place in ELSEWHERE.items():
        _page(pages, place, source, (ROOT / source).read_text(encoding="utf-8"))
    for place, text in api.pages().items():
        _page(pages, place, f"docs/{place}", text)


def notebook(content: dict[str, list[dict[str, list[str] | str]]]) -> str:
    """A notebook's cells as Markdown."""
    cells = []
    for cell in content["cells"]:
        text = "".join(cell["source"])
        cells.append(text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```")
    return "\n\n".join(cells)


def _page(pages: Path, place: str, source: str, text: str) -> None:
    """Writes a page, its links relative to `source`, its path in the repository, made relative to `place`."""

    def link(matched: re.Match[str]) -> str:
        shown, target = matched.groups()
        path, mark, anchor = target.partition("#")
        if not path or "://" in path or path.startswith("mailto:"):
            return matched.group()
        file = normpath(f"{Path(source).parent.as_posix()}/{path}")
        goal = _place(file)
        if goal is None:
            return matched.group()
        if goal.startswith("files/"):
            _copy(ROOT / file, pages / goal)
        return f"{shown}({relpath(goal, Path(place).parent.as_posix())}{mark}{anchor})"

    parts = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    text = "".join(part if part.startswith("```") else _LINK.sub(link, part) for part in parts)
    target = pages / place
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")


def _place(file: str) -> str | None:
    """Where in the site a file of the repository is; None where there is no such file."""
    if file in ELSEWHERE:
        return ELSEWHERE[file]
    if file.startswith("docs/"):
        return file.removeprefix("docs/").replace(".ipynb", ".md")
    if (ROOT / file).is_file():
        return f"files/{file}" if Path(file).suffix else f"files/{file}.txt"
    if (ROOT / file).is_dir() and (ROOT / file / "README.md").is_file():
        return _place(f"{file}/README.md")
    return None


def _copy(file: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, to)
