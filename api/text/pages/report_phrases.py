"""Phrases of the supervisor's comparison, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Key: English, Chinese. `{...}` is filled in.
REPORT_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "report": ("Comparison", "对比分析"),
    "compare_by": ("Compare by", "对比维度"),
    "by_team": ("Team", "团队"),
    "by_agent": ("Agent", "客服"),
    "by_channel": ("Channel", "渠道"),
    "by_category": ("Category", "类别"),
    "group_none": ("none", "无"),
    "last_days": ("{days} days", "近 {days} 天"),
    "report_cut": (
        "Not all cases of this period were read; choose fewer days.",
        "数据过多，未全部读取，请缩短日期范围。",
    ),
    "backlog_now": ("Backlog at the end", "期末积压"),
    "sla_kept": ("SLA kept so far", "服务时效未超时"),
    "reopen_rate": ("Reopen rate", "重新打开率"),
    "report_backlog": ("Backlog by age", "积压（按等待天数）"),
    "report_replies": ("First reply, minutes", "首次响应时长（分钟）"),
    "report_hours": ("When cases arrive", "来信时段"),
    "report_groups": ("Compared", "分组对比"),
    "age_1": ("up to 1 day", "1 天内"),
    "age_3": ("1 to 3 days", "1 至 3 天"),
    "age_7": ("3 to 7 days", "3 至 7 天"),
    "age_more": ("over 7 days", "7 天以上"),
    "report_opened": ("Opened", "新会话"),
    "report_reply_median": ("First reply, median", "首次响应时长中位数"),
    "report_reply_ninetieth": ("First reply P90", "首次响应时长 P90"),
    "report_resolve_median": ("Resolved after, median", "解决时长中位数"),
    "report_promised": ("With SLA", "有服务时效"),
    "report_broken": ("SLA broken", "超时"),
    "report_kept": ("SLA kept so far", "未超时率"),
    "report_called": ("Emergencies", "紧急会话数"),
    "report_confirmed": ("confirmed", "确认"),
    "report_released": ("released", "解除"),
    "report_resolved": ("Resolved", "已解决"),
    "report_reopened": ("Reopened", "重新打开"),
    "report_ratings": ("Ratings", "评价数"),
    "report_csat": ("CSAT", "满意度"),
    "weekday": ("Weekday", "星期"),
    "weekday_0": ("Mon", "周一"),
    "weekday_1": ("Tue", "周二"),
    "weekday_2": ("Wed", "周三"),
    "weekday_3": ("Thu", "周四"),
    "weekday_4": ("Fri", "周五"),
    "weekday_5": ("Sat", "周六"),
    "weekday_6": ("Sun", "周日"),
}
