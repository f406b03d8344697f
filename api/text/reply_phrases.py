"""The phrases about replies: their length, planned ones, and why one is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Key: English, Chinese. `{...}` is filled in.
REPLY_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "refused_empty": ("Not sent: the text shows nothing.", "未发送：没有可见的文字。"),
    "refused_too_long": (
        "Not sent: the text has {length} characters; this channel takes at most {longest}.",
        "未发送：文字长度为 {length}，此渠道最多 {longest}。",
    ),
    "refused_planned": (
        "Not resolved: a reply is planned for later. Choose whether it is still sent.",
        "未解决：有一条定时回复。请选择是否仍然发送。",
    ),
    "planned_reply": ("Planned reply", "定时回复"),
    "planned_choose": ("choose", "请选择"),
    "planned_send": ("send it as planned", "按时发送"),
    "planned_cancel": ("do not send it", "不再发送"),
    "done_waits": ("The answer leaves in {seconds} s.", "回复将在 {seconds} 秒后发出。"),
    "done_left": ("The answer is on its way.", "回复已发出。"),
    "done_taken_back": ("Taken back; the text is in the answer box.", "已撤回，文字在回复框中。"),
    "take_back": ("Undo send", "撤回"),
    "send_resolve": ("Send and resolve", "发送并解决"),
    "waits_for_undo": ("leaves in a few seconds", "几秒后发出"),
    "text_length": ("{count} of {longest} characters", "{count} / {longest} 字"),
}
