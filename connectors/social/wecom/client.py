"""A client of WeCom's customer service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from connectors.social.tencent.api_client import ApiCodes, TokenApi
from router.settings.channels.tencent import WecomSettings

API: Final = "https://qyapi.weixin.qq.com"
CODES: Final = ApiCodes(
    name="WeCom",
    stale=frozenset({40014, 42001}),
    busy=frozenset({-1, 6000}),
    limited=frozenset({45009, 45011}),
    # What the operator has to change, by their code.
    of_channel={
        40001: "WeCom refuses the secret (40001): check `secret`",
        40013: "WeCom does not know the corp (40013): check `corp`",
        40014: "WeCom refuses the access token twice (40014): check `secret`",
        42001: "WeCom says twice that the access token has ended (42001): check this machine's clock",
        41001: "WeCom misses the access token (41001)",
        48002: "the app may not use customer service (48002): allow it in the console, under its API permissions",
        60020: "WeCom does not allow this machine's address (60020): add it to the app's trusted IPs",
        95000: "the account is not valid (95000): check `account`",
        95004: "the account does not exist (95004): check `account`",
        95017: "customer service is not active for this corp (95017): activate it in the console",
    },
    of_message={},
)


class WecomApi(TokenApi):
    """One corp's app."""

    def __init__(self, settings: WecomSettings) -> None:
        super().__init__(CODES, base=settings.api_base or API)
        self._settings = settings

    def _new_token(self, *, forced: bool) -> Mapping[str, object]:
        # Repeated asking returns the same token, until it has ended: there is no force.
        del forced
        query = {"corpid": self._settings.corp, "corpsecret": self._settings.secret.reveal()}
        return self._checked(self._ask("GET", f"/cgi-bin/gettoken?{urlencode(query)}", None))
