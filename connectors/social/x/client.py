"""The client for X: tweepy for signing and routes, with our own timeouts and our own parsing of responses.

tweepy's models lose a whole page over one malformed timestamp, so it returns the bare response. One client per thread.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import requests
import tweepy
from requests.adapters import HTTPAdapter
from requests.exceptions import RequestException

from connectors.base import Health
from router.errors import OmniyardError, PermanentError, RateLimited, TransientError
from router.settings.channels.x import XAccountSettings

API: Final = "https://api.x.com"
# tweepy uses the old host name, also in its signature.
_ASKED: Final = ("https://api.twitter.com", API)
_TIMEOUT: Final = (5.0, 12.0)
_WINDOW_SECONDS: Final = 15 * 60.0
_CREDITS_SECONDS: Final = 3600.0
_CREDENTIALS: Final = (
    "X refuses the credentials ({status}): check the four keys; a token that was renewed has another value"
)
_FORBIDDEN: Final = (
    "X forbids this (403): the app needs the permission to read and write direct messages, and a token made after that"
)
_CREDITS: Final = (
    "X takes no more requests because the account's credits are used up ({status}): add some in the developer console"
)


# No expansion of users but the author's: each is charged.
_POST_FIELDS: Final[dict[str, Any]] = {
    "tweet_fields": [
        "author_id", "created_at", "conversation_id", "referenced_tweets", "edit_history_tweet_ids", "entities",
        "display_text_range", "attachments",
    ],
    "expansions": ["author_id"],
    "user_fields": ["name", "username"],
}  # fmt: skip


class NotAllowed(PermanentError):
    """X forbids a request that it understands (403)."""


@dataclass(frozen=True, slots=True)
class Limit:
    """X's rate limit. resets_at: aware UTC; None if it is not known."""

    remaining: int | None = None
    resets_at: datetime | None = None


class _Detour(HTTPAdapter):
    """Sends tweepy's requests to `base`, with the timeout for which tweepy has no parameter."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self._base = urlsplit(base)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: ANN401
        """See `HTTPAdapter`."""
        moved = urlsplit(str(request.url))._replace(scheme=self._base.scheme, netloc=self._base.netloc)
        request.url = urlunsplit(moved)
        kwargs["timeout"] = _TIMEOUT
        kwargs["stream"] = False
        return super().send(request, *args, **kwargs)


class XApi:
    """One account, for one thread. limit: from the last response."""

    def __init__(self, settings: XAccountSettings) -> None:
        token = settings.access_token.reveal()
        self._client = tweepy.Client(
            consumer_key=settings.consumer_key.reveal(),
            consumer_secret=settings.consumer_secret.reveal(),
            access_token=token,
            access_token_secret=settings.access_secret.reveal(),
            return_type=requests.Response,
            wait_on_rate_limit=False,
        )
        for asked in _ASKED:
            self._client.session.mount(asked, _Detour(settings.api_base or API))
        # A redirect would send the signature to another host.
        self._client.session.max_redirects = 0
        # An access token of OAuth 1.0a begins with the account's id.
        self.own_id = token.partition("-")[0]
        self.limit = Limit()

    def events(self, *, most: int, after_token: str | None) -> dict[str, Any]:
        """Return one page of direct message events, newest first. after_token: of the page before."""
        parameters: dict[str, Any] = {
            "max_results": most,
            "dm_event_fields": [
                "id", "text", "event_type", "created_at", "dm_conversation_id", "sender_id", "participant_ids",
                "attachments",
            ],
            "expansions": ["sender_id", "attachments.media_keys"],
            "user_fields": ["name", "username"],
            "media_fields": ["type"],
        }  # fmt: skip
        if after_token:
            parameters["pagination_token"] = after_token
        return self._call(self._client.get_direct_message_events, parameters)

    def events_with(self, participant_id: str, *, most: int) -> dict[str, Any]:
        """Return the latest events of the conversation with one person."""
        fields = ["id", "text", "event_type", "created_at", "sender_id"]
        parameters = {"participant_id": participant_id, "max_results": most, "dm_event_fields": fields}
        return self._call(self._client.get_direct_message_events, parameters)

    def send(self, participant_id: str, text: str) -> dict[str, Any]:
        """Send a message and return X's response. Raises errors of `requests` and tweepy: the caller handles both."""
        answer = self._client.create_direct_message(participant_id=participant_id, text=text, user_auth=True)
        return _object(answer)

    def mentions(self, *, most: int, after_token: str | None) -> dict[str, Any]:
        """Return one page of posts that mention us, newest first. after_token: of the page before."""
        parameters: dict[str, Any] = {"id": self.own_id, "max_results": most, **_POST_FIELDS}
        if after_token:
            parameters["pagination_token"] = after_token
        return self._call(self._client.get_users_mentions, parameters)

    def own_posts(self, *, most: int) -> dict[str, Any]:
        """Return our latest posts."""
        parameters = {"id": self.own_id, "max_results": most, "tweet_fields": ["id", "text", "referenced_tweets"]}
        return self._call(self._client.get_users_tweets, parameters)

    def answer_post(self, post_id: str, text: str, *, private_link: str = "") -> dict[str, Any]:
        """Answer a post in public. Raises errors of `requests` and tweepy: the caller handles both.

        private_link: shown as a button below the text, which opens a direct message.
        """
        more = {"direct_message_deep_link": private_link} if private_link else {}
        return _object(self._client.create_tweet(text=text, in_reply_to_tweet_id=post_id, user_auth=True, **more))

    def me(self) -> dict[str, Any]:
        """Return our own account."""
        return self._call(self._client.get_me, {})

    def close(self) -> None:
        """Close the connections; callable from any thread."""
        self._client.session.close()

    def _call(self, method: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401  (tweepy has no types)
        self.limit = Limit()
        try:
            answer = method(user_auth=True, **parameters)
        except tweepy.HTTPException as error:
            self.limit = _limit(error.response)
            # tweepy's message quotes X's, which may quote our text.
            raise refusal(error.response) from None
        except RequestException as error:
            raise TransientError(f"X cannot be reached ({type(error).__name__})") from None
        except ValueError:
            # tweepy parses the reset header as a number before it raises the error of the response.
            raise RateLimited("X is asked too often (429)", seconds=_WINDOW_SECONDS) from None
        self.limit = _limit(answer)
        return _object(answer)


def refusal(answer: requests.Response) -> PermanentError | TransientError:
    """Return the error of a refused request."""
    status = answer.status_code
    if is_out_of_credits(answer):
        return RateLimited(_CREDITS.format(status=status), seconds=_CREDITS_SECONDS)
    if status == 401:
        return PermanentError(_CREDENTIALS.format(status=status))
    if status == 403:
        return NotAllowed(_FORBIDDEN)
    if status == 429:
        return RateLimited("X is asked too often (429)", seconds=seconds_to_reset(answer))
    if status >= 500:
        return TransientError(f"X is out of order ({status})")
    return PermanentError(f"X does not accept the request ({status})")


def is_out_of_credits(answer: requests.Response) -> bool:
    """Return whether X refuses because of missing credits. No status is documented, so the text is searched too."""
    if answer.status_code == 402:
        return True
    words = answer.content[:4096].decode("utf-8", "replace").casefold()
    return answer.status_code in {403, 429} and ("usage-capped" in words or "credit" in words)


def seconds_to_reset(answer: requests.Response) -> float:
    """Return how long to pause after a 429; a whole window if the response does not say."""
    resets_at = _limit(answer).resets_at
    if resets_at is None:
        return _WINDOW_SECONDS
    return min(max(resets_at.timestamp() - time.time() + 1, 1.0), 2 * _WINDOW_SECONDS)


def _limit(answer: requests.Response) -> Limit:
    remaining, reset = (answer.headers.get(f"x-rate-limit-{name}", "") for name in ("remaining", "reset"))
    resets_at = datetime.fromtimestamp(int(reset), UTC) if reset.isdigit() and len(reset) < 12 else None
    return Limit(int(remaining) if remaining.isdigit() else None, resets_at)


def _object(answer: requests.Response) -> dict[str, Any]:
    try:
        parsed = json.loads(answer.content)
    except (ValueError, RecursionError) as error:
        raise TransientError("X's answer is no JSON: is a proxy in between?") from error
    if not isinstance(parsed, dict):
        raise TransientError("X's answer is no JSON object: is a proxy in between?")
    return parsed


def bearer_token(settings: XAccountSettings) -> str:
    """Return the app's own token, with which X tells of its webhooks. Raises as `XApi` does."""
    keys = (settings.consumer_key.reveal(), settings.consumer_secret.reveal())
    url = f"{settings.api_base or API}/oauth2/token"
    try:
        answer = requests.post(
            url, auth=keys, data={"grant_type": "client_credentials"}, timeout=_TIMEOUT, allow_redirects=False
        )
    except RequestException as error:
        raise TransientError(f"X cannot be reached ({type(error).__name__})") from None
    return str(_checked(answer).get("access_token", ""))


def of_app(settings: XAccountSettings, path: str, *, token: str) -> list[dict[str, Any]]:
    """Return what X lists of the app under a path. Raises as `XApi` does."""
    headers = {"Authorization": f"Bearer {token}"}
    try:
        answer = requests.get(
            f"{settings.api_base or API}{path}", headers=headers, timeout=_TIMEOUT, allow_redirects=False
        )
    except RequestException as error:
        raise TransientError(f"X cannot be reached ({type(error).__name__})") from None
    listed = _checked(answer).get("data")
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


def _checked(answer: requests.Response) -> dict[str, Any]:
    if answer.status_code != requests.codes.ok:
        raise refusal(answer)
    return _object(answer)


_ENCRYPTED: Final = (
    "this account may receive encrypted X Chat messages, which this interface cannot see: look at them in X's own app, "
    "or tell customers to write elsewhere"
)


def probe_account(settings: XAccountSettings) -> Health:
    """Ask for our own account; read no message, because each costs; change nothing.

    Raises errors of X's answer.
    """
    api = XApi(settings)
    try:
        me = api.me().get("data")
    finally:
        api.close()
    name = me.get("username") if isinstance(me, dict) else None
    findings = [f"the account @{name} answers" if isinstance(name, str) else "the account answers"]
    if isinstance(me, dict) and me.get("id") not in {None, api.own_id}:
        findings.append("the access token is of another account than the one that answers: check `access_token`")
        return Health(ok=False, findings=tuple(findings))
    money = (
        f"up to {settings.daily_budget:.2f} dollars a day are spent on it"
        if settings.daily_budget
        else "no money may be spent on it (`daily_budget`)"
    )
    return Health(ok=settings.daily_budget > 0, findings=(*findings, money))


def probe(settings: XAccountSettings) -> Health:
    """See `ProbedConnector`, for direct messages."""
    try:
        health = probe_account(settings)
    except OmniyardError as error:
        return Health(ok=False, findings=(str(error),))
    is_other = not health.ok and settings.daily_budget > 0
    return health if is_other else Health(ok=health.ok, findings=(*health.findings, _ENCRYPTED))
