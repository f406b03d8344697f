"""The phrases of emergencies and possible danger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Key: English, Chinese. `{...}` is filled in.
DANGER_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "confirm_emergency": ("It is one", "确认紧急"),
    "release_emergency": ("False alarm", "解除：误报"),
    "possible_danger": ("Possible danger", "可能紧急"),
    "is_in_danger": ("Is this customer in danger?", "可能紧急，请先判断：客户的账户或资金有危险吗？"),
    "not_paged": (
        "Not certain enough to call the team. Read the message, then decide.",
        "把握不足，尚未呼叫值班。请看完消息再判断。",
    ),
    "danger_percent": ("danger: {percent} % likely", "紧急的可能性：{percent}%"),
    "seems_about": ("looks like: {category}", "像是：{category}"),
    "page_team": ("Yes, it is an emergency: call the team", "是紧急，呼叫值班"),
    "deny_danger": ("No, an ordinary case", "不是，按普通会话处理"),
    "called_at": ("The team was called {at}; no one has confirmed yet.", "{at} 已呼叫值班，尚无人确认。"),
    "called_answered": (
        "The team was called {at}; {name} answered the customer {answered}. Still to say: is it an emergency?",
        "{at} 已呼叫值班，{name} 已于 {answered} 答复客户。请确认紧急，或按误报解除。",
    ),
    "colleague_on": ("a colleague (by {channel})", "{channel} 上的同事"),
    "went_on": (
        "Not confirmed in time: it went on to {to} {at} (step {number}).",
        "未及时确认，{at} 已转呼 {to}（第 {number} 次）。",
    ),
    "went_nowhere": (
        "Not confirmed in time, and no one else was there {at} (step {number}).",
        "未及时确认，{at} 转呼时无人在岗（第 {number} 次）。",
    ),
    "done_confirm": ("Confirmed as an emergency.", "已确认为紧急。"),
    "judged_confirm": ("Confirmed by {name}", "{name} 已确认紧急"),
    "judged_release": ("Released by {name}", "{name} 已解除紧急"),
    "done_release_emergency": ("Released: no emergency.", "已解除紧急，按普通会话处理。"),
    "done_page": ("The team is called; confirmed as an emergency.", "已呼叫值班，并确认为紧急。"),
    "done_deny": ("No danger: an ordinary case.", "已判断为不紧急，按普通会话处理。"),
    "emergency": ("Emergency", "安全紧急"),
}
