"""Phrases of the palette and of the sheet of keys, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Key: English, Chinese. `{...}` is filled in.
KEY_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "palette": ("Search or run a command", "搜索或执行命令"),
    "palette_go": ("Go to", "前往"),
    "palette_do": ("Commands", "命令"),
    "palette_rows": ("In this list", "当前列表"),
    "palette_search": ("Search everywhere for “{words}”", "在全部会话中搜索“{words}”"),
    "palette_none": ("Nothing found with this name.", "没有匹配的命令或会话"),
    "palette_keys": ("All keys", "查看全部快捷键"),
    "palette_choose": ("choose", "选择"),
    "palette_open": ("open", "打开"),
    "palette_tab": ("in a new tab", "在新标签页打开"),
    "keys_title": ("Keys", "快捷键"),
    "keys_close": ("Close", "关闭"),
    "keys_move": ("Moving", "移动"),
    "keys_case": ("The conversation", "处理会话"),
    "keys_write": ("Writing", "写回复"),
    "key_next": ("next, previous", "下一个 / 上一个"),
    "key_open": ("open", "打开"),
    "key_back": ("back to the list", "返回列表"),
    "key_palette": ("search and commands", "搜索与命令"),
    "key_search": ("search field", "搜索框"),
    "key_filter": ("filters of the list", "筛选列表"),
    "key_go": ("go to: mine, unassigned, open, emergencies, overdue", "前往：我的 / 未分配 / 待处理 / 紧急 / 已超时"),
    "key_go_more": (
        "go to: awaiting customer, snoozed, resolved, all, notices",
        "前往：等待客户回复 / 已暂缓 / 已解决 / 全部 / 通知",
    ),
    "key_pick": ("select the row", "选中该行"),
    "key_new": ("new message", "写新邮件"),
    "key_help": ("this sheet", "本页"),
    "key_reply": ("reply", "回复"),
    "key_ask": ("ask for what is missing", "追问缺少的信息"),
    "key_note": ("internal note", "内部备注"),
    "key_take": ("take", "认领"),
    "key_take_next": ("take, and show the next", "认领并看下一个"),
    "key_assign": ("assign", "分配"),
    "key_resolve": ("resolve", "解决"),
    "key_reopen": ("reopen, or back to open", "重新打开或转回待处理"),
    "key_snooze": ("snooze, then the choice", "暂缓，再选时间"),
    "key_label": ("label", "标签"),
    "key_priority": ("priority", "优先级"),
    "key_confirm": ("confirm the emergency", "确认紧急"),
    "key_not_ours": ("not for us: resolve it", "不属于业务范围，直接解决"),
    "key_undo": ("undo", "撤销"),
    "key_send": ("send", "发送"),
    "key_send_resolve": ("send and resolve", "发送并解决"),
    "key_send_chat": ("send, in a chat", "发送（聊天中）"),
    "key_line_chat": ("new line, in a chat", "换行（聊天中）"),
    "key_ready": ("ready texts, on an empty line or after a blank", "常用回复（空行或空格后）"),
    "key_leave": ("leave the text box; the text stays", "离开输入框，内容保留"),
}
