"""The HTML twin of an automatic mail: the same words, in the colours of the desk, without pictures or scripts."""

from __future__ import annotations

import re
from html import escape
from typing import Final

_LINK: Final = re.compile(r"https?://[^\s<>\"'，。；、）]+[^\s<>\"'，。；、）.,;:!?)]")
_BODY: Final = (
    "margin:0;padding:24px 12px;background:#f1f4f4;color:#17201f;"
    "font:15px/1.6 -apple-system,'Segoe UI','PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif"
)
_CARD: Final = (
    "max-width:600px;margin:0 auto;padding:20px 24px;background:#ffffff;border-radius:10px;border-top:4px solid #0d6361"
)
_QUOTE: Final = "margin:16px 0 0;padding:0 0 0 12px;border-left:3px solid #c9d4d4;color:#4b5a59"
_ANCHOR: Final = "color:#0d6361"


def letter_html(text: str, *, name: str) -> str:
    """Return the page of a text: paragraphs are separated by empty lines, the lines of a quote begin with ">".

    name: the desk's, for the title. Links of the quote stay text: they are the customer's.
    """
    lines = text.strip().splitlines()
    begin = next((place for place, line in enumerate(lines) if line.startswith(">")), len(lines))
    said = "\n".join(lines[:begin]).strip()
    quoted = "\n".join(line.removeprefix(">").removeprefix(" ") for line in lines[begin:])
    paragraphs = "".join(f"<p>{_linked(each)}</p>" for each in re.split(r"\n\s*\n", said) if each.strip())
    quote = f'<blockquote style="{_QUOTE}">{_broken(escape(quoted))}</blockquote>' if quoted.strip() else ""
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><title>{escape(name)}</title></head>'
        f'<body style="{_BODY}"><div style="{_CARD}">{paragraphs}{quote}</div></body></html>'
    )


def _linked(text: str) -> str:
    parts, end = [], 0
    for found in _LINK.finditer(text):
        address = escape(found[0])
        parts += [escape(text[end : found.start()]), f'<a style="{_ANCHOR}" href="{address}">{address}</a>']
        end = found.end()
    return _broken("".join((*parts, escape(text[end:]))))


def _broken(markup: str) -> str:
    return markup.replace("\n", "<br>")
