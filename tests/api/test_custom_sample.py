"""The sample in docs/channels/custom.md works as printed, by curl and openssl against a real server."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.app import create_app
from store.db.bulk import table_of
from store.db.engine import Database
from store.tables.messages import InboundRow
from tests.api.conftest import settings_in
from tests.custom_desk import SECRET
from tests.served_app import serve_app

PAGE = (Path(__file__).parents[2] / "docs" / "channels" / "custom.md").read_text(encoding="utf-8")
_SECONDS = 30


@pytest.fixture
def served(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The channel of the page, on a real server; returns its address."""
    monkeypatch.setenv("APP_SECRET", SECRET)
    (toml,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    app = create_app(settings_in(tmp_path / "data", more=toml), database=database)
    with serve_app(app) as url:
        yield f"{url}/webhooks/app"


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="curl and openssl are not installed")
def test_the_sample_works_as_printed(served: str, database: Database) -> None:
    (sample,) = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
    assert len(sample.splitlines()) <= 23
    environment = {**os.environ, "APP_SECRET": SECRET, "desk": served}
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", sample],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    answers = [json.loads(line) for line in ran.stdout.splitlines()]
    kinds = [[item["type"] for item in answer.get("accepted", [])] for answer in answers[:4]]
    assert kinds == [["message"], ["message.edited"], ["message.out"], ["call", "message"]]
    assert [each["pointer"] for each in answers[3]["rejected"]] == ["/2/user"]
    assert answers[4:] == [{"items": []}, {"known": []}]
    with database.read() as connection:
        assert len(connection.execute(table_of(InboundRow).select()).all()) == 5
