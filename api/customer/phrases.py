"""The phrases of the customers' pages in English and Chinese, in plain words without the desk's terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from api.customer.help_phrases import HELP_WORDS
from api.text.phrases import Language, Words

# Key: English, Chinese. `{...}` are filled in.
WORDS: Final[Mapping[str, tuple[str, str]]] = {
    **HELP_WORDS,
    "contact_us": ("Write to us", "联系我们"),
    "help": ("Help", "帮助"),
    "contact_lead": (
        "We answer to your mail address. Never write passwords or one-time codes: we do not ask for them.",
        "我们会回复到您的邮箱。请不要填写密码或验证码，我们不会索取。",
    ),
    "your_name": ("Your name", "您的称呼"),
    "your_email": ("Your mail address", "您的邮箱"),
    "topic": ("What is it about?", "关于什么问题？"),
    "other_topic": ("Something else", "其他问题"),
    "your_message": ("Your message", "留言内容"),
    "message_hint": (
        "With the time, the amount and the transaction number we can help sooner.",
        "写明时间、金额和交易号，我们可以更快处理。",
    ),
    "files_label": ("Files", "附件"),
    "files_hint": ("At most {files} files, {size} MB together.", "最多 {files} 个，合计不超过 {size} MB。"),
    "send": ("Send", "发送"),
    "leave_empty": ("Leave this empty", "请留空"),
    "may_help": ("This may help at once", "也许这里就有答案"),
    "nothing_found": ("No answer fits yet.", "暂无对应的答案。"),
    "wrong_email": ("Please enter a mail address to which we can answer.", "请填写可以收信的邮箱地址。"),
    "wrong_text": ("Please write between 2 and 20,000 characters.", "请填写 2 到 20000 个字。"),
    "wrong_files": ("There are too many files, or they are too large.", "附件太多或太大。"),
    "wrong_form": (
        "This page was open for too long, or was sent too quickly. Please send it again.",
        "页面停留过久或提交过快，请再发送一次。",
    ),
    "wrong_pace": ("You sent too many messages. Please try again in an hour.", "留言过于频繁，请一小时后再试。"),
    "thanks": ("We have your message", "我们已收到您的留言"),
    "thanks_lead": (
        "We will answer to {email}. This link always shows the status of your case; keep it to yourself:",
        "我们会回复到 {email}。通过以下链接可随时查看进度，请勿转发给他人：",
    ),
    "see_status": ("Show the status of my case", "查看处理进度"),
    "your_case": ("Your case", "您的问题"),
    "case_number": ("Reference", "编号"),
    "received": ("Received, being sorted", "已收到，正在分派"),
    "received_more": (
        "Your message is safe with us. It will be with a colleague in a moment.",
        "留言已妥善保存，马上转给同事。",
    ),
    "waiting": ("Waiting for a colleague", "等待同事处理"),
    "waiting_more": ("Your case is in the queue. Emergencies go first.", "您的问题已在排队，紧急问题优先处理。"),
    "in_hand": ("A colleague is working on it", "同事正在处理"),
    "in_hand_more": ("We will write to you as soon as we have news.", "有进展我们会立即回复您。"),
    "answered": ("We have answered", "我们已回复"),
    "answered_more": (
        "Please check your mailbox, and answer there if you have more questions.",
        "请查看您的邮箱，如有疑问请直接回复。",
    ),
    "asleep": ("Waiting for the next step", "等待下一步"),
    "asleep_more": ("We will continue by ourselves; you need not write again.", "我们会主动跟进，您无需再次来信。"),
    "asleep_until": ("We will continue {at}.", "我们将于 {at} 继续处理。"),
    "closed": ("Closed", "已结束"),
    "closed_more": (
        "If you have more questions, answer our last message and we will continue.",
        "如仍有问题，请回复我们的最后一封信，我们会继续处理。",
    ),
    "since": ("Received", "收到时间"),
    "last_change": ("Last change", "最近更新"),
    "answers_sent": ("Answers from us", "我们的回复"),
    "private_hint": (
        "This page never shows the text of messages. It updates by itself.",
        "为保护隐私，本页不显示任何往来内容。页面会自动更新。",
    ),
    "rate_title": ("How did we do?", "您对这次服务满意吗？"),
    "rate_lead": ("From 1 (badly) to 5 (very well)", "1 分（不满意）到 5 分（很满意）"),
    "rate_word": ("A word, if you like", "想说的话（可不填）"),
    "rate_send": ("Send", "提交"),
    "rated": ("Thank you. You gave {score} of 5.", "谢谢！您的评分：{score} 分（满分 5 分）。"),
    "help_lead": ("Answers that help without waiting.", "无需等待，这里就有答案。"),
    "not_helped": ("That did not help? Write to us.", "没有解决？联系我们。"),
    "search_help": ("Describe your question", "描述您的问题"),
    "search": ("Search", "查找"),
    "stale_link": ("This link is not valid", "链接无效"),
    "stale_link_more": (
        "It is mistyped, or it has expired. Please write to us, and we will send a new one.",
        "链接不完整或已过期。请联系我们，我们会发送新的链接。",
    ),
}


@dataclass(frozen=True, slots=True)
class CustomerWords:
    """The phrases of one language; a key that is missing here comes from the desk's phrases."""

    language: Language

    def __call__(self, key: str, **values: object) -> str:
        """Return the phrase for `key`."""
        if key not in WORDS:
            return Words(self.language)(key, **values)
        english, chinese = WORDS[key]
        return (chinese if self.language == "zh" else english).format(**values)
