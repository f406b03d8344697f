"""The phrases of one conversation: its messages, files and facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Key: English, Chinese. `{...}` is filled in.
CONVERSATION_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "is_replying": ("{names} is replying", "{names} 正在回复"),
    "is_reading": ("{names} is looking at this", "{names} 正在查看"),
    "news_arrived": ("Something new has arrived. Your text is kept.", "有新内容，你的文字已保留。"),
    "forged": ("The sender is forged.", "发件人系伪造。"),
    "forged_more": (
        "The owner of this address did not write this. Do nothing that it asks for; a reply goes to the owner.",
        "该邮件并非由该地址的主人发出：请勿按其要求操作；在此回复只会发给该地址的主人。",
    ),
    "forged_points_at": ("The case that it pointed at", "其所指的会话"),
    "proof_failed": ("forged sender", "发件人系伪造"),
    "proof_unproven": ("sender not verified", "发件人未验证"),
    "merged_into": ("Merged: its messages are in another conversation now.", "已合并：消息已移至另一会话。"),
    "merged_open": ("Open that one", "打开该会话"),
    "still_missing": ("Still missing", "还缺少"),
    "others": ("This customer's other conversations", "该客户的其他会话"),
    "similar": ("Others wrote the same", "类似会话"),
    "language": ("Language", "语言"),
    "route": ("Route", "分派规则"),
    "sla": ("Promise", "服务时效"),
    "assignee": ("Assignee", "负责人"),
    "labels": ("Labels", "标签"),
    "reference": ("Reference", "编号"),
    "opened": ("Opened", "创建于"),
    "closed_itself": ("Closed by itself", "自动关闭"),
    "closed_no_question": ("The customer only greeted and wrote no more", "客户仅打招呼，之后未说明问题"),
    "closed_no_answer": ("The customer did not answer us", "客户一直未回复"),
    "first_reply": ("First reply", "首次响应"),
    "next_reply": ("Next reply", "后续响应"),
    "resolve": ("Resolution", "解决"),
    "first_reply_due": ("First reply due", "首次响应截止"),
    "next_reply_due": ("Next reply due", "后续响应截止"),
    "resolve_due": ("Resolution due", "解决截止"),
    "linked": ("May belong to an older conversation", "可能与更早的会话有关"),
    "you": ("Desk", "客服"),
    "quoted": ("Quoted text", "引用内容"),
    "html": ("As the sender designed it", "按原格式显示"),
    "html_hint": ("nothing is loaded from elsewhere", "不会加载任何外部内容"),
    "html_frame": ("Formatted message", "带格式的消息"),
    "files": ("Files", "附件"),
    "download": ("Download {name}", "下载 {name}"),
    "original": ("Original", "原始内容"),
    "original_hint": ("unmasked: handle with care", "未脱敏，请谨慎处理"),
    "why": ("Why it is here", "分派依据"),
    "message_more": ("Why it was handled so, and more", "处理依据与更多操作"),
    "why_this": ("Why this message was handled so", "这条消息的处理依据"),
    "facts": ("Facts", "基本信息"),
    "picture_open": ("Open the picture {name}", "打开图片 {name}"),
    "picture_close": ("Close", "关闭"),
    "picture_tab": ("Open in a tab of its own", "在新标签页打开"),
    "remote_show": ("Show the pictures from elsewhere", "显示外部图片"),
    "remote_hint": (
        "The desk fetches them, without a referrer or cookies; their sender still learns that the mail was read.",
        "由本系统代为获取，不带来源和 Cookie；但发件人会知道邮件已被查看。",
    ),
}
