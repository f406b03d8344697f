"""Requests with conditions: `ETag` and `If-Match`, and stored answers for repeated requests.

Source: RFC 9110 section 13.1.1; The Idempotency-Key HTTP Header Field, draft-ietf-httpapi-idempotency-key-header.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Annotated, Final, TypeVar

from fastapi import Depends, Header
from pydantic import AfterValidator, BaseModel, ValidationError
from sqlalchemy.engine import Connection

from api.http.permissions import Actor
from api.http.problems import ProblemError
from router.masking.mask import without_secret
from store.desk.idempotency import keep, reserve

Made = TypeVar("Made", bound=BaseModel)

# RFC 9110 section 8.8.3: a list of entity tags, of which weak ones begin with W/.
_TAG: Final = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_VERSION: Final = re.compile(r"\d{1,18}")


def etag(version: int) -> str:
    """Return the entity tag of a version."""
    return f'"{version}"'


def _read_version(
    if_match: Annotated[
        str | None,
        Header(
            max_length=1_000,
            description="The `ETag` of what you have read, or several with commas between; if none of them is in "
            "force, the answer is 412. A weak one (`W/`) never is. Without it, or with `*`, any version will do.",
        ),
    ] = None,
) -> frozenset[int] | None:
    if if_match is None or if_match.strip() == "*":
        return None
    tags = [_TAG.fullmatch(each.strip()) for each in if_match.split(",") if each.strip()]
    known = [tag for tag in tags if tag]
    if not known or len(known) < len(tags):
        raise ProblemError("invalid", "`If-Match` is an `ETag` that this desk gave out, a list of them, or `*`")
    # RFC 9110 section 13.1.1: the comparison is the strong one, so that a weak tag equals nothing.
    return frozenset(int(tag[2]) for tag in known if not tag[1] and _VERSION.fullmatch(tag[2]))


# The versions of which the client has read one; None for whatever it is.
KnownVersion = Annotated[frozenset[int] | None, Depends(_read_version)]

# Keys are stored; a client may make one from whatever it has.
_KEPT: Final = AfterValidator(lambda key: without_secret(key) if key else key)
IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=8,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Made by the client, one per message, such as a UUID; the same in each attempt. "
        "The same key with the same body gets the same answer; with another body it is refused.",
    ),
    _KEPT,
]
MaybeIdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=8,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="As for messages; without it, each repetition is executed again.",
    ),
    _KEPT,
]


def answer_once(
    connection: Connection,
    make: Callable[[], Made],
    *,
    model: type[Made],
    actor: Actor,
    key: str | None,
    asked: str,
    status: int,
) -> tuple[Made, bool]:
    """Return the answer of `make`, or the stored answer to the same request under this key; and whether it is new.

    asked: everything that identifies the request.  make: executes it, in the transaction of `connection`.
    Raises ProblemError when the key belongs to another request, or the answer was erased with its customer.
    """
    if key is None:
        return make(), True
    digest = hashlib.sha256(asked.encode("utf-8", "surrogatepass")).digest()
    kept = reserve(connection, agent_id=actor.id, key=key, request_hash=digest)
    if kept:
        if not kept.same:
            raise ProblemError("invalid", "this Idempotency-Key belongs to another request; expected a new key")
        return _read(kept.answer, model=model), False
    made = make()
    keep(connection, agent_id=actor.id, key=key, status=status, answer=made.model_dump_json())
    return made, True


def _read(kept: str, *, model: type[Made]) -> Made:
    try:
        return model.model_validate_json(kept)
    except ValidationError as error:
        raise ProblemError("conflict", "this was done before, and its answer was erased since") from error
