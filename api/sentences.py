"""The brain's reasons in Chinese. It writes them in English, once, into the trace; what is not here stays as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from api.text.phrases import Language

_DAYS: Final = {
    "Monday": "星期一",
    "Tuesday": "星期二",
    "Wednesday": "星期三",
    "Thursday": "星期四",
    "Friday": "星期五",
    "Saturday": "星期六",
    "Sunday": "星期日",
}
# Whole sentences: what the brain writes, and how it is said.
_SENTENCES: Final[Mapping[str, str]] = {
    "nothing points at a known conversation": "没有线索指向已有会话",
    "the sender does not take part in the case pointed at": "来信人不是所指会话的参与者",
    "a new subject on a closed or old case": "旧会话上出现了新主题",
    "our token, and the sender takes part": "含有我们的编号，且来信人是参与者",
    "the message it answers, and the sender takes part": "回复了会话中的消息，且来信人是参与者",
    "a message that quotes it, and the sender takes part": "会话中的消息引用了它，且来信人是参与者",
    "our token": "我们的编号",
    "the message it answers": "所回复的消息",
    "a message that quotes it": "引用它的消息",
    "a person wrote to us": "真人来信",
    "the route sends no reply": "该路由不发送自动回复",
    "old mail is never answered by machine": "历史邮件不自动回复",
    "none of its words is there": "未出现指定词语",
    "emergency is false": "非紧急",
    "emergency is true": "属紧急",
    "its sender is a mail system": "发件人是邮件系统",
    "its sender's address takes no answers": "发件地址不接收回复",
    "its sender's address is one of ours": "发件地址属于我们自己",
    "it bears the mark of our own mail": "带有本系统邮件标记",
    "its subject is that of an absence note": "主题是休假自动回复",
    "its sender has no address": "发件人没有地址",
    "none of our addresses is in To or Cc (RFC 3834 section 2)": "收件人和抄送中没有我们的地址",
}
# Sentences with a hole. A hole may be a sentence itself.
_PATTERNS: Final = tuple(
    (re.compile(pattern), said)
    for pattern, said in (
        (r"no machine answers a machine: (.+)", "不自动答复机器：{}"),
        (r"open, (.+)", "服务中：{}"),
        (r"closed, outside the hours of: (.+)", "休息，不在时段内：{}"),
        (r"closed, no weekly hours on (.+)", "休息：{}不服务"),
        (r"closed, (.+)", "休息：{}"),
        (r"weekly hours of (.+)", "{}的常规时段"),
        (r"public holiday: (.+)", "法定节假日：{}"),
        (r"category is None", "类别未识别"),
        (r"category is (.+)", "类别为 {}"),
        (r"channel is (.+)", "渠道为 {}"),
        (r"language is (.+)", "语言为 {}"),
        (r"origin is (.+)", "来信性质为 {}"),
        (r"(.+) is open", "{} 服务中"),
        (r"(.+) is closed", "{} 已休息"),
    )
)


def said(sentence: str, *, language: Language) -> str:
    """Return the brain's sentence in the reader's language, or as it is where we have no words for it."""
    if language != "zh":
        return sentence
    known = _SENTENCES.get(sentence) or _DAYS.get(sentence)
    if known:
        return known
    for pattern, words in _PATTERNS:
        found = pattern.fullmatch(sentence)
        if found:
            return words.format(*(said(hole, language=language) for hole in found.groups()))
    return sentence
