"""The arrays that processes share through a file."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from router.classify import array_file
from router.classify.array_file import Arrays, kept_arrays, map_arrays, remove_others, write_arrays

ARRAYS = {
    "table": np.arange(20_000, dtype=np.uint8).reshape(200, 100),
    "floats": np.linspace(0, 1, 7, dtype=np.float32),
    "none": np.zeros((0, 3), np.float32),
    "number": np.array(0.25),
    "across": np.arange(12, dtype=np.int64).reshape(3, 4).T,
}


def _never() -> Arrays:
    raise AssertionError("the arrays were made again")


def _are_equal(arrays: Arrays) -> bool:
    assert list(arrays) == list(ARRAYS)
    return all(arrays[name].dtype == one.dtype and np.array_equal(arrays[name], one) for name, one in ARRAYS.items())


def test_arrays_are_what_was_written_also_after_their_memory_is_released(tmp_path: Path):
    arrays, mapped = kept_arrays(tmp_path / "models" / "kept.arrays", lambda: ARRAYS)
    assert mapped
    assert _are_equal(arrays)
    mapped.release("table")
    assert _are_equal(arrays)
    mapped.release()
    assert _are_equal(arrays)
    assert not any(array.flags.writeable for array in arrays.values())


def test_the_next_process_writes_nothing(tmp_path: Path):
    file = tmp_path / "kept.arrays"
    kept_arrays(file, lambda: ARRAYS)
    first = file.stat()
    assert _are_equal(kept_arrays(file, _never)[0])
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (first.st_ino, first.st_mtime_ns)


def test_the_file_is_for_its_owner_alone_and_its_folder_too(tmp_path: Path):
    file = tmp_path / "models" / "kept.arrays"
    before = os.umask(0)
    try:
        kept_arrays(file, lambda: ARRAYS)
    finally:
        os.umask(before)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (file, file.parent)] == [0o400, 0o700]


def test_drafts_that_killed_processes_left_are_removed_and_no_younger_ones(tmp_path: Path):
    left, written = tmp_path / "kept.arrays.0.part", tmp_path / "other.arrays.1.part"
    left.touch()
    written.touch()
    os.utime(left, (0, 0))
    kept_arrays(tmp_path / "kept.arrays", lambda: ARRAYS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.arrays", written.name]


def test_a_file_that_a_machine_with_other_pages_wrote_is_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "kept.arrays"
    with monkeypatch.context() as there:
        there.setattr(array_file, "_ALIGNMENT", 4096)
        write_arrays(ARRAYS, file)
    with pytest.raises(ValueError, match="pages of another size"):
        map_arrays(file)
    arrays, mapped = kept_arrays(file, lambda: ARRAYS)
    assert mapped
    assert _are_equal(arrays)


def test_predecessors_are_removed_but_not_what_another_process_writes(tmp_path: Path):
    file = tmp_path / "name-2.arrays"
    names = {"name-1.rows", "name-1.pieces", "name-1.arrays", "name-2.arrays", "name-2.arrays.0.part", "another"}
    for name in names:
        (tmp_path / name).touch()
    remove_others(file, pattern="name-*")
    assert {path.name for path in tmp_path.iterdir()} == {file.name, "name-2.arrays.0.part", "another"}


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _one_bit_at_the_end(content: bytes) -> bytes:
    return content[:-4096] + bytes([content[-4096] ^ 1]) + content[-4095:]


@pytest.mark.parametrize(
    "damage",
    [lambda _: b"", lambda _: b"short", lambda whole: bytes(len(whole)), _cut, _one_bit_at_the_end, lambda w: w + b"x"],
    ids=["empty", "short", "zeros", "cut", "one bit", "longer"],
)
def test_a_damaged_file_is_written_again(tmp_path: Path, damage):
    file = tmp_path / "kept.arrays"
    write_arrays(ARRAYS, file)
    whole = file.read_bytes()
    file.unlink()
    file.write_bytes(damage(whole))
    with pytest.raises(ValueError, match=r"kept.arrays"):
        map_arrays(file)
    assert _are_equal(kept_arrays(file, lambda: ARRAYS)[0])
    assert file.read_bytes() == whole


@pytest.mark.parametrize("more", [-65_536, -1, 65_536])
def test_a_file_of_another_length_than_its_header_says_is_refused_with_a_sentence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, more: int
):
    file = tmp_path / "kept.arrays"
    write_arrays(ARRAYS, file)
    size = file.stat().st_size
    file.chmod(0o600)
    os.truncate(file, size + more)
    assert _are_equal(kept_arrays(file, lambda: ARRAYS)[0])
    assert file.stat().st_size == size
    (said,) = caplog.messages
    assert said.startswith(f"{file} has {size + more} bytes and {size} by its header: it was cut")
    assert said.endswith("it is written again")


@pytest.mark.parametrize("said", [b"\xff", b"[]", b"7", b'{"a": 1}', b'{"a": [1, 2, 3]}', b'{"a": ["u1", 3, "x", []]}'])
def test_a_header_that_says_nothing_is_refused_with_a_sentence(tmp_path: Path, said: bytes):
    file = tmp_path / "kept.arrays"
    file.write_bytes(array_file._BEGINNING.pack(array_file._MARK, len(said), 0) + said)
    with pytest.raises(ValueError, match="is not as it was written"):
        map_arrays(file)


@pytest.mark.parametrize("links", [True, False])
def test_a_file_is_never_written_in_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool):
    file = tmp_path / "kept.arrays"
    if not links:
        monkeypatch.setattr(os, "link", _no_links)
    arrays, former = kept_arrays(file, lambda: ARRAYS)
    with file.open("rb") as before:
        # Another process finds it damaged, or another writer comes second.
        file.unlink()
        write_arrays({"table": np.zeros(3)}, file)
        write_arrays(ARRAYS, file)
        assert before.fileno()
        assert os.fstat(before.fileno()).st_ino != file.stat().st_ino
    assert former
    former.release()
    assert _are_equal(arrays)


def _no_links(*_: object) -> None:
    raise PermissionError("this file system has no links")


def test_a_process_that_has_mapped_the_old_file_keeps_reading_it(tmp_path: Path):
    file = tmp_path / "kept.arrays"
    arrays, former = kept_arrays(file, lambda: ARRAYS)
    file.unlink()
    now, _ = kept_arrays(file, lambda: {"table": np.zeros(3)})
    assert former
    former.release()
    assert _are_equal(arrays)
    assert list(now) == ["table"]
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_processes_that_write_at_the_same_time_leave_one_file(tmp_path: Path):
    file = tmp_path / "kept.arrays"
    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(lambda _: kept_arrays(file, lambda: ARRAYS), range(8)))
    assert all(_are_equal(arrays) for arrays, _ in kept)
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_a_folder_that_cannot_be_written_costs_only_memory(tmp_path: Path):
    (tmp_path / "no-folder").touch()
    arrays, mapped = kept_arrays(tmp_path / "no-folder" / "kept.arrays", lambda: ARRAYS)
    assert mapped is None
    assert _are_equal(arrays)
