"""The demo's configuration: the shipped file, five channels with providers on this machine, and the contact form."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cli.demo import app_chat, telegram, twilio, twilio_voice, wechat, x
from router.errors import ConfigError
from router.settings.files import read_file, shipped_file
from store.db.private_files import make_private_folder
from workers.broker.free_ports import free_ports

# The names of the channels' secrets in the environment of the desk's processes.
SECRETS: Final = {
    "OMNIYARD_DEMO_TWILIO_ACCOUNT": twilio.ACCOUNT,
    "OMNIYARD_DEMO_TWILIO_TOKEN": twilio.TOKEN,
    "OMNIYARD_DEMO_VOICE_ACCOUNT": twilio_voice.ACCOUNT,
    "OMNIYARD_DEMO_VOICE_TOKEN": twilio_voice.TOKEN,
    "OMNIYARD_DEMO_TELEGRAM_TOKEN": telegram.TOKEN,
    "OMNIYARD_DEMO_APP_SECRET": app_chat.SECRET,
    "OMNIYARD_DEMO_WECHAT_SECRET": wechat.SECRET,
    "OMNIYARD_DEMO_WECHAT_TOKEN": wechat.TOKEN,
    "OMNIYARD_DEMO_WECHAT_KEY": wechat.AES_KEY,
    **{f"OMNIYARD_DEMO_{name}": value for name, value in x.KEYS.items()},
}
_HEAD: Final = "# Written by `omniyard up --demo` at each start: changes are lost.\n\n"
_DATA: Final = re.compile(r'(?m)^#data = "var".*$')
_LISTEN: Final = re.compile(r'(?m)^#listen = "127.0.0.1:8080".*$')
_MAIL: Final = 'listen = "127.0.0.1:2525"'
_SITE: Final = 'origins = ["http://127.0.0.1:8080"]'
_CHANNELS: Final = """
[channels.sms]
kind = "twilio"
title = {{ zh = "短信", en = "SMS" }}
account = "env:OMNIYARD_DEMO_TWILIO_ACCOUNT"
token = "env:OMNIYARD_DEMO_TWILIO_TOKEN"
number = "{number}"
poll = "2s"
api_base = "http://127.0.0.1:{twilio}"

[channels.x]
kind = "x"
title = {{ zh = "X 私信", en = "X" }}
consumer_key = "env:OMNIYARD_DEMO_X_CONSUMER_KEY"
consumer_secret = "env:OMNIYARD_DEMO_X_CONSUMER_SECRET"
access_token = "env:OMNIYARD_DEMO_X_ACCESS_TOKEN"
access_secret = "env:OMNIYARD_DEMO_X_ACCESS_SECRET"
poll = "2s"
api_base = "http://127.0.0.1:{x}"

[channels.telegram]
kind = "telegram"
title = {{ zh = "Telegram 私信", en = "Telegram" }}
token = "env:OMNIYARD_DEMO_TELEGRAM_TOKEN"
poll = "20s"
api_base = "http://127.0.0.1:{telegram}"

[channels.app]
kind = "custom"
title = {{ zh = "App 内客服", en = "In-app chat" }}
calendar = "chat"
push = false
[channels.app.pull]
url = "http://127.0.0.1:{app}/messages"
poll = "2s"
allow_private = true
[channels.app.send]
url = "http://127.0.0.1:{app}/answers"
secret = "env:OMNIYARD_DEMO_APP_SECRET"
deduplicates = true
allow_private = true

[channels.wechat]
kind = "wechat"
title = {{ zh = "微信", en = "WeChat" }}
calendar = "chat"
app = "{wechat_app}"
secret = "env:OMNIYARD_DEMO_WECHAT_SECRET"
callback_token = "env:OMNIYARD_DEMO_WECHAT_TOKEN"
aes_key = "env:OMNIYARD_DEMO_WECHAT_KEY"
api_base = "http://127.0.0.1:{wechat}"

[channels.hotline]
kind = "voice"
title = {{ zh = "客服热线", en = "Hotline" }}
number = "{hotline}"
region = "CN"
calendar = "office"
[channels.hotline.twilio]
account = "env:OMNIYARD_DEMO_VOICE_ACCOUNT"
token = "env:OMNIYARD_DEMO_VOICE_TOKEN"
poll = "2s"
api_base = "http://127.0.0.1:{voice}"

[channels.contact-form]
kind = "web"
title = {{ zh = "在线留言", en = "Contact form" }}
address = "contact@wallet.example"
send = {{ outbox = true }}
calendar = "office"
[channels.contact-form.hint]
zh = "写明时间、金额和交易号，我们可以更快处理。"
en = "With the time, the amount and the transaction number we can help sooner."
"""

COLLEAGUES: Final = {"王芳": "senior", "Emma": "agent"}
"""Name -> role of those who work at the demo's desk too: cases can be assigned to them, and notes can name them."""

# What is read from the folder of the desk's file: the demo learns from the same examples as a real desk.
_NEXT_TO_IT: Final = ("intents", "negatives")


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of the demo's providers. desk, mail: those of the desk itself; None as in the shipped file."""

    twilio: int
    x: int
    telegram: int
    app: int
    wechat: int
    voice: int
    desk: int | None = None
    mail: int | None = None


def demo_ports(*, desk: int | None = None) -> Ports:
    """Return free ports of this machine for the providers. desk: where the desk is to be; its mail gets a free port."""
    twilio_at, x_at, telegram_at, app, wechat_at, voice, mail = free_ports(7)
    return Ports(twilio_at, x_at, telegram_at, app, wechat_at, voice, desk=desk, mail=mail if desk else None)


def write_settings(folder: Path, ports: Ports) -> Path:
    """Write the demo's configuration into its folder, which is also the demo's data folder; return the file."""
    text = read_file(shipped_file())
    data = f"data = {json.dumps(str(folder))}"
    # Customers get the link to their case, and providers can call the desk.
    more = f'guide = true\npublic_url = "http://127.0.0.1:{ports.desk or 8080}"'
    text, replaced = _DATA.subn(lambda _: f"{data}\n{more}", text)
    if not replaced:
        raise ConfigError("the shipped configuration has no line for `data`; install the package again")
    if ports.desk:
        text = _LISTEN.sub(f'listen = "127.0.0.1:{ports.desk}"', text)
        text = text.replace(_MAIL, f'listen = "127.0.0.1:{ports.mail}"')
        text = text.replace(_SITE, f'origins = ["http://127.0.0.1:{ports.desk}"]')
    make_private_folder(folder)
    _copy_examples(folder)
    path = folder / "channels.toml"
    places = {"twilio": ports.twilio, "x": ports.x, "telegram": ports.telegram, "app": ports.app}
    places |= {"wechat": ports.wechat, "voice": ports.voice}
    apps = {"number": twilio.NUMBER, "hotline": twilio_voice.NUMBER, "wechat_app": wechat.APP}
    channels = _CHANNELS.format(**apps, **places)
    path.write_text(_HEAD + text + channels, encoding="utf-8")
    return path


def _copy_examples(folder: Path) -> None:
    """Renew the copies of what stands next to the shipped file."""
    for name in _NEXT_TO_IT:
        source, target = shipped_file().parent / name, folder / name
        shutil.rmtree(target, ignore_errors=True)
        if source.is_dir():
            shutil.copytree(source, target)
