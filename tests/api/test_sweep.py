"""Requests to the whole API that no test was written for: never a fault of ours, always a problem in its one format."""

from __future__ import annotations

import os
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings

from store.db.engine import Database
from tests.app_client import AppClient
from tests.inbox_builder import Builder, mail_with_file

# Of each operation, valid and broken ones; few, for the suite has minutes. Set it higher when routes change.
_EXAMPLES = int(os.environ.get("OMNIYARD_SWEEP", "2"))
# A stream stays open; what the process says of itself is asked by machines of ours.
_LEFT_OUT = ("/api/v1/events/stream", "/metrics", "/readyz")


@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_no_request_is_a_fault_of_ours(app: FastAPI, client: AppClient, database: Database, mode: str) -> None:
    # Imported here: it takes seconds, and each process of a run would do it at its start.
    import schemathesis  # noqa: PLC0415

    with database.write() as connection:
        build = Builder(connection)
        build.message(build.conversation(reference="K7QF2MXD4"), mail=mail_with_file())
    schema = schemathesis.openapi.from_dict(app.openapi())
    asked = 0
    for result in schema.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]
        if operation.path in _LEFT_OUT or not operation.path.startswith("/api/"):
            continue

        @settings(
            max_examples=_EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy(generation_mode=schemathesis.GenerationMode(mode)))
        def ask(case: Any) -> None:
            nonlocal asked
            kwargs = case.as_transport_kwargs(base_url="http://testserver")
            kwargs.pop("cookies", None)
            if isinstance(kwargs.get("data"), bytes | str):
                kwargs["content"] = kwargs.pop("data")
            # What no client of HTTP sends is refused by ours.
            given_headers = dict(kwargs.pop("headers", None) or {})
            headers = {name: value for name, value in given_headers.items() if f"{name}{value}".isprintable()}
            headers = {name: value for name, value in headers.items() if f"{name}{value}".isascii()}
            headers.pop("Authorization", None)
            answer = client.request(headers=headers, **kwargs)
            asked += 1
            said = f"{case.method} {case.path}: {answer.status_code} {answer.text[:500]}"
            assert answer.status_code < 500, said
            if answer.status_code >= 400:
                assert answer.headers["content-type"] == "application/problem+json", said
                assert answer.json()["status"] == answer.status_code, said

        ask()
    assert asked > 60
