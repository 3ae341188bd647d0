"""The log: what is appended is whole and on disk, and a reader survives whatever became of the file."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studies.records.events import Began, Cut, Ended, Event, Left, Metrics, Replicates, Reported, Suggested
from studies.records.history import History, read_history
from studies.records.log import LOG, VERSION, Log, LogError, read_log
from tests.analysis.logged import unsummed


def suggested(trial: str = "001") -> Suggested:
    return Suggested(
        trial=trial,
        phase="search",
        arm=None,
        first=0,
        seeds=[1, 2],
        changes={"learning_rate": 0.1 + 0.2},
        key="base",
        setup={"problem": "heat"},
        config={"iterations": 100, "batch_size": 8},
        folder="search-00000",
    )


def metrics(iterations: int, score: float | None = 1 / 3) -> Metrics:
    replicates = Replicates(
        status=["completed", "diverged"],
        scores=[score, None],
        errors={"mae": [score, None]},
        losses=[[0.1, 0.2], [None, None]],
        diverged_at=[None, 7],
    )
    return Metrics(
        iterations=iterations,
        score=score,
        final=False,
        loss=0.1,
        seconds=1.5,
        parameters=3,
        replicates=replicates,
    )


EVENTS: list[Event] = [
    Began(version=VERSION, process=1, host="here"),
    suggested(),
    Reported(trial="001", metrics=metrics(10)),
    Ended(trial="001", status="stopped", iterations=10, rung=10),
    suggested("002"),
    Left(state="interrupted", measured={"002": metrics(5)}),
]


def written(folder: Path) -> Path:
    with Log(folder) as log:
        log.append(EVENTS)
    return folder / LOG


def test_what_is_appended_is_read_to_the_last_bit(tmp_path: Path) -> None:
    written(tmp_path)
    read = read_log(tmp_path)
    assert [event.model_copy(update={"time": 0.0}) for event in read] == EVENTS
    assert all(event.time > 1e9 for event in read)


@given(cut=st.integers(0, 10_000))
@settings(max_examples=60)
def test_a_log_torn_anywhere_is_its_whole_lines_and_can_be_written_on(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("torn")
    path = written(folder)
    content = path.read_bytes()
    cut = min(cut, len(content))
    path.write_bytes(content[:cut])
    whole = content[:cut].count(b"\n")
    assert len(read_log(folder)) == whole
    with Log(folder) as log:
        log.append([Cut()])
    read = read_log(folder)
    assert len(read) == whole + 1
    assert isinstance(read[-1], Cut)


@given(at=st.integers(0, 10_000), byte=st.integers(0, 255))
@settings(max_examples=100)
def test_a_wrong_byte_is_noticed_wherever_it_is(
    tmp_path_factory: pytest.TempPathFactory, at: int, byte: int
) -> None:
    folder = tmp_path_factory.mktemp("wrong")
    path = written(folder)
    content = bytearray(path.read_bytes())
    at %= len(content)
    if content[at] == byte:
        byte ^= 1
    content[at] = byte
    path.write_bytes(bytes(content))
    if at == len(content) - 1:  # the last line is not whole any more, as after a crash
        assert len(read_history(folder).entries) == 2
        return
    with pytest.raises(LogError) as raised:
        read_history(folder)
    assert str(raised.value).startswith(f"{path} is damaged in line ")
    assert len(str(raised.value).splitlines()) == 1


def test_a_line_is_json_and_a_number_changed_in_it_is_noticed(tmp_path: Path) -> None:
    path = written(tmp_path)
    lines = path.read_text().splitlines()
    assert all(len(json.loads(line)["crc32"]) == 8 for line in lines)
    lines[2] = lines[2].replace('"score":0.3', '"score":0.2')
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(LogError, match=r"is damaged in line 3: .*checksum"):
        read_log(tmp_path)


def test_a_line_without_checksum_is_read_and_what_is_wrong_in_it_is_named(tmp_path: Path) -> None:
    """As older versions wrote them."""
    path = written(tmp_path)
    plain = unsummed(path.read_text())
    path.write_text(plain)
    assert [event.model_copy(update={"time": 0.0}) for event in read_log(tmp_path)] == EVENTS
    lines = plain.splitlines()
    lines[2] = lines[2].replace('"iterations":10', '"iterations":"ten"')
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(LogError, match=r"is damaged in line 3: .*iterations"):
        read_log(tmp_path)


def test_a_log_of_a_newer_format_is_refused_with_both_versions(tmp_path: Path) -> None:
    with Log(tmp_path) as log:
        log.append([Began(version=VERSION + 1, process=1, host="here")])
    with pytest.raises(LogError, match=f"version {VERSION + 1} .* this program's {VERSION}"):
        read_log(tmp_path)


def test_a_log_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    with Log(tmp_path) as log:
        log.append([Ended(trial="009", status="completed", iterations=1)])
    with pytest.raises(LogError, match="'009' was never suggested"):
        read_history(tmp_path)


def test_a_full_disk_leaves_the_log_as_it_was_and_room_lets_it_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path)
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with Log(tmp_path) as log:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fdatasync", full)
            with pytest.raises(OSError, match="No space left"):
                log.append([Cut()])
        assert path.read_bytes() == before
        log.append([Cut()])
    assert len(read_log(tmp_path)) == len(EVENTS) + 1


def test_no_number_in_a_log_is_beyond_json(tmp_path: Path) -> None:
    for line in written(tmp_path).read_text().splitlines():
        json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_what_ran_beyond_the_rung_of_a_stop_does_not_count() -> None:
    history = History([*EVENTS[:3], Reported(trial="001", metrics=metrics(40)), EVENTS[3]])
    assert history.entries["001"].iterations == 10


def test_time_between_two_processes_does_not_count() -> None:
    times = [Began(version=1, process=1, host="a", time=100.0), Cut(time=110.0)]
    again = [Began(version=1, process=2, host="a", time=500.0), Cut(time=505.0)]
    assert History([*times, *again]).seconds == 15.0
