"""The search for planted secrets finds one in every column that stores text."""

from __future__ import annotations

import sqlalchemy as sa

from benchmarks.understanding import planted_desk
from benchmarks.understanding.planted_secrets import planted
from store.db.engine import Database
from store.db.migrate import upgrade


def test_a_card_number_in_the_search_index_alone_is_found(tmp_path):
    # Given an index that holds a number which stands in no table
    card = next(one for one in planted(200) if one.kind == "card")
    number = "".join(letter for letter in card.secret if letter.isdigit())
    database = Database.at(tmp_path / "omniyard.db")
    upgrade(database)
    assert _found([card], database, tmp_path) == set()
    with database.write() as connection:
        connection.execute(sa.text("INSERT INTO search_words (rowid, words) VALUES (1, :word)"), {"word": number})
    # Then the index itself has been read
    assert "words.txt" in _found([card], database, tmp_path)
    database.close()


def _found(secrets, database, folder):
    (folder / "desk.log").touch()
    planted_desk._dump(database, folder / "database.dump")
    return {place for _, place in planted_desk._found(secrets, folder)}
