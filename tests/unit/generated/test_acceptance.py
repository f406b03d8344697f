"""A generated text is accepted only if all of it stands in its source: changed ones go, faithful paraphrases stay."""

from __future__ import annotations

import json
import re
from pathlib import Path

from router.answers.faq_file import FaqText, plain_text, read_faq_file
from router.generated.acceptance import Expected, Flaw, flaws_of
from router.generated.purposes import Purpose

ROOT = Path(__file__).parents[3]
FAQ = {
    file.name.removesuffix(".md"): read_faq_file(file.read_text("utf-8"), file=file.name)
    for file in sorted((ROOT / "config" / "faq").glob("*.md"))
}
PARAPHRASES = json.loads((ROOT / "tests" / "data" / "paraphrases.json").read_text("utf-8"))
MARKER = "A1B2C3"


def flaws(text: str, faq: FaqText) -> tuple[Flaw, ...]:
    passage = f"{faq.title}\n{plain_text(faq.body)}"
    expected = Expected(purpose=Purpose.DRAFT, language=faq.language, passages={MARKER: passage})
    return flaws_of(text, sources=[MARKER], expected=expected)


def changed_number(text: str) -> str:
    return re.sub(r"\d+", lambda match: str(int(match[0]) + 2), text, count=1)


SPANS = {
    "hours": "days", "working days": "days", "days": "hours", "minutes": "hours",
    "小时": "天", "个工作日": "天", "分钟": "小时",
}  # fmt: skip


def changed_span(text: str) -> str:
    pattern = re.compile(r"(\d\s?)(" + "|".join(SPANS) + ")")
    return pattern.sub(lambda match: match[1] + SPANS[match[2]], text, count=1)


def with_link(text: str) -> str:
    return f"{text} https://wallet-help.example/refund" if text.isascii() else f"{text}详见 www.wallet-help.top。"


# A verb that the text denies, said; and the other way round.
DENIALS = [
    (r"\bcannot be\b", "can be"), (r"\bcannot\b", "can"), (r"\bnever ask", "always ask"), (r"\bdo not\b", ""),
    (r"\bis not\b", "is"), (r"\bdoes not\b", ""), (r"\bnot\b ", ""), (r"\bno ", "a "), (r"\bnever\b ", ""),
    (r"\bwithout\b", "with"),
    (r"不会", "会"), (r"不能", "能"), (r"不要", ""), (r"无法", "可以"), (r"无需", "需要"), (r"不支持", "支持"),
    (r"不", ""),
]  # fmt: skip


def without_not(text: str) -> str:
    for pattern, said in DENIALS:
        if re.search(pattern, text):
            return re.sub(pattern, said, text, count=1)
    return text


def changed_menu(text: str) -> str:
    def other(match: re.Match[str]) -> str:
        return match[1] + ("Rewards" if match[2].isascii() else "优惠券")

    return re.sub(r"(→ )([A-Z]\w+|[\u4e00-\u9fff]+)", other, text, count=1)


def changes() -> list[tuple[str, str, str]]:
    found = []
    for name, faq in FAQ.items():
        plain = re.sub(r"(?m)^\s*(?:\d+\.|-)\s+", "", plain_text(faq.body))
        for sentence in re.split(r"(?<=[.。！!])\s*|\n+", plain):
            for kind in (changed_number, changed_span, with_link, without_not, changed_menu):
                other = kind(sentence)
                if sentence.strip() and other != sentence:
                    found.append((kind.__name__, name, other.strip(" -")))
    return found


def one_hundred() -> list[tuple[str, str, str]]:
    """Twenty of each kind, from as many answers as there are."""
    picked: list[tuple[str, str, str]] = []
    for kind in ("changed_number", "changed_span", "with_link", "without_not", "changed_menu"):
        of_kind = [each for each in changes() if each[0] == kind]
        picked += of_kind[:: max(1, len(of_kind) // 20)][:20]
    return picked


def test_of_100_changed_texts_98_are_refused() -> None:
    texts = one_hundred()
    accepted = [each for each in texts if not flaws(each[2], FAQ[each[1]])]
    assert len(texts) >= 95
    assert len(accepted) <= 2, accepted


def test_of_100_faithful_paraphrases_85_are_accepted() -> None:
    assert len(PARAPHRASES) == 100
    refused = {row["text"]: found for row in PARAPHRASES if (found := flaws(row["text"], FAQ[row["answer"]]))}
    assert len(refused) <= 15, refused
