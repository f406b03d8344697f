"""A visitor without a name is called the same in all places, in the language of the agent who reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import UUID

import pytest
import sqlalchemy as sa

from router.text.visitor_name import in_language, visitor_name
from store.db.bulk import table_of
from store.db.engine import Database
from store.tables.messages import ConversationRow
from tests.api.chat.conftest import ChatVisitor, Hands
from tests.app_client import AppClient

ID = UUID("00000000-0000-0000-0000-0000000014c7")


def test_a_made_name_follows_the_reader_and_a_given_one_stays() -> None:
    assert [visitor_name(ID, language=each) for each in ("zh-CN", "en")] == ["访客 14C7", "Visitor 14C7"]
    assert in_language("Visitor 14C7", language="zh") == "访客 14C7"
    assert in_language("访客 14C7", language="en") == "Visitor 14C7"
    # The handle that we made says no more.
    assert in_language("visitor-a37dd771a75e14c7", language="zh") == "访客 14C7"
    for name in ("Wu Min", "visitor-1", "Visitor", "访客", "Visitor 14C7 of 9", ""):
        assert in_language(name, language="zh") == name


@pytest.mark.parametrize("theirs", ["en", "zh-CN"])
def test_the_name_of_a_visitor_follows_the_readers_language_in_all_places(
    visitor: ChatVisitor, hands: Hands, client_of: Callable[[str], AppClient], database: Database, theirs: str
) -> None:
    visitor.client.headers["Accept-Language"] = theirs
    visitor.begin()
    visitor.write("my refund is late")
    hands.work()
    with database.read() as connection:
        case = connection.execute(sa.select(table_of(ConversationRow))).mappings().one()
    supervisor = client_of("supervisor")
    paths = ["/", f"/conversations/{case['reference']}", f"/people/{case['contact_id']}", "/supervisor/chats"]
    paths += [f"/search?q={case['reference']}"]
    for language, own, other in (("zh", "访客", "Visitor"), ("en", "Visitor", "访客")):
        for path in paths:
            page = supervisor.get(path, headers={"Accept": "text/html", "Accept-Language": language}).text
            assert re.search(rf"\b{own} [0-9A-F]{{4}}\b", page), (path, language)
            assert not re.search(rf"\b{other} [0-9A-F]{{4}}\b", page), (path, language)
            assert not re.search(r">\s*visitor-[0-9a-f]{16}", page), (path, language)
