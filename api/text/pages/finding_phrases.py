"""Phrases of the search, of filters and of saved views, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Key: English, Chinese. `{...}` is filled in.
FINDING_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "find_hint": ("Find people, words, files, amounts", "搜索客户、内容、附件、金额"),
    "search_help": (
        "Names, addresses, phone numbers in any writing, words, file names, amounts and references; in every queue.",
        "可搜索姓名、邮箱、任意写法的电话、内容、附件名、金额和编号，覆盖全部队列。",
    ),
    "found_people": ("People", "客户"),
    "found_conversations": ("Conversations", "会话"),
    "found_files": ("Files", "附件"),
    "found_cases_one": ("1 conversation", "1 个会话"),
    "found_cases": ("{count} conversations", "{count} 个会话"),
    "show_all": ("Show all", "查看全部"),
    "all_groups": ("All results", "全部结果"),
    "found_nothing": ("Nothing found for “{words}”.", "没有找到“{words}”。"),
    "found_nothing_hint": (
        "All queues that you may see were searched, resolved ones too. Try fewer words, or a number's last 4 digits.",
        "已搜索你可查看的全部队列，包括已解决的会话。可减少关键词，或只输入手机号后 4 位。",
    ),
    "colon": (": ", "："),
    "remove_filter": ("Remove filter {name} {value}", "移除筛选 {name} {value}"),
    "chip_q": ("Words", "关键词"),
    "chip_team": ("Team", "团队"),
    "chip_assignee": ("Assignee", "负责人"),
    "chip_category": ("Category", "类别"),
    "chip_channel": ("Channel", "渠道"),
    "chip_priority": ("Priority", "优先级"),
    "chip_label": ("Label", "标签"),
    "chip_contact": ("Customer", "客户"),
    "chip_overdue": ("Overdue only", "只看超时"),
    "chip_unassigned": ("Unassigned only", "只看未分配"),
    "chip_unread": ("Unread only", "只看未读"),
    "saved_views": ("Saved views", "已存视图"),
    "save_view": ("Save as a view", "存为视图"),
    "view_name": ("Name", "名称"),
    "view_for": ("For", "可见范围"),
    "view_mine": ("me alone", "仅自己"),
    "delete_view": ("Delete this view", "删除此视图"),
    "done_view": ("View saved.", "视图已保存。"),
    "done_view_deleted": ("View deleted.", "视图已删除。"),
}
