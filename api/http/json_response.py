"""Answer with JSON that is written here, byte by byte as FastAPI would write it from the route's model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fastapi import Response
from pydantic import BaseModel
from pydantic_core import to_json

_JSON: Final = "application/json"


def json_response(content: Mapping[str, object], *, headers: Mapping[str, str] | None = None) -> Response:
    """Return the response of rows: a model for each would take longer than the database. content: in its order."""
    return Response(to_json(content), media_type=_JSON, headers=headers)


def model_response(content: BaseModel, *, headers: Mapping[str, str] | None = None) -> Response:
    """Return the response of a model: FastAPI would hand it to a thread to validate it again."""
    return Response(content.model_dump_json(), media_type=_JSON, headers=headers)
