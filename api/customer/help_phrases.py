"""The phrases of the help centre and of the page behind an automatic answer, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Key: English, Chinese. `{...}` are filled in.
HELP_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "all_topics": ("All topics", "全部主题"),
    "topics": ("Topics", "主题"),
    "own_page": ("Open this answer on its own page", "单独打开本答案"),
    "was_it_helpful": ("Did this help?", "这个回答有帮助吗？"),
    "yes_helpful": ("Yes", "有帮助"),
    "no_helpful": ("No", "没帮助"),
    "thanks_for_verdict": ("Thank you for telling us.", "感谢您的反馈。"),
    "holds_from": ("Valid from {day}", "自 {day} 起有效"),
    "holds_until": ("Valid until {day}", "有效期至 {day}"),
    "withdrawn": ("This answer was withdrawn", "该回答已撤下"),
    "withdrawn_more": (
        "It does not hold any more. The other answers of this topic may help.",
        "该回答已不再适用，您可以查看同一主题的其他回答。",
    ),
    "no_such_topic": ("There are no answers on this topic.", "该主题暂无回答。"),
    "given_title": ("Our automatic answer", "我们的自动回答"),
    "given_lead": ("You received an automatic answer. Did it help?", "您收到了系统自动回答，问题解决了吗？"),
    "that_answers_it": ("That answers it", "已解决"),
    "want_person": ("I want a person", "转人工"),
    "said_fits": ("Thank you. If you have another question, just write to us.", "感谢反馈，如有其他问题请联系我们。"),
    "said_person": (
        "A person will read your message. You keep your place in the queue; you need not write again.",
        "客服会阅读您的留言。您的排队位置不变，无需再次留言。",
    ),
}
