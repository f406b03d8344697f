"""A client of WeChat's interface for service accounts and mini programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from connectors.social.tencent.api_client import ApiCodes, TokenApi
from router.settings.channels.tencent import WechatSettings

API: Final = "https://api.weixin.qq.com"
CODES: Final = ApiCodes(
    name="WeChat",
    stale=frozenset({40001, 40014, 42001}),
    busy=frozenset({-1}),
    limited=frozenset({45009, 45011}),
    # What the operator has to change, by their code.
    of_channel={
        40001: "WeChat refuses the secret or the access token (40001): check `secret`",
        40013: "WeChat does not know the app (40013): check `app`",
        40014: "WeChat refuses the access token twice (40014): check `secret`",
        40125: "WeChat refuses the secret (40125): check `secret`",
        40164: "WeChat does not allow this machine's address (40164): add it to the account's IP list",
        41004: "WeChat misses the secret (41004): check `secret`",
        42001: "WeChat says twice that the access token has ended (42001): check this machine's clock",
        89503: "an administrator of the account has to allow this call first (89503): ask them to confirm it in WeChat",
    },
    of_message={
        40003: "WeChat does not know this customer for this account (40003): check `app`",
        40007: "WeChat does not have the file any more (40007)",
        43004: "the customer does not follow the account any more (43004): call or write elsewhere",
        43019: "the customer blocks the account (43019): call or write elsewhere",
        45002: "the text is too long for WeChat (45002): shorten it",
        45015: "more than 48 hours have passed since the customer's last message (45015): wait for the next one",
        45047: "five messages have followed the customer's last one (45047): wait for the next one",
        48001: "the account may not send customer service messages (48001): it must be verified, and have that right",
        50002: "WeChat restricts the account (50002): look at its notices in the console",
    },
)


class WechatApi(TokenApi):
    """One account."""

    def __init__(self, settings: WechatSettings) -> None:
        super().__init__(CODES, base=settings.api_base or API)
        self._settings = settings

    def _new_token(self, *, forced: bool) -> Mapping[str, object]:
        # Not `token`: that call ends the tokens of the other processes.
        body = {
            "grant_type": "client_credential",
            "appid": self._settings.app,
            "secret": self._settings.secret.reveal(),
            "force_refresh": forced,
        }
        return self._checked(self._ask("POST", "/cgi-bin/stable_token", body))
