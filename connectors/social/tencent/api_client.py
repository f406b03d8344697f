"""Calls of Tencent's interfaces under an access token. Their URLs contain the token, so no library's error is shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

import requests
from requests.exceptions import RequestException

from connectors.http_errors import certainly_not_sent
from connectors.social.tencent.access_token import IssuedToken, TokenHolder
from router.errors import PermanentError, RateLimited, TransientError

_TIMEOUT: Final = (5.0, 15.0)
_LIMITED_SECONDS: Final = 60.0
_USUAL_SECONDS: Final = 7200.0


class NotAnswered(TransientError):
    """The answer did not come. sent: False if certainly no byte was."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class ApiRefusal(PermanentError):
    """The provider refuses a call. code: theirs."""

    def __init__(self, message: str, *, code: int) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiCodes:
    """The errcodes of one interface. name: of the provider, for sentences.

    stale: the token has ended.  busy: nothing was done.  limited: asked too often.
    of_channel: what the operator has to change, in sentences.  of_message: why one message is refused.
    """

    name: str
    stale: frozenset[int]
    busy: frozenset[int]
    limited: frozenset[int]
    of_channel: Mapping[int, str]
    of_message: Mapping[int, str]


class TokenApi:
    """One app. Several threads may use it; the token is fetched once and kept until it ends."""

    def __init__(self, codes: ApiCodes, *, base: str) -> None:
        self._codes, self._base = codes, base
        self._holder = TokenHolder(self._issued)

    @property
    def provider(self) -> str:
        """The provider's name, for sentences."""
        return self._codes.name

    def call(self, path: str, body: Mapping[str, object]) -> Mapping[str, object]:
        """Return the answer of a call; a token that has ended is renewed once.

        Raises ApiRefusal, RateLimited, NotAnswered, TransientError.
        """
        token = self._holder.token()
        try:
            return self._called(path, body, token=token)
        except ApiRefusal as error:
            if error.code not in self._codes.stale:
                raise
        return self._called(path, body, token=self._holder.renew(token))

    def media_url(self, media_id: str) -> str:
        """Return the address of a file, with the token."""
        query = urlencode({"access_token": self._holder.token(), "media_id": media_id})
        return f"{self._base}/cgi-bin/media/get?{query}"

    def token(self) -> str:
        """Return a valid token. Raises as `call` does."""
        return self._holder.token()

    def _new_token(self, *, forced: bool) -> Mapping[str, object]:
        """Ask for the token."""
        raise NotImplementedError

    def _issued(self, forced: bool) -> IssuedToken:
        found = self._new_token(forced=forced)
        lasts = found.get("expires_in")
        seconds = float(lasts) if isinstance(lasts, int) else _USUAL_SECONDS
        return IssuedToken(str(found.get("access_token", "")), seconds)

    def _called(self, path: str, body: Mapping[str, object], *, token: str) -> Mapping[str, object]:
        return self._checked(self._ask("POST", f"/cgi-bin/{path}?{urlencode({'access_token': token})}", body))

    def _ask(self, method: str, path: str, body: Mapping[str, object] | None) -> Mapping[str, object]:
        name = self._codes.name
        # Not as \u escapes: WeChat refuses those (40033).
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        try:
            # A new connection: an idle one may break during the request, with an unknown outcome.
            answer = requests.request(
                method, f"{self._base}{path}", data=content, timeout=_TIMEOUT, allow_redirects=False
            )
        except RequestException as error:
            # "from None": the error's text contains the URL, and so the token.
            sent = not certainly_not_sent(error)
            raise NotAnswered(f"{name}'s answer did not come ({type(error).__name__})", sent=sent) from None
        if answer.status_code == 429:
            raise RateLimited(f"{name} is asked too often (429)", seconds=_LIMITED_SECONDS)
        if answer.status_code != 200:
            raise NotAnswered(f"{name} is out of order ({answer.status_code})", sent=True)
        try:
            document = json.loads(answer.content)
        except (ValueError, RecursionError):
            raise NotAnswered(f"{name}'s answer is no JSON: is a proxy in between?", sent=True) from None
        if not isinstance(document, dict):
            raise NotAnswered(f"{name}'s answer is no JSON object: is a proxy in between?", sent=True)
        return document

    def _checked(self, document: Mapping[str, object]) -> Mapping[str, object]:
        codes, code = self._codes, document.get("errcode", 0)
        if code == 0:
            return document
        if not isinstance(code, int):
            raise NotAnswered(f"{codes.name}'s answer has no errcode", sent=True)
        if code in codes.limited:
            raise RateLimited(f"{codes.name} is asked too often ({code})", seconds=_LIMITED_SECONDS)
        if code in codes.busy:
            raise NotAnswered(f"{codes.name} is busy ({code})", sent=False)
        known = {**codes.of_message, **codes.of_channel}
        raise ApiRefusal(known.get(code, f"{codes.name} refuses it ({code})"), code=code)
