"""Phrases of the pages about who wrote a mail and where an answer goes, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Key: English, Chinese. `{...}` is filled in.
MAIL_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "answer_goes_to": ("To", "收件人"),
    "answer_other": (
        "The mail also names {address} for answers; its author can name any address.",
        "该邮件还指定了回复地址 {address}。任何发件人都可以随意填写此地址。",
    ),
    "answer_there": ("Answer to {address} instead", "改为回复 {address}"),
    "done_answer_to": ("Answers go to the other address now.", "已改用另一回复地址。"),
    "claims_ours": ("says that it is from us; nothing confirms it", "自称由我方发出，未经验证"),
    "step_correspondent": ("The customer", "客户"),
    "named_by": ("{address} ({source})", "{address}（{source}）"),
    "answers_go_to": ("answers go to {address}", "回复发往 {address}"),
    "also_named": ("the mail also names {address} for answers", "邮件还指定了回复地址 {address}"),
    "source_from": ("the author", "邮件作者"),
    "source_reply-to": ("named by Reply-To", "由 Reply-To 指明"),
    "source_x-original-from": ("named by X-Original-From", "由 X-Original-From 指明"),
    "source_x-original-sender": ("named by X-Original-Sender", "由 X-Original-Sender 指明"),
    "source_body": ("named by a line of the form", "由表单正文指明"),
    "source_recipient": ("our side wrote to them", "我方写信给该客户"),
    "source_forwarded": ("a colleague forwards their mail", "由同事转发"),
}
