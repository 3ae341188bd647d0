"""A user's files by value."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dgm_core.extensions import loading
from dgm_core.extensions.companions import companions, root_of


@dataclass(frozen=True)
class Sources:
    """A user's files by value.

    files: relative path -> content, those of one folder under one first part.  main: the files to be
    loaded.  origins: first part -> the folder that it stands for.
    """

    files: Mapping[str, bytes] = field(default_factory=dict)
    main: tuple[str, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def loaded(cls) -> Sources:
        """Everything that is loaded now."""
        roots = {path: root_of(path) for path in loading.files()}
        folders = dict.fromkeys(roots.values())
        names = {folder: f"{place}-{folder.name}" for place, folder in enumerate(folders)}
        files, main = {}, []
        for path, root in roots.items():
            for file in companions(path):
                files[_key(names[root], file, root)] = file.read_bytes()
            main.append(_key(names[root], path, root))
        return cls(files, tuple(main), {name: str(folder) for folder, name in names.items()})

    @classmethod
    def read(cls, folder: Path, main: tuple[str, ...], origins: Mapping[str, str]) -> Sources:
        """Those that `write` has written."""
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        }
        return cls(files, main, origins)

    def hashes(self) -> dict[str, str]:
        """SHA-256 of each file, by its relative path."""
        return {name: hashlib.sha256(content).hexdigest() for name, content in self.files.items()}

    def write(self, folder: Path) -> None:
        """Writes the files under a folder."""
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def load(self, folder: Path) -> None:
        """Loads the main files from where `write` has put them, unless they are loaded already.

        Folders with files of these names leave the path, those that they came from and others alike: what is
        loaded is what was kept.
        """
        here = {path.name for path in loading.files()}
        missing = [name for name in self.main if Path(name).name not in here]
        if missing:
            loading.hide(name.split("/")[1] for name in self.files if name.endswith(".py"))
        for name in missing:
            loading.load(folder / name)

    def changed(self) -> list[str]:
        """What became of the original files, a phrase for each that is no longer the same."""
        changes = []
        for name, content in self.files.items():
            first, _, rest = name.partition("/")
            path = Path(self.origins.get(first, ".")) / rest
            if not path.is_file():
                changes.append(f"{path} is gone")
            elif path.read_bytes() != content:
                changes.append(f"{path} has changed")
        return changes


def _key(name: str, path: Path, root: Path) -> str:
    return f"{name}/{path.relative_to(root).as_posix()}"
