"""The demo's WeChat against a real server: its address test, and a message that it repeats until the desk answers."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from api.app import create_app
from cli.demo.wechat import AES_KEY, APP, SECRET, TOKEN, DemoWechat
from connectors.social.tencent.callback_cipher import signature_of
from store.db.bulk import table_of
from store.db.engine import Database
from store.tables.messages import InboundRow
from tests.api.conftest import settings_in
from tests.served_app import serve_app

MORE = f"""
[channels.wechat]
kind = "wechat"
app = "{APP}"
secret = "env:WECHAT_SECRET"
callback_token = "env:WECHAT_TOKEN"
aes_key = "env:WECHAT_KEY"
"""
_SECONDS = 60


@pytest.fixture
def callback_url(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The channel on a real server; returns its address."""
    for name, value in {"WECHAT_SECRET": SECRET, "WECHAT_TOKEN": TOKEN, "WECHAT_KEY": AES_KEY}.items():
        monkeypatch.setenv(name, value)
    app = create_app(settings_in(tmp_path / "data", more=MORE), database=database)
    with serve_app(app) as url:
        yield f"{url}/webhooks/wechat"


def test_the_address_test_and_a_message_over_http(callback_url: str, database: Database) -> None:
    asked = {"timestamp": "1", "nonce": "n", "echostr": "5927782489442352469"}
    with urllib.request.urlopen(
        f"{callback_url}?{urlencode(asked | {'signature': signature_of(TOKEN, '1', 'n')})}"
    ) as answer:
        assert (answer.read(), answer.headers.get_content_type()) == (b"5927782489442352469", "text/plain")
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{callback_url}?{urlencode(asked | {'signature': '0' * 40})}")
    wechat = DemoWechat(callback_url=callback_url)
    wechat.receive("扫码付款 88 元，商家说没收到", sender="oCUSTOMER-1")
    wechat.stop()
    with database.read() as connection:
        keys = connection.execute(table_of(InboundRow).select()).mappings().all()
    assert [row["source_key"] for row in keys] == [f"{APP}:1"]
