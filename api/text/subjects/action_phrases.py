"""The phrases of the buttons, of what they did and of why one was refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Key: English, Chinese. `{...}` is filled in.
ACTION_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "actions": ("Actions", "操作"),
    "take": ("Take it", "认领"),
    "release": ("Give it back", "取消认领"),
    "assign": ("Assign", "分配"),
    "assign_to": ("Assign to", "分配给"),
    "snooze": ("Snooze", "稍后处理"),
    "snooze_until": ("Until", "暂缓至"),
    "in_1_hour": ("1 hour", "1 小时后"),
    "in_4_hours": ("4 hours", "4 小时后"),
    "at_opening": ("next opening", "服务开始后"),
    "tomorrow": ("tomorrow 9:00", "明天 9:00"),
    "monday": ("Next Monday 9:00", "下周一 9:00"),
    "do_resolve": ("Resolve", "解决"),
    "do_reopen": ("Reopen", "重新打开"),
    "set": ("Set", "保存"),
    "add": ("Add", "添加"),
    "remove_label": ("Remove label {label}", "移除标签 {label}"),
    "none_of_ours": ("none of ours", "不属于业务范围"),
    "correct_category": ("Correct category", "更正类别"),
    "move_to_team": ("Move to team", "转给团队"),
    "undo": ("Undo", "撤销"),
    "done_take": ("It is yours.", "已由你负责。"),
    "done_release": ("Given back.", "已取消认领。"),
    "done_assign": ("Assigned to {assignee}.", "已分配给 {assignee}。"),
    "done_snooze": ("Snoozed until {until}.", "已暂缓至 {until}。"),
    "done_resolve": ("Resolved.", "已解决。"),
    "done_reopen": ("Open again.", "已重新打开。"),
    "done_pending": ("Waiting for the customer.", "等待客户回复。"),
    "done_team": ("Moved to {team}.", "已转给 {team}。"),
    "done_priority": ("Priority changed.", "优先级已更改。"),
    "done_category": ("Category corrected; the classifier learns from it.", "类别已更正，后续识别会据此改进。"),
    "done_label": ("Labelled: {labels}.", "已添加标签：{labels}。"),
    "done_unlabel": ("Label removed: {labels}.", "已移除标签：{labels}。"),
    "done_reply": ("The answer is on its way.", "回复正在发送。"),
    "done_later": ("The answer leaves {at}.", "回复将于 {at} 发出。"),
    "done_note": ("Noted.", "备注已保存。"),
    "done_cancel": ("It does not leave.", "已取消发送。"),
    "done_undo": ("Undone.", "已撤销。"),
    "refused_conflict": ("Not done: something has changed since you read it.", "操作未完成：在你查看之后有了变化。"),
    "refused_stale": ("Not done: the conversation has moved on.", "操作未完成：会话已有更新。"),
    "refused": ("Not done.", "操作未完成。"),
    "refused_invalid": ("Something in the form is not as it should be.", "表单内容有误。"),
    "look_new": ("What is new is marked below. Look at it, then decide again.", "新内容已在下方标出，请查看后再操作。"),
    "is_new": ("new", "新"),
}
