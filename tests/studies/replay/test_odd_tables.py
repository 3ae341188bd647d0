"""Tables as people have them: what cannot be searched is refused, with the column, the row and the value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dgm_cli.replay import replay as command
from dgm_cli.replay_facts import choice_words
from dgm_core import ConfigurationError
from studies.replay import Recording, TrainingTable
from studies.replay.recording import METADATA

COLUMNS: dict[str, Any] = {"cost": "seconds", "iterations": "steps"}


def trainings(**columns: Any) -> pd.DataFrame:
    """Six of them; columns in place of its own, a dictionary giving single rows."""
    frame = pd.DataFrame(
        {
            "rate": [1e-4, 1e-3, 1e-2, 1e-1, 2e-3, 3e-2],
            "net": list("ababab"),
            "score": [0.6, 0.5, 0.1, 0.4, 0.3, 0.2],
            "seconds": 2.0,
            "steps": 1000,
            "score@100": [0.9, 0.8, 0.5, 0.7, 0.6, 0.4],
        }
    )
    for name, values in columns.items():
        if isinstance(values, dict):
            frame[name] = frame[name].astype(object)
            for row, value in values.items():
                frame.loc[row, name] = value
        else:
            frame[name] = values
    return frame


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "an infinite setting": ({"rate": {3: np.inf}}, "rate = inf in row 4: a setting must lie between"),
    "a range that overflows": ({"rate": {0: -1e308, 1: 1e308}}, "rate = -1e+308 in row 1"),
    "a missing setting": ({"rate": {3: None}}, "has no value of rate in row 4"),
    "a text for a score": ({"score": {2: "bad"}}, "score = 'bad' in row 3: it must be a number"),
    "no finite score": ({"score": np.nan}, "has no training that ended: no score is a finite number"),
    "a text for a cost": ({"seconds": {2: "fast"}}, "seconds = 'fast' in row 3: it must be a number"),
    "a cost of nothing": ({"seconds": {5: 0.0}}, "seconds = 0.0 in row 6: a cost must be above 0"),
    "costs with no sum": ({"seconds": 1e308}, "seconds = 1e+308 in row 1: a cost must be above 0, and at"),
    "no cost": ({"seconds": {1: np.nan}}, "no value of seconds in row 2: a cost must be above 0"),
    "a text for iterations": ({"steps": {2: "many"}}, "steps = 'many' in row 3: it must be a number"),
    "no iterations": ({"steps": 0}, "steps = 0 in row 1: it must be a whole number from 1"),
    "half an iteration": ({"steps": 999.5}, "steps = 999.5 in row 1: it must be a whole number"),
    "endless iterations": ({"steps": {0: np.inf}}, "steps = inf in row 1: it must be a whole number"),
    "a text in a curve": ({"score@100": {2: "x"}}, "score@100 = 'x' in row 3: it must be a number"),
    "a rung twice": ({"score@0100": 1.0}, "two columns for one rung: score@100 and score@0100"),
    "a rung beyond all": ({f"score@{10**19}": 1.0}, "iterations must be at most 1e15"),
}


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("case", REFUSED)
def test_a_value_that_its_column_cannot_have_is_named(case: str, kind: str, tmp_path: Path) -> None:
    columns, said = REFUSED[case]
    frame, path = trainings(**columns), tmp_path / f"t.{kind}"
    if kind == "csv":
        frame.to_csv(path, index=False)
    else:
        mixed = [name for name in frame if frame[name].map(type).nunique() > 1]  # no column of Parquet is
        if any(isinstance(value, str) for name in mixed for value in frame[name]):
            frame[mixed] = frame[mixed].astype(str)
        frame.to_parquet(path)
    with pytest.raises(ConfigurationError) as error:
        command([path], **COLUMNS, seeds=2, trials="2")
    assert said in str(error.value).replace("'nan'", "nan")
    assert "\n" not in str(error.value)


def test_a_column_that_says_nothing_is_no_setting_and_a_curve_never_is_one(tmp_path: Path) -> None:
    frame = trainings(empty=np.nan, constant=3, **{"score@end": range(6), "score@²": range(6)})
    frame.to_csv(tmp_path / "t.csv", index=False)
    table = TrainingTable.read(tmp_path / "t.csv", **COLUMNS)
    assert list(table.space) == ["rate", "net"]
    assert table.rungs == (100,)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.csv", b"rate,rate,score\n1,2,3\n4,5,6\n", "t.csv has two columns that are called 'rate'"),
        ("t.csv", b"rate,score\n1,2,3\n4,5,6\n", "a row has more values than the first line has names"),
        ("t.csv", b"", "t.csv is no table in CSV, or damaged: No columns to parse"),
        ("t.csv", bytes(range(256)), "t.csv is no table in CSV, or damaged"),
        ("t.parquet", b"", "t.parquet is no table in Parquet, or damaged: Parquet file size is 0 bytes."),
        ("t.parquet", b"PAR1" + b"x" * 500 + b"PAR1", "t.parquet is no table in Parquet, or damaged"),
    ],
)
def test_a_file_that_is_no_table_is_named(name: str, content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigurationError) as error:
        Recording.read(tmp_path / name)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").mkdir()
    with pytest.raises(ConfigurationError, match="is a folder: a table is a file"):
        Recording.read(tmp_path / "t.parquet")


def test_a_byte_that_changed_is_found(tmp_path: Path) -> None:
    """In pages with a checksum, as `scripts/record` writes them."""
    path = tmp_path / "t.parquet"
    rate = np.random.default_rng(0).random(1000)
    pq.write_table(pa.table({"rate": rate}), path, compression="none", write_page_checksum=True)
    content = bytearray(path.read_bytes())
    at = content.find(rate[500].tobytes())
    content[at] ^= 1
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"damaged: .*CRC"):
        Recording.read(path)


@pytest.mark.parametrize("values", [[[1], [2], [3]], [{"a": 1}, {"a": 2}, {"a": 3}], [b"a", b"b", b"c"]])
def test_a_setting_is_a_number_or_a_text(values: list[Any], tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"x": values, "score": [1.0, 2.0, 3.0]}), path)
    with pytest.raises(ConfigurationError, match="in row 1: a setting must be a number or a text"):
        TrainingTable.read(path)


@pytest.mark.parametrize(
    ("about", "said"),
    [
        (b"{not json", "cannot be read: Expecting"),
        (b"[1]", "it is no mapping"),
        (b'{"error": ["score"]}', "error is ['score'] and no name of a column"),
        (b'{"space": {"rate": "wide"}}', "what t.parquet says of itself cannot be read"),
        (b'{"space": {"rate": {"distribution": "os.system"}}}', "'os.system' is not a distribution"),
        (
            b'{"space": {"net": {"distribution": "FloatDistribution", "low": 1, "high": 2}}}',
            "net = 'a' in row 1: it must be a number",
        ),
        (
            b'{"space": {"rate": {"distribution": "FloatDistribution", "low": 1, "high": 2, "log": true}}}',
            "rate = -1.0 in row 1: its space is logarithmic",
        ),
        (
            b'{"space": {"rat": {"distribution": "FloatDistribution", "low": 1, "high": 2}}}',
            "Did you mean 'rate'?",
        ),
    ],
)
def test_what_a_table_says_of_itself_is_checked(
    about: bytes, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    table = pa.Table.from_pandas(trainings(rate={0: -1.0}).astype({"rate": float}), preserve_index=False)
    pq.write_table(table.replace_schema_metadata({METADATA: about}), "t.parquet")
    with pytest.raises(ConfigurationError) as error:
        TrainingTable.read(Path("t.parquet"))
    assert said in str(error.value)


def test_a_file_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [tmp_path / f"{name}.parquet" for name in "ab"]
    for path in paths:
        trainings().to_parquet(path)
    opened: list[Path] = []
    read = Recording.read
    monkeypatch.setattr(Recording, "read", lambda path: opened.append(path) or read(path))
    command(paths, **COLUMNS, settings="rate,net", chosen_by="score@100", seeds=2, trials="2", as_json=True)
    assert opened == paths
    assert len(json.loads(capsys.readouterr().out)["tables"]) == 2


def test_facts_are_told_of_what_has_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A rung that no training goes beyond, and errors without a ratio."""
    path = tmp_path / "t.csv"
    trainings(**{"score@1000": 1.0}).to_csv(path, index=False)
    command([path], **COLUMNS, chosen_by="score@100", facts=True)
    rows = {line.split()[0]: line.split() for line in capsys.readouterr().err.splitlines()}
    assert rows["1,000"] == ["1,000", "0", "–", "–", "–"]
    assert len(choice_words(np.array([0.0, 1.0]), np.array([1.0, 2.0]), "loss")) == 1
    first, second = choice_words(np.array([1.0, np.inf]), np.array([2.0, 1.0]), "loss")
    assert "error inf, 2 of 2" in first
    assert "has inf times the error of the best" in second
