"""A run's copy in a folder and in a bucket of a real S3 server: what is written, found again and refused."""

from __future__ import annotations

import os
import pickle
import socket
from pathlib import Path

import pytest

from dgm_cli.cluster.nodes import free_port
from dgm_core.errors import ConfigurationError
from studies.records import STUDY
from studies.records.events import Began, Cut
from studies.records.lock import OWNER, HeldError, Owner, holder, sign_of_life
from studies.records.log import LOG, Log, read_log
from studies.records.storage import Store, StoreError, logs
from studies.records.storage.copy import FolderCopy, bring_up, check_free, fetch
from studies.records.storage.logs import log_copy, read_copy


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path, bucket: str) -> Store:
    place = tmp_path / "shared" if request.param == "folder" else f"{bucket}/{request.node.name}"
    return Store.at(place).below("study", "run")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder with a study.json, a log and a few more files."""
    folder = tmp_path / "run"
    (folder / "sources").mkdir(parents=True)
    (folder / STUDY).write_text("{}")
    (folder / "sources/mine.py").write_text("x = 1\n")
    (folder / "report.html").write_text("made again by whoever wants it")
    with Log(folder) as log:
        log.append([Began(version=1, process=1, host="a"), Cut()])
    return folder


def test_files_are_found_replaced_and_removed(store: Store) -> None:
    assert store.read("a/b") is None
    assert store.sizes() == {}
    store.write("a/b", b"one")
    store.write("a/b", b"three")
    store.write("a/c/d", b"")
    same = pickle.loads(pickle.dumps(store))  # as a worker gets it
    assert same.read("a/b") == b"three"
    assert same.sizes() == {"a/b": 5, "a/c/d": 0}
    assert same.sizes("a/c") == {"a/c/d": 0}
    same.remove("a/c")
    same.remove("nothing")
    assert store.sizes() == {"a/b": 5}
    store.remove("a/b")
    assert store.read("a/b") is None


@pytest.mark.parametrize("size", [1, 300, 10**6])
def test_a_log_s_copy_is_the_log_after_every_append(
    store: Store, tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "SEGMENT_BYTES", size)
    with Log(tmp_path, log_copy(store).follow) as log:
        for _ in range(5):
            log.append([Cut(), Cut()])
            assert read_copy(store) == (tmp_path / LOG).read_bytes()
    with Log(tmp_path, log_copy(store).follow) as log:  # another process goes on
        log.append([Cut()])
    assert read_copy(store) == (tmp_path / LOG).read_bytes()
    assert len(read_log(tmp_path)) == 11


def test_a_copy_that_was_torn_is_mended(tmp_path: Path, run: Path) -> None:
    store = Store.at(tmp_path / "shared")
    whole = (run / LOG).read_bytes()
    store.write(LOG, whole[:-5])
    log_copy(store).follow(run / LOG)
    assert read_copy(store) == whole


def test_a_lost_piece_of_a_log_is_said(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "SEGMENT_BYTES", 1)
    store = Store.at(f"{bucket}/lost")
    with Log(tmp_path, log_copy(store).follow) as log:
        for _ in range(3):
            log.append([Cut()])
    store.remove(sorted(store.sizes("log"))[1])
    with pytest.raises(StoreError, match="its log lacks what comes before"):
        read_copy(store)


def test_a_folder_s_copy_follows_it_and_is_fetched(store: Store, run: Path, tmp_path: Path) -> None:
    copy = FolderCopy(run, store, "dgm run")
    copy.log.follow(run / LOG)
    copy.follow()
    sign = store.read(OWNER)
    assert sign is not None
    (run / "sources/mine.py").unlink()
    (run / "trials.parquet").write_bytes(b"rows")
    copy.close()
    assert set(store.sizes()) - set(store.sizes("log")) - {LOG} == {STUDY, "trials.parquet"}
    there = tmp_path / "elsewhere"
    bring_up(there, store)
    assert {path.name for path in there.iterdir()} == {STUDY, LOG, "trials.parquet"}
    assert read_log(there) == read_log(run)


def test_a_folder_that_is_further_on_stays_and_another_run_is_refused(
    store: Store, run: Path, tmp_path: Path
) -> None:
    copy = FolderCopy(run, store, "dgm run")
    copy.log.follow(run / LOG)
    copy.close()
    with Log(run) as log:
        log.append([Cut()])
    further = (run / LOG).read_bytes()
    bring_up(run, store)
    assert (run / LOG).read_bytes() == further
    copy.log.follow(run / LOG)
    (run / LOG).write_bytes(further.splitlines(keepends=True)[0])
    bring_up(run, store)
    assert (run / LOG).read_bytes() == further
    (run / LOG).write_bytes(b'{"event": "cut", "time": 1}\n')
    with pytest.raises(ConfigurationError, match="hold different runs"):
        bring_up(run, store)
    full = tmp_path / "full"
    full.mkdir()
    (full / "thesis.tex").touch()
    with pytest.raises(ConfigurationError, match="hold different runs"):
        bring_up(full, store)
    assert [path.name for path in full.iterdir()] == ["thesis.tex"]
    with pytest.raises(ConfigurationError, match="is not a run"):
        fetch(full, store.below("nothing"))


def test_a_run_is_in_use_while_its_process_gives_signs_of_life(
    store: Store, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Owner(os.getpid(), "another host", 0.0, "dgm run")
    sign = sign_of_life(other)
    store.write(OWNER, sign)
    with pytest.raises(HeldError, match=r"in use by process .* on another host"):
        check_free(store)
    (run / OWNER).write_bytes(sign)  # as in a folder that was fetched
    assert holder(run) == other
    with monkeypatch.context() as late:
        late.setattr("studies.records.lock.SILENT_SECONDS", -1.0)
        check_free(store)
        assert holder(run) is None
    store.write(OWNER, sign_of_life(Owner(2**22 + 1, socket.gethostname(), 0.0, "dgm run")))
    check_free(store)  # it was on this machine, and is gone


def test_what_cannot_be_a_storage_is_one_sentence(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("s3://", "gs://bucket", "s3://B/x"):
        with pytest.raises(ConfigurationError, match="is not allowed as a storage"):
            Store.at(place)
    with pytest.raises(ConfigurationError, match=r"s3://no-such-bucket/x cannot be written: .*bucket"):
        Store.at("s3://no-such-bucket/x").check()
    Store.at(f"{bucket}/x").check()
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="file cannot be written: "):
        Store.at(tmp_path / "file").check()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(ConfigurationError, match=r"cannot be written: .*connect to server"):
        Store.at(f"{bucket}/x").check()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "localhost:9000")
    with pytest.raises(ConfigurationError, match="AWS_ENDPOINT_URL = 'localhost:9000' is not allowed"):
        Store.at(f"{bucket}/x")
