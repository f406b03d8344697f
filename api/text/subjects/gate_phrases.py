"""Phrases of what gates bring: changed messages, files that come later, calls; in English and in Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Key: English, Chinese. `{...}` is filled in.
GATE_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "edited": ("edited by its author", "已被发送者修改"),
    "withdrawn": ("taken back by its author", "已被发送者撤回"),
    "ask_private": ("Ask for a private message", "请客户私信"),
    "public_answer": (
        "Public: anybody can read this answer. Write no details of the customer here.",
        "公开渠道：任何人都能看到此回复，请勿写客户的个人信息。",
    ),
    "send_in_public": ("Answer in public", "公开回复"),
    "file_awaited": ("being fetched", "正在获取"),
    "file_forbidden": ("not fetched: its address is not allowed", "未获取：该地址不被允许"),
    "file_large": ("not fetched: it is too large", "未获取：文件过大"),
    "file_refused": ("its host does not give it out", "文件所在服务器拒绝提供"),
    "file_changed": ("not kept: its bytes are not the announced ones", "未保存：文件内容与声明不符"),
    "file_unreached": ("its host did not answer for a day", "文件所在服务器一天内未响应"),
    "point_verified": ("verified by the channel", "渠道已验证"),
    "point_unverified": ("not verified", "未验证"),
    "phone_calls": ("Calls", "电话"),
    "call_lead": (
        "Look up who calls, then note what was said. The note becomes part of the customer's case.",
        "先查找来电客户，再记录通话内容。记录会归入该客户的会话。",
    ),
    "call_number": ("Caller's number", "来电号码"),
    "call_number_hint": ("in any format; leave empty if withheld", "任意写法；号码隐藏时留空"),
    "call_look_up": ("Look up", "查找"),
    "call_cases": ("Cases of {number}", "{number} 的会话"),
    "call_no_cases": ("No case of this number yet.", "该号码暂无会话。"),
    "call_kind": ("Kind of call", "通话类型"),
    "call_kind_in": ("They called", "来电"),
    "call_kind_out": ("We called", "去电"),
    "call_kind_missed": ("Missed call", "未接来电"),
    "call_kind_callback": ("Wants a call back", "请求回电"),
    "call_minutes": ("Minutes", "时长（分钟）"),
    "call_hotline": ("Hotline", "热线"),
    "call_text": ("What was said", "通话内容"),
    "call_waits": ("The customer still waits for an answer", "客户仍在等待答复"),
    "call_save": ("Save the note", "保存记录"),
    "call_noted": (
        "The note is stored; it stands in the customer's case in a moment.",
        "记录已保存，稍后会出现在客户的会话中。",
    ),
    "call_backs": ("Call back", "待回电"),
    "call_backs_hint": (
        "A caller id can be forged: confirm no identity by it. The note of your call takes a number off this list.",
        "来电号码可以伪造，不能据此确认身份。保存去电记录后，该号码会从列表中移除。",
    ),
    "call_backs_more": (
        "More numbers wait; the list shows the first {count}.",
        "还有更多号码待回电，这里只列出前 {count} 个。",
    ),
    "call_back_request": ("Asked for a call back", "请求回电"),
    "call_back_voicemail": ("Voicemail", "语音留言"),
    "call_back_missed": ("Missed call", "未接来电"),
    "call_back_calls": ("{count} calls", "来电 {count} 次"),
    "call_backs_settled": ("Dealt with in the last 24 hours", "24 小时内已处理"),
    "call_back_danger": ("Emergency", "紧急"),
    "call_back_note": ("Note my call", "记录去电"),
    "call_back_number": (
        "A call is answered by a call. Call back, then note what was said:",
        "来电请回拨，通话后记录内容：",
    ),
    "call_back_withheld": (
        "The caller withheld the number, so no call back is possible. Leave a note.",
        "来电号码已隐藏，无法回拨；请写备注。",
    ),
    "call_back_done": ("Done", "已处理"),
    "call_back_done_of": ("Done: call back {number}", "已处理：回电 {number}"),
    "sound_play": ("Listen to {name}", "播放 {name}"),
    "call_bad_number": ("This is no telephone number.", "这不是有效的电话号码。"),
    "call_empty": ("Write what was said, in at most 20,000 characters.", "请填写通话内容（不超过 20,000 字）。"),
}
