"""The phrases about ready texts and macros."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Key: English, Chinese. `{...}` is filled in.
READY_TEXT_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "ready_texts": ("Ready texts", "常用回复"),
    "ready_texts_lead": (
        "Agents find them by “/” in the answer box. A macro has actions, too, and does all with one press.",
        "客服在回复框中输入“/”即可查找。快捷操作除文字外还带操作，一次完成。",
    ),
    "ready_find": ("Find", "查找"),
    "ready_no_folder": ("Without a folder", "未分文件夹"),
    "ready_automatic": ("Automatic replies", "自动回复"),
    "ready_none": ("There is no ready text yet. Write the first one.", "还没有常用回复，请先写第一条。"),
    "ready_new": ("New ready text", "新建常用回复"),
    "ready_edit": ("Change ready text", "修改常用回复"),
    "ready_delete": ("Delete", "删除"),
    "ready_save": ("Save", "保存"),
    "ready_title": ("Title", "标题"),
    "ready_folder": ("Folder", "文件夹"),
    "ready_code": ("Short code, such as refund", "快捷码，如 tkcl"),
    "ready_team": ("Team", "小组"),
    "ready_all_teams": ("all teams", "所有小组"),
    "ready_text_in": ("Text in {language}", "文字（{language}）"),
    "ready_placeholders": ("Placeholders:", "占位符："),
    "ready_text_refused": (
        "Not saved: it needs a title, and a text or an action.",
        "未保存：需要标题，以及文字或操作。",
    ),
    "ready_menu": ("Find a ready text", "查找常用回复"),
    "ready_menu_keys": (
        "↑ ↓ choose · Enter insert · Tab folder · Esc close",
        "↑ ↓ 选择 · Enter 插入 · Tab 换文件夹 · Esc 关闭",
    ),
    "ready_all": ("All", "全部"),
    "ready_nothing": ("Nothing found", "没有找到"),
    "ready_open": ("Ready texts (/)", "常用回复（/）"),
    "signatures": ("Signatures", "签名"),
    "signatures_lead": (
        "They stand below mail. Placeholders: {{agent}}, {{team}}, {{desk}}, {{reference}}.",
        "显示在邮件末尾，按小组和客户语言选用。占位符：{{agent}}、{{team}}、{{desk}}、{{reference}}。",
    ),
    "display_names": ("Agents' names as customers read them", "客户看到的客服姓名"),
    "language_zh": ("Chinese", "中文"),
    "language_en": ("English", "英文"),
    "macro": ("Macro", "快捷操作"),
    "macros": ("Macros", "快捷操作"),
    "macro_actions": ("Actions of a macro", "快捷操作的内容"),
    "macro_labels": ("Add labels", "添加标签"),
    "macro_status": ("Then the conversation is", "之后会话状态"),
    "macro_take": ("assign it to the agent who uses it", "分配给使用者"),
    "macro_keep": ("no change", "不变"),
    "macro_with": ("With the answer:", "随回复执行："),
    "macro_without": ("Without the actions", "不执行操作"),
    "done_macro": ("Done: {title}.", "已执行：{title}。"),
    "fill_in": ("Fill in {names} before you send.", "发送前请填写 {names}。"),
    "refused_unfilled": ("Not sent: fill in {names} first.", "未发送：请先填写 {names}。"),
}
