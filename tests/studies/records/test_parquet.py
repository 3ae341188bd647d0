"""Arrow reads a run's tables without Python's files, which its threads could not let go of at the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from studies.records.parquet import DamagedTableError, read_table, whole


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "a.parquet"
    pd.DataFrame({"x": [1, 2]}).to_parquet(path)
    return path


def test_no_thread_of_arrow_holds_a_python_file(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources: list[Any] = []

    def seen(real: Any) -> Any:
        def call(source: Any, *more: Any, **named: Any) -> Any:
            sources.append(source)
            return real(source, *more, **named)

        return call

    for name in ("read_table", "ParquetFile"):
        monkeypatch.setattr(pq, name, seen(getattr(pq, name)))
    assert list(read_table(table)["x"]) == [1, 2]
    assert whole(table)
    assert len(sources) == 2
    assert all(isinstance(source, pa.OSFile) for source in sources)


def test_a_folder_or_nothing_in_a_table_s_place_is_damage(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.parquet"):
        with pytest.raises(DamagedTableError, match="is damaged"):
            read_table(path)
        assert not whole(path)
