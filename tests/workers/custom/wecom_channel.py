"""A channel of WeCom, and its secrets. A plain module."""

from __future__ import annotations

from tests.fakes.wecom import ACCOUNT, CORP, SECRET

CHANNEL = f"""
[channels.wecom]
kind = "wecom"
corp = "{CORP}"
secret = "env:WECOM_SECRET"
account = "{ACCOUNT}"
callback_token = "env:WECOM_TOKEN"
aes_key = "env:WECOM_KEY"
poll = "10m"
api_base = "BASE"
"""
KEY = "OmniyardOmniyardOmniyardOmniyardOmniyard123"
SECRETS = {"WECOM_SECRET": SECRET, "WECOM_TOKEN": "omni-token", "WECOM_KEY": KEY}
