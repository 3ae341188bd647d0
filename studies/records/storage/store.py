"""Files under a folder or under a prefix of an S3 bucket, each written whole."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from pyarrow.fs import (
    AwsStandardS3RetryStrategy,
    FileSelector,
    FileSystem,
    FileType,
    LocalFileSystem,
    S3FileSystem,
)

from dgm_core.errors import ConfigurationError
from studies.errors import StudyError
from studies.records.files import replacing

S3 = "s3://"
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
_CONNECT_SECONDS = 5.0
_REQUEST_SECONDS = 60.0
_TRIES = 8
"""Of a request, with a pause that doubles: about a minute altogether."""


class StoreError(StudyError):
    """A store cannot be read or written; the message is one sentence."""


@dataclass(frozen=True)
class Store:
    """What is kept at a `url`: "s3://bucket/prefix", or the absolute path of a folder.

    endpoint, region: of an S3 service, which travel to the workers; credentials do not, and each machine
    finds its own as Amazon's tools do (environment, ~/.aws, or the role of the machine).  tries: of a request
    that fails.
    """

    url: str
    endpoint: str | None = None
    region: str | None = None
    tries: int = _TRIES

    @classmethod
    def at(cls, place: str | Path, **options: int) -> Store:
        """The store at a place, the S3 service being that of the environment (AWS_ENDPOINT_URL, AWS_REGION).

        Raises ConfigurationError where the place cannot be one.
        """
        place = str(place)
        if "://" not in place:
            return cls(str(Path(place).absolute()))
        if not re.fullmatch(rf"{S3}[a-z0-9][a-z0-9.-]+[a-z0-9](/.*)?", place):
            raise ConfigurationError(
                f"{place} is not allowed as a storage: write a folder or s3://BUCKET/PREFIX."
            )
        endpoint = next((os.environ[name] for name in _ENDPOINTS if os.environ.get(name)), None)
        region = next((os.environ[name] for name in _REGIONS if os.environ.get(name)), None)
        if endpoint is not None and urlsplit(endpoint).scheme not in ("http", "https"):
            raise ConfigurationError(
                f"AWS_ENDPOINT_URL = {endpoint!r} is not allowed: it begins with http(s)://."
            )
        return cls(place.rstrip("/"), endpoint, region or ("us-east-1" if endpoint else None), **options)

    def below(self, *names: str) -> Store:
        """The store of a part of this one."""
        return Store("/".join((self.url, *names)), self.endpoint, self.region, self.tries)

    @property
    def remote(self) -> bool:
        """Whether it is none of this machine's folders."""
        return self.url.startswith(S3)

    @property
    def path(self) -> str:
        """As `filesystem` calls it."""
        return self.url.removeprefix(S3)

    @cached_property
    def filesystem(self) -> FileSystem:
        """What reads and writes it."""
        if not self.remote:
            return LocalFileSystem()
        service = urlsplit(self.endpoint) if self.endpoint else None
        return S3FileSystem(
            region=self.region,
            endpoint_override=service.netloc if service else None,
            scheme=service.scheme if service else "https",
            connect_timeout=_CONNECT_SECONDS,
            request_timeout=_REQUEST_SECONDS,
            retry_strategy=AwsStandardS3RetryStrategy(max_attempts=self.tries),
            allow_delayed_open=True,  # a small file is one request then
            background_writes=False,
        )

    def write(self, key: str, content: bytes | memoryview) -> None:
        """Writes a file whole: a reader finds the one before or this one.

        Raises OSError of a folder's disk, and StoreError of a bucket.
        """
        if not self.remote:
            path = Path(self.url, key)
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as local:
                local.write(content)
            return
        with self._said("written"), self.filesystem.open_output_stream(f"{self.path}/{key}") as file:
            file.write(content)

    def read(self, key: str) -> bytes | None:
        """A file's content; None where there is none.  Raises as `write` does."""
        try:
            with self._said("read"), self.filesystem.open_input_file(f"{self.path}/{key}") as file:
                content: bytes = file.read()
                return content
        except (FileNotFoundError, NotADirectoryError):
            return None

    def sizes(self, under: str = "") -> dict[str, int]:
        """Files below a part of the store, in order, with their sizes in bytes."""
        root = f"{self.path}/{under}".rstrip("/")
        with self._said("read"):
            entries = self.filesystem.get_file_info(FileSelector(root, recursive=True, allow_not_found=True))
        files = [info for info in entries if info.type == FileType.File]
        return dict(sorted((info.path.removeprefix(f"{self.path}/"), info.size) for info in files))

    def remove(self, key: str) -> None:
        """Removes a file, or all below a part of the store; nothing where there is none."""
        if not self.remote:
            path = Path(self.url, key)
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # a bucket has no empty folders either
                path.parent.rmdir()
            return
        there = f"{self.path}/{key}"
        with self._said("written"), contextlib.suppress(FileNotFoundError):
            folder = self.filesystem.get_file_info(there).type == FileType.Directory
            self.filesystem.delete_dir(there) if folder else self.filesystem.delete_file(there)

    def clear(self) -> None:
        """Removes all of it."""
        for top in {key.split("/")[0] for key in self.sizes()}:
            self.remove(top)
        if not self.remote:
            shutil.rmtree(self.url, ignore_errors=True)

    def check(self) -> None:
        """Raises ConfigurationError, in one sentence, where this process cannot write here."""
        few = Store(self.url, self.endpoint, self.region, tries=2)
        try:
            few.write(".writable", b"")
            few.remove(".writable")
        except (OSError, StoreError) as error:
            reason = getattr(error, "strerror", None)
            raise ConfigurationError(
                str(error) if reason is None else f"{few.url} cannot be written: {reason}."
            ) from None

    @contextmanager
    def _said(self, done: str) -> Iterator[None]:
        try:
            yield
        except (FileNotFoundError, NotADirectoryError):
            raise
        except OSError as error:
            if not self.remote:
                raise
            raise StoreError(f"{self.url} cannot be {done}: {_cause(error)}.") from error

    def __str__(self) -> str:
        return self.url

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "filesystem"}


def _cause(error: OSError) -> str:
    """What an S3 service or its client said, without the request's number and the library's own words."""
    text = " ".join(str(error).split())
    matched = re.search(r"AWS Error (\w+) during (\w+) operation: (.*?)(?: \(Request ID|; Details|$)", text)
    if matched is None:
        return text.rstrip(".")
    kind, operation, said = matched.groups()
    return f"{said.rstrip('.') or kind} ({kind}, {operation})"
