"""The arrays that processes share through a file."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from router.classify.array_file import Arrays, kept_arrays, map_arrays, write_arrays

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
    mapped.let_go("table")
    assert _are_equal(arrays)
    mapped.let_go()
    assert _are_equal(arrays)
    assert not any(array.flags.writeable for array in arrays.values())


def test_the_next_process_writes_nothing(tmp_path: Path):
    file = tmp_path / "kept.arrays"
    kept_arrays(file, lambda: ARRAYS)
    first = file.stat()
    assert _are_equal(kept_arrays(file, _never)[0])
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (first.st_ino, first.st_mtime_ns)


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
    file.write_bytes(damage(whole))
    with pytest.raises(ValueError, match=r"kept.arrays|mmap"):
        map_arrays(file)
    assert _are_equal(kept_arrays(file, lambda: ARRAYS)[0])
    assert file.read_bytes() == whole


def test_a_process_that_has_mapped_the_old_file_keeps_reading_it(tmp_path: Path):
    file = tmp_path / "kept.arrays"
    arrays, former = kept_arrays(file, lambda: ARRAYS)
    file.unlink()
    now, _ = kept_arrays(file, lambda: {"table": np.zeros(3)})
    assert former
    former.let_go()
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
