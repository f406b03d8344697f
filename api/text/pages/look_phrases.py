"""The phrases of the three panes: the customer at a glance, the tabs of the answer box, previews of files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Key: English, Chinese. `{...}` is filled in.
LOOK_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "answer_modes": ("What to write", "书写方式"),
    "note_tab": ("Note", "内部备注"),
    "note_only_us": ("Colleagues only; @name notifies them", "客户看不到；@ 提及会通知对方"),
    "customer_does_not_see": ("not for the customer", "内部备注，客户看不到"),
    "send_options": ("When and how to send", "发送选项"),
    "contact_since": ("known since {at}", "{at} 首次联系"),
    "timeline_title": ("Conversations of the last 90 days: {count}", "近 90 天会话：{count}"),
    "properties": ("Properties", "会话属性"),
    "preview_of": ("Preview of {name}", "预览 {name}"),
    "preview_hint": ("The file is shown in a frame without any rights.", "文件在没有任何权限的框架中显示。"),
}
