"""The phrases about replies: their length, planned ones, drafts, ready texts, and why one is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from api.text.draft_phrases import DRAFT_WORDS
from api.text.ready_text_phrases import READY_TEXT_WORDS

# Key: English, Chinese. `{...}` is filled in.
REPLY_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    **DRAFT_WORDS,
    **READY_TEXT_WORDS,
    "refused_empty": ("Not sent: the text shows nothing.", "未发送：没有可见的文字。"),
    "refused_too_long": (
        "Not sent: the text has {length} characters; this channel takes at most {longest}.",
        "未发送：文字长度为 {length}，此渠道最多 {longest}。",
    ),
    "refused_planned": (
        "Not resolved: a reply is planned for later. Choose whether it is still sent.",
        "未解决：有一条定时回复。请选择是否仍然发送。",
    ),
    "planned_reply": ("Planned reply", "定时回复"),
    "planned_choose": ("choose", "请选择"),
    "planned_send": ("send it as planned", "按时发送"),
    "planned_cancel": ("do not send it", "不再发送"),
    "done_waits": ("The answer leaves in {seconds} s.", "回复将在 {seconds} 秒后发出。"),
    "done_left": ("The answer is on its way.", "回复已发出。"),
    "done_taken_back": ("Taken back; the text is in the answer box.", "已撤回，文字在回复框中。"),
    "take_back": ("Undo send", "撤回"),
    "send_resolve": ("Send and resolve", "发送并解决"),
    "not_sent_text": ("The text that was not sent", "未发送的文字"),
    "waits_for_undo": ("leaves in a few seconds", "几秒后发出"),
    "refused_no_recipient": ("Not sent: who gets it? Write an address.", "未发送：请填写收件地址。"),
    "cc": ("Cc", "抄送"),
    "bcc": ("Bcc", "密送"),
    "cc_bcc": ("Cc, Bcc", "抄送、密送"),
    "reply_all": ("Answer to all", "回复全部"),
    "forward": ("Forward", "转发"),
    "forward_to": ("Forward to", "转发给"),
    "forward_send": ("Forward the last message", "转发最近一条消息"),
    "forward_files": ("with its files", "连同附件"),
    "forwarded_to": ("Forwarded to {address}", "已转发给 {address}"),
    "sent_to": ("To {address}", "发给 {address}"),
    "done_forward": ("Forwarded.", "已转发。"),
    "with_signature": ("Signature", "签名"),
    "with_quote": ("Quote the message below", "在下方引用客户来信"),
    "bold": ("Bold", "加粗"),
    "list": ("List", "列表"),
    "link": ("Link", "链接"),
    "link_address": ("Address of the link", "链接地址"),
    "plain_channel": (
        "This channel carries text alone: no bold, lists, links or files.",
        "此渠道只支持文字，不支持加粗、列表、链接和附件。",
    ),
    "attach": ("Attach files", "添加文件"),
    "attach_limit": ("{used} of {most} MB", "附件 {used} / {most} MB"),
    "attach_drop": ("Drop files or paste a picture", "可拖放文件或粘贴图片"),
    "attach_remove": ("Remove {name}", "移除 {name}"),
    "refused_file": ("Not attached: all files of an answer may have {most} MB.", "未添加：附件总计不超过 {most} MB。"),
    "no_file": ("Not attached: choose a file.", "未添加：请选择文件。"),
    "new_mail": ("New message", "写新邮件"),
    "new_mail_to": ("Customer's address", "客户邮箱"),
    "new_mail_name": ("Customer's name", "客户姓名"),
    "new_mail_subject": ("Subject", "主题"),
    "new_mail_text": ("Text", "正文"),
    "new_mail_no_channel": (
        "No mail channel can send: its configuration needs a `send` table.",
        "没有可发信的邮件渠道：请在配置中填写 send。",
    ),
    "text_length": ("{count} of {longest} characters", "{count} / {longest} 字"),
}
