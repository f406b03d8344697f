"""The phrases of the visitors' chat in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from api.text.blanks import fill
from api.text.phrases import Language, phrase_in

# Key: English, Chinese. `{...}` are filled in.
CHAT_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "demo": ("A page of yours", "您的网站页面"),
    "demo_lead": (
        "This page embeds the chat with one script tag, as your own pages do.",
        "此页面像您的网站一样，用一个脚本标签嵌入在线客服。",
    ),
    "title": ("Online chat", "在线客服"),
    "log": ("Messages", "聊天记录"),
    "subtitle_new": ("Write to us", "请问有什么可以帮您？"),
    "subtitle_waiting": ("You are in the queue", "正在为您排队"),
    "subtitle_received": ("We have your message", "已收到您的消息"),
    "subtitle_received_closed": ("We have your message. We open {at}.", "已收到您的消息，{at} 开始服务"),
    "subtitle_open": ("We are here for you", "正在为您服务"),
    "subtitle_agent": ("{name} is here for you", "{name} 正在为您服务"),
    "subtitle_closed": ("Closed now. We open {at}.", "现在休息，{at} 开始服务"),
    "subtitle_closed_long": ("Closed now.", "现在休息"),
    "subtitle_ended": ("The chat has ended", "聊天已结束"),
    "reference": ("Reference {reference}", "编号 {reference}"),
    "minimise": ("Minimise", "收起"),
    "sound": ("A sound for each answer", "收到回复时播放提示音"),
    "end": ("End", "结束"),
    "your_name": ("Your name", "您的称呼"),
    "your_email": ("Your mail address", "邮箱"),
    "message": ("Message", "消息"),
    "what_happened": ("What happened?", "遇到了什么问题"),
    "add_files": ("Add pictures or files", "添加图片或文件"),
    "send": ("Send", "发送"),
    "send_form": ("Send the message", "提交留言"),
    "leave_empty": ("Leave this empty", "请留空"),
    "fine": ("Never send passwords or codes: we do not ask for them.", "请勿发送密码或短信验证码，我们不会索要"),
    "closed_lead": (
        "Leave a message. We answer to your mail address after we open: {at}.",
        "请留言，{at} 开始服务后我们按顺序回复到您的邮箱。",
    ),
    "closed_words": ("We are closed now and open again {at}.", "现在是非服务时间，{at} 开始服务。"),
    "danger": (
        "Is it an emergency? Write it here: we look at it day and night.",
        "紧急情况请直接写在这里，全天 24 小时有人处理。",
    ),
    "no_agents": (
        "No colleague is here at the moment. Leave your mail address, and the answer comes there too.",
        "暂时没有客服在线。请留言并留下邮箱，客服上线后回复您，回复也会发到邮箱。",
    ),
    "no_agents_wait": (
        "No colleague is here at the moment. Write to us; the answer comes here.",
        "暂时没有客服在线。请先留言，客服上线后会在这里回复您。",
    ),
    "busy": (
        "All colleagues are in conversations now. Waiting before you: {ahead}.",
        "客服都在接待中，前面还有 {ahead} 位在等候。",
    ),
    "place_lead": ("Your place in the queue", "您排在"),
    "place": ("{place}", "第 {place} 位"),
    "wait": ("about {minutes} min", "预计等候约 {minutes} 分钟"),
    "keep_place": ("You may close this page; your place is kept for 10 minutes.", "可以关闭此页，排队位置保留 10 分钟"),
    "by_mail_lead": ("You do not want to wait?", "不想等？"),
    "by_mail": ("Answer by mail", "改为邮件回复"),
    "by_mail_done": ("Answers that you do not read here go to {email}.", "未读的回复会发到 {email}。"),
    "typing": ("{name} is typing", "{name} 正在输入"),
    "sending": ("Sending", "发送中"),
    "sent": ("Sent", "已送达"),
    "read": ("Read", "已读"),
    "waits": ("Goes out by itself once you are online; never twice", "联网后自动发送，不会重复"),
    "not_sent": ("Not sent", "没有发送"),
    "again": ("Try again", "重试"),
    "masked": ("Hidden for your safety", "敏感信息已自动遮盖"),
    "mailed": ("Also sent by mail", "也已发送到邮箱"),
    "offline": ("Connection lost, trying again", "网络已断开，正在重连"),
    "warned": ("This chat ends soon because nothing is written.", "长时间没有新消息，聊天即将结束。"),
    "blocked": ("You cannot write here at the moment.", "您暂时无法在此发送消息。"),
    "rate_lead": ("How did we do?", "这次服务怎么样？"),
    "score_1": ("very bad", "很差"),
    "score_2": ("bad", "较差"),
    "score_3": ("fair", "一般"),
    "score_4": ("good", "满意"),
    "score_5": ("very good", "很满意"),
    "rate_word": ("A word, if you like", "想补充的话（选填）"),
    "rate": ("Send the rating", "提交评价"),
    "rated": ("Thank you for your rating.", "感谢您的评价。"),
    "transcript": ("Send me this chat by mail", "把聊天记录发到我的邮箱"),
    "transcript_done": ("The transcript is on its way to {email}.", "聊天记录将发送到 {email}。"),
    "you": ("You", "您"),
    "desk": ("Support", "客服"),
    "automatic": ("Automatic reply", "自动回复"),
    "reload": ("Reload to see new messages", "刷新查看新消息"),
    "unread": ("{count} new", "{count} 条新消息"),
    # Notices: a line of the chat names one of these.
    "joined": ("{name} has joined the chat", "{name} 加入聊天"),
    "handed": ("You are handed over to {name}", "已为您转接到 {name}"),
    "resumed": ("{name} goes on with the chat", "{name} 继续了聊天"),
    "ended_agent": ("{name} has ended the chat", "{name} 结束了聊天"),
    "ended_desk": ("The chat has ended", "聊天已结束"),
    "ended_visitor": ("You have ended the chat", "您结束了聊天"),
    "ended_idle": ("The chat has ended because nothing was written", "长时间没有新消息，聊天已结束"),
    "ended_hours": ("The chat has ended because we are closed now", "服务时间已过，聊天已结束"),
    # Refusals.
    "too-many-requests": ("That was a lot at once. Please wait a minute.", "发送过于频繁，请稍等一分钟。"),
    "too-large": ("There are too many files, or they are too large.", "附件太多或太大。"),
    "forbidden": ("You cannot write here at the moment.", "您暂时无法在此发送消息。"),
    "unauthenticated": (
        "This chat is over on this device. Begin a new one.",
        "此设备上的聊天已失效，请重新开始。",
    ),
    "invalid": ("Please check your text and your mail address.", "请检查内容和邮箱地址。"),
    "unavailable": ("This does not work at the moment. Your text is kept.", "暂时无法发送，您的文字已保留。"),
}

# What the script shows by itself.
_FOR_SCRIPT: Final = tuple(name for name in CHAT_WORDS if not name.startswith(("leave_", "reload", "demo")))


@dataclass(frozen=True, slots=True)
class ChatWords:
    """The phrases of one language."""

    language: Language

    def __call__(self, key: str, **values: object) -> str:
        """Return the phrase for `key`; an unknown key is returned as it is."""
        return fill(phrase_in(self.language, CHAT_WORDS.get(key, (key, key))), values)

    def for_script(self) -> dict[str, str]:
        """Return the phrases that the page's script shows, with their `{...}`."""
        return {key: phrase_in(self.language, CHAT_WORDS[key]) for key in _FOR_SCRIPT}

    def of_problem(self, slug: str) -> str:
        """Return the sentence for a refused request."""
        return self(slug if slug in CHAT_WORDS else "unavailable")
