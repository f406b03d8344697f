"""How well Chinese text is read whose label is false: every charset under every label, encoding and place.

A cell is right for a sentence if what is read equals it after NFC. Cells whose bytes decode without error under their
label too are counted apart, with what was chosen: there the bytes alone cannot decide, only their likelihood.
"""

from __future__ import annotations

import json
import unicodedata
from base64 import b64encode, encodebytes
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from quopri import encodestring
from typing import Any, Final

from connectors.base import RawMessage
from connectors.email.mime.normalise import normalise

_SIMPLIFIED: Final = (
    "我昨天转账五百元给房东，到现在还没有到账，请帮我查一下。",
    "我的账户突然被锁定了，登录不了，请尽快帮我解锁。",
    "有人在外地登录了我的钱包，把里面的余额全部转走了。",
    "订单已经取消三天了，退款什么时候能退回银行卡？",
    "手机换了新号码，收不到验证码，怎么修改绑定的手机？",
    "充值的时候系统提示失败，但是银行已经扣了我的钱。",
    "请问节假日提现到银行卡，一般需要多长时间才能到？",
    "我忘记了支付密码，按照提示重置了两次都没有成功。",
    "附件是我的身份证照片和银行流水，请审核之后回复我。",
    "上个月的账单里多了一笔手续费，我想知道是怎么回事。",
)
_TRADITIONAL: Final = (
    "我昨天轉帳五百元給房東，到現在還沒有到帳，請幫我查一下。",
    "我的帳戶突然被鎖定了，登入不了，請盡快幫我解鎖。",
    "有人在外地登入了我的錢包，把裡面的餘額全部轉走了。",
    "訂單已經取消三天了，退款什麼時候能退回銀行卡？",
    "手機換了新號碼，收不到驗證碼，怎麼修改綁定的手機？",
    "儲值的時候系統提示失敗，但是銀行已經扣了我的錢。",
    "請問節假日提現到銀行卡，一般需要多長時間才能到？",
    "我忘記了支付密碼，按照提示重設了兩次都沒有成功。",
    "附件是我的身分證照片和銀行明細，請審核之後回覆我。",
    "上個月的帳單裡多了一筆手續費，我想知道是怎麼回事。",
)
_CHARSETS: Final = {
    "utf-8": _SIMPLIFIED + _TRADITIONAL,
    "gbk": _SIMPLIFIED,
    "gb18030": _SIMPLIFIED + _TRADITIONAL,
    "big5": _TRADITIONAL,
    "hz": _SIMPLIFIED,
    "utf-16": _SIMPLIFIED,
}
_LABELS: Final = (
    "", "us-ascii", "iso-8859-1", "windows-1252", "utf-8", "gb2312", "gbk", "gb18030", "big5", "hz-gb-2312",
    "iso-2022-jp", "shift_jis", "euc-kr", "koi8-r", "x-unknown",
)  # fmt: skip
_PLACES: Final = ("text", "disposition", "part", "page", "subject", "file name")
_WORDS: Final = {"subject", "file name"}
_ENCODINGS: Final = ("8bit", "quoted-printable", "base64", "raw as quoted-printable", "raw as base64")
_MISSES: Final = 20


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination. label: empty if the mail names no charset."""

    charset: str
    label: str
    encoding: str
    place: str


def cells() -> Iterator[Cell]:
    """Yield every combination that a mail can have: without a label nothing in a header section is encoded."""
    for charset, label, encoding, place in product(_CHARSETS, _LABELS, _ENCODINGS, _PLACES):
        is_word = place in _WORDS
        if is_word and (encoding.startswith("raw") or (encoding != "8bit" and not label) or charset == "utf-16"):
            continue
        # A line ends at its line feed, and in UTF-16 that is half a character.
        if charset == "utf-16" and encoding != "base64":
            continue
        # HZ has the characters that a file name must not have.
        if charset == "hz" and place == "file name":
            continue
        yield Cell(charset, label, encoding, place)


def measure(_corpora: Path) -> dict[str, Any]:
    """Return the shares of sentences that are read right and of characters that are lost, and the cells with misses."""
    counts: Counter[str] = Counter()
    lost = 0
    misses: list[dict[str, Any]] = []
    apart: list[dict[str, Any]] = []
    chosen: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for cell in cells():
        results = [(sentence, read(cell, sentence), _fits(cell, sentence)) for sentence in _CHARSETS[cell.charset]]
        for sentence, got, fits in results:
            kind = "fit their label" if fits else "contradict their label"
            counts[kind] += 1
            counts[f"{kind}, right"] += _same(sentence, got)
            lost += _deleted(sentence, got, charset=cell.charset)
        wrong = [(sentence, got, fits) for sentence, got, fits in results if not _same(sentence, got)]
        rows = [_row(cell, sentence, got) for sentence, got, fits in wrong[:1] if not fits]
        misses += rows
        apart += [_row(cell, sentence, got) for sentence, got, fits in wrong[:1] if fits]
        for sentence, got, fits in results:
            chosen[f"{cell.charset} under {cell.label}"][_same(sentence, got)] += fits
    return {
        "sentences": counts["contradict their label"],
        "right": round(counts["contradict their label, right"] / counts["contradict their label"], 4),
        "sentences that fit their label too": counts["fit their label"],
        "right of these": round(counts["fit their label, right"] / counts["fit their label"], 4),
        "deleted characters": lost,
        "misses": misses[:_MISSES],
        "chosen where the label fits too": {
            name: f"its own charset {right} times, another one {wrong} times"
            for name, (wrong, right) in sorted(chosen.items())
            if right + wrong
        },
        "misses where the label fits too": apart[:_MISSES],
    }


def read(cell: Cell, sentence: str) -> str:
    """Return what is read of the sentence in that place of a mail."""
    mail = write(cell, sentence)
    raw = RawMessage(source_key="1", content=mail, received_at=datetime.now(UTC))
    envelope = normalise(raw, channel="bench")
    if cell.place == "subject":
        return envelope.subject
    if cell.place == "file name":
        return next((each.name for each in envelope.attachments), "").removesuffix(".pdf")
    return envelope.text


def write(cell: Cell, sentence: str) -> bytes:
    """Return a mail with the sentence in that place."""
    if cell.place in _WORDS:
        return _with_word(cell, sentence)
    if cell.place == "page":
        sentence = f"<html><body><p>{sentence}</p></body></html>"
    kind = "html" if cell.place == "page" else "plain"
    label = f"; charset={cell.label}" if cell.label else ""
    name = cell.encoding.removeprefix("raw as ")
    fields = f"Content-Type: text/{kind}{label}\nContent-Transfer-Encoding: {name}\n".encode()
    if cell.place == "disposition":
        fields += b"Content-Disposition: inline\n"
    body = fields + b"\n" + _encode(sentence.encode(cell.charset), cell.encoding) + b"\n"
    head = b"From: li@example.com\nTo: support@example.net\nSubject: x\nMIME-Version: 1.0\n"
    if cell.place != "part":
        return head + body
    return head + b"Content-Type: multipart/mixed; boundary=edge\n\n--edge\n" + body + b"--edge--\n"


def _encode(content: bytes, encoding: str) -> bytes:
    if encoding == "quoted-printable":
        return encodestring(content)
    return encodebytes(content) if encoding == "base64" else content


def _with_word(cell: Cell, sentence: str) -> bytes:
    content = sentence.encode(cell.charset)
    if cell.encoding == "base64":
        content = b"=?%s?B?%s?=" % (cell.label.encode(), b64encode(content))
    elif cell.encoding == "quoted-printable":
        quoted = b"".join(b"=%02X" % byte for byte in content)
        content = b"=?%s?Q?%s?=" % (cell.label.encode(), quoted)
    label = f"; charset={cell.label}".encode() if cell.label else b""
    if cell.place == "subject":
        return b"From: li@example.com\nSubject: %s\nContent-Type: text/plain%s\n\nhello\n" % (content, label)
    return (
        b"From: li@example.com\nSubject: x\nContent-Type: multipart/mixed; boundary=edge\n\n--edge\n"
        b"Content-Type: text/plain%s\n\nhello\n--edge\nContent-Type: application/pdf\n"
        b'Content-Disposition: attachment; filename="%s.pdf"\n\nx\n--edge--\n'
    ) % (label, content)


def _fits(cell: Cell, sentence: str) -> bool:
    """Return whether the bytes decode without error under a label that is not theirs."""
    if not cell.label or cell.label == "x-unknown":
        return False
    try:
        wrong = sentence.encode(cell.charset).decode(cell.label.replace("hz-gb-2312", "hz"))
    except UnicodeDecodeError:
        return False
    return wrong != sentence


def _same(sentence: str, got: str) -> bool:
    return unicodedata.normalize("NFC", got.strip()) == unicodedata.normalize("NFC", _shown(sentence))


def _shown(sentence: str) -> str:
    return sentence.strip()


def _deleted(sentence: str, got: str, *, charset: str) -> int:
    """Return how many characters have left no trace: not even a wrong or a replacement character for their bytes."""
    least = len(sentence.encode(charset)) // 4 if charset != "hz" else len(sentence)
    return max(0, least - len(got)) if not _same(sentence, got) else 0


def _row(cell: Cell, sentence: str, got: str) -> dict[str, Any]:
    return {
        "charset": cell.charset, "label": cell.label, "encoding": cell.encoding, "place": cell.place,
        "expected": sentence, "read": got[:60],
    }  # fmt: skip


def main() -> None:
    """Print the measures as JSON."""
    print(json.dumps(measure(Path()), ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
