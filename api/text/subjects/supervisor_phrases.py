"""The phrases of the supervisor's page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Key: English, Chinese. `{...}` is filled in.
SUPERVISOR_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "from_day": ("From", "从"),
    "to_day": ("To", "到"),
    "opened_cases": ("Conversations opened", "新会话数"),
    "median_reply": ("First reply, median", "首次响应时长中位数"),
    "ninetieth_reply": ("First reply, 90th percentile", "首次响应时长 P90"),
    "called_and_judged": ("Emergencies (confirmed / released)", "紧急会话数（确认 / 解除）"),
    "called": ("Emergencies called", "紧急会话数"),
    "confirmed": ("Emergencies confirmed", "确认紧急"),
    "released": ("Emergencies released", "解除紧急"),
    "false_pages": ("False alarms per 1,000 messages", "每千条消息误报次数"),
    "false_pages_exceeded": (
        "Too many false alarms in 7 days: {released} in {messages} messages, {rate} per 1,000; the bound is {bound}.",
        "近 7 天误报过多：{messages} 条消息误呼值班 {released} 次，每千条 {rate} 次，上限 {bound} 次。",
    ),
    "held": ("Held until opening", "非服务时间待处理"),
    "let_in": ("Let in by the second look", "复查升级为紧急"),
    "volume_by_channel": ("Conversations by day and channel", "每日会话（按渠道）"),
    "volume_by_category": ("Conversations by day and category", "每日会话（按类别）"),
    "chart_others": ("all others", "其他"),
    "highest": ("highest day: {number}", "单日最高：{number}"),
    "as_table": ("As a table", "表格"),
    "day": ("Day", "日期"),
    "nothing_then": ("Nothing in these days.", "这段时间没有数据。"),
    "reply_times": ("First replies", "首次响应时长"),
    "answered": ("answered", "已回复"),
    "promises": ("Promises", "服务时效"),
    "number": ("number", "数量"),
    "kept": ("kept so far", "未超时"),
    "broken": ("broken", "超时"),
    "load": ("Agents' load", "客服负荷"),
    "agent": ("Agent", "客服"),
    "takes_work": ("Takes work", "接单"),
    "capacity": ("Capacity", "接单上限"),
}
