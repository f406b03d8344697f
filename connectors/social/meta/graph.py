"""A client of Meta's Graph interface. An error's text may contain tokens and texts, so only its code is shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

import requests
from requests.exceptions import RequestException

from connectors.http_errors import certainly_not_sent
from connectors.social.meta.signature import proof_of
from router.errors import PermanentError, TransientError

API: Final = "https://graph.facebook.com"
_TIMEOUT: Final = (5.0, 15.0)


class GraphSilence(TransientError):
    """The answer did not come, or says nothing. sent: False if certainly no byte was."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class GraphRefusal(PermanentError):
    """Meta answers with an error. code, subcode: theirs.  status: of HTTP."""

    def __init__(self, code: int, subcode: int, *, status: int) -> None:
        shown = f"{code}/{subcode}" if subcode else str(code)
        super().__init__(f"Meta refuses it ({shown})")
        self.code, self.subcode, self.status = code, subcode, status


class GraphApi:
    """The interface under one token. Keeps no connection: an idle one may break with an unknown outcome."""

    def __init__(self, token: str, *, secret: str, base: str | None, version: str) -> None:
        self._token, self._proof = token, proof_of(token, secret=secret)
        self._base = f"{base or API}/{version}"

    def get(self, path: str, **fields: str) -> Mapping[str, object]:
        """Return what is there. Raises GraphSilence, GraphRefusal."""
        return self._ask("GET", path, fields=fields, body=None)

    def post(self, path: str, body: Mapping[str, object]) -> Mapping[str, object]:
        """Return the answer to a document. Raises GraphSilence, GraphRefusal."""
        return self._ask("POST", path, fields={}, body=body)

    def _ask(
        self, method: str, path: str, *, fields: Mapping[str, str], body: Mapping[str, object] | None
    ) -> Mapping[str, object]:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        try:
            answer = requests.request(
                method,
                f"{self._base}/{path}",
                params={**fields, "appsecret_proof": self._proof},
                data=None if body is None else json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"),
                headers=headers,
                timeout=_TIMEOUT,
                allow_redirects=False,
            )
        except RequestException as error:
            # "from None": the error's text contains the URL.
            sent = not certainly_not_sent(error)
            raise GraphSilence(f"Meta's answer did not come ({type(error).__name__})", sent=sent) from None
        return _checked(answer.content, answer.status_code)


def _checked(content: bytes, status: int) -> Mapping[str, object]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise GraphSilence(f"Meta's answer is no JSON object ({status}): is a proxy in between?", sent=True)
    error = document.get("error")
    if isinstance(error, dict):
        raise GraphRefusal(_number(error.get("code")), _number(error.get("error_subcode")), status=status)
    if status != 200:
        raise GraphSilence(f"Meta is out of order ({status})", sent=True)
    return document


def _number(value: object) -> int:
    if isinstance(value, int):
        return value
    return 0 if value is None else -1
