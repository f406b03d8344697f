"""Answer with JSON that is written from rows: a model for each of them would take longer than the database."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Response
from pydantic_core import to_json


def json_response(content: Mapping[str, object], *, headers: Mapping[str, str] | None = None) -> Response:
    """Return the response that a route with a model would give, byte by byte. content: in the order of the model."""
    return Response(to_json(content), media_type="application/json", headers=headers)
