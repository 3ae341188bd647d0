"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dgm_core import extensions


@pytest.fixture
def own_files() -> Iterator[None]:
    """Forgets the user's files that a test loads."""
    yield
    extensions.unload()
