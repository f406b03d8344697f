"""The table that processes share through a file."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from router.classify.encoder import map_rows

TABLE = np.arange(200, dtype=np.uint8).reshape(20, 10)


def test_rows_equal_the_table_before_and_after_a_release(tmp_path):
    mapped = map_rows(TABLE, tmp_path / "models" / "table.rows")
    assert (mapped.rows[[3, 7]] == TABLE[[3, 7]]).all()
    mapped.let_go()
    assert (mapped.rows == TABLE).all()


def test_a_second_process_writes_nothing(tmp_path):
    file = tmp_path / "table.rows"
    map_rows(TABLE, file)
    first = file.stat()
    assert (map_rows(TABLE, file).rows == TABLE).all()
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (first.st_ino, first.st_mtime_ns)


@pytest.mark.parametrize("content", [b"", b"short", bytes(200), TABLE.tobytes() + b"more"])
def test_a_file_with_other_content_is_rewritten(tmp_path, content):
    file = tmp_path / "table.rows"
    file.write_bytes(content)
    assert (map_rows(TABLE, file).rows == TABLE).all()
    assert file.read_bytes() == TABLE.tobytes()


def test_a_process_that_has_mapped_the_old_file_keeps_reading_it(tmp_path):
    file = tmp_path / "table.rows"
    former = map_rows(TABLE, file)
    now = map_rows(TABLE[::-1].copy(), file)
    former.let_go()
    assert (former.rows == TABLE).all()
    assert (now.rows == TABLE[::-1]).all()
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_processes_that_write_at_the_same_time_leave_one_file(tmp_path):
    file = tmp_path / "table.rows"
    with ThreadPoolExecutor(8) as pool:
        mapped = list(pool.map(lambda _: map_rows(TABLE, file), range(8)))
    assert all((each.rows == TABLE).all() for each in mapped)
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    inode = file.stat().st_ino
    map_rows(TABLE, file)
    assert file.stat().st_ino == inode


def test_a_table_of_several_chunks_is_compared_to_its_end(tmp_path):
    file, table = tmp_path / "table.rows", np.zeros((20_000, 4), np.uint8)
    map_rows(table, file)
    table[-1, -1] = 1
    assert (map_rows(table, file).rows == table).all()


def test_a_file_that_cannot_be_written_raises(tmp_path):
    (tmp_path / "no-folder").touch()
    with pytest.raises(OSError, match="no-folder"):
        map_rows(TABLE, tmp_path / "no-folder" / "table.rows")
