"""The phrases of the customers' pages in English and Chinese, in plain words without the desk's terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from api.customer.help_phrases import HELP_WORDS
from api.text.blanks import fill
from api.text.phrases import Language, Words

# Key: English, Chinese. `{...}` are filled in.
WORDS: Final[Mapping[str, tuple[str, str]]] = {
    **HELP_WORDS,
    "contact_us": ("Write to us", "联系我们"),
    "help": ("Help", "帮助"),
    "contact_lead": (
        "We answer to your mail address. Never write passwords or one-time codes: we do not ask for them.",
        "我们会回复到您的邮箱。请不要填写密码或验证码，我们不会索取。",
    ),
    "your_name": ("Your name", "您的称呼"),
    "your_email": ("Your mail address", "您的邮箱"),
    "topic": ("What is it about?", "关于什么问题？"),
    "other_topic": ("Something else", "其他问题"),
    "your_message": ("Your message", "留言内容"),
    "message_hint": (
        "Say what happened and when, with the number of the order or the case if there is one: we can help sooner.",
        "请写明经过和时间，如有订单号或编号也请附上，我们可以更快处理。",
    ),
    "files_label": ("Files", "附件"),
    "files_hint": ("At most {files} files, {size} MB together.", "最多 {files} 个，合计不超过 {size} MB。"),
    "send": ("Send", "发送"),
    "leave_empty": ("Leave this empty", "请留空"),
    "may_help": ("This may help at once", "也许这里就有答案"),
    "nothing_found": ("No answer fits yet.", "暂无对应的答案。"),
    "wrong_email": ("Please enter a mail address to which we can answer.", "请填写可以收信的邮箱地址。"),
    "wrong_text": ("Please write between 2 and 20,000 characters.", "请填写 2 到 20000 个字。"),
    "wrong_files": ("There are too many files, or they are too large.", "附件太多或太大。"),
    "wrong_form_new": (
        "That was sent within two seconds, as programs do. Your text is still here: please send it again.",
        "提交过快，尚未发送。您填写的内容仍在，请再点一次“发送”。",
    ),
    "wrong_form_old": (
        "This page was open for too long, and nothing was sent. Your text is still here: please send it again.",
        "页面打开时间过长，尚未发送。您填写的内容仍在，请再点一次“发送”。",
    ),
    "files_again": ("Please choose your files again.", "附件请重新选择。"),
    "wrong_pace": ("You sent too many messages. Please try again in an hour.", "留言过于频繁，请一小时后再试。"),
    "wrong_ask_pace": (
        "You asked a lot of questions at once. Please try again in a minute; all answers are below.",
        "提问过于频繁，请一分钟后再试；全部解答见下方。",
    ),
    "thanks": ("We have your message", "我们已收到您的留言"),
    "thanks_lead": (
        "We will answer to {email}. The link below always shows the status of your case; keep it to yourself.",
        "我们会回复到 {email}。通过下方链接可随时查看进度，请勿转发给他人。",
    ),
    "number_follows": ("follows in a moment", "正在生成，请稍候"),
    "keep_number": (
        "Please name this reference when you call us or write again.",
        "再次联系或来电时，请提供此编号。",
    ),
    "see_status": ("Show the status of my case", "查看处理进度"),
    "your_case": ("Your case", "您的问题"),
    "case_number": ("Reference", "编号"),
    "received": ("Received, being sorted", "已收到，正在分派"),
    "received_more": (
        "Your message is safe with us. It will be with an agent in a moment.",
        "留言已妥善保存，马上转给客服。",
    ),
    "waiting": ("Waiting for an agent", "等待客服处理"),
    "waiting_more": ("Your case is in the queue. Emergencies go first.", "您的问题已在排队，紧急问题优先处理。"),
    "in_hand": ("An agent is working on it", "客服正在处理"),
    "in_hand_more": ("We will write to you as soon as we have news.", "有进展我们会立即回复您。"),
    "answered": ("We have answered", "我们已回复"),
    "answered_more": (
        "Please check your mailbox, and answer there if you have more questions.",
        "请查看您的邮箱，如有疑问请直接回复。",
    ),
    "asleep": ("Waiting for the next step", "等待下一步"),
    "asleep_more": ("We will continue by ourselves; you need not write again.", "我们会主动跟进，您无需再次来信。"),
    "asleep_until": ("We will continue {at}.", "我们将于 {at} 继续处理。"),
    "closed": ("Closed", "已结束"),
    "closed_more": (
        "If you have more questions, answer our last message and we will continue.",
        "如仍有问题，请回复我们的最后一封信，我们会继续处理。",
    ),
    "since": ("Received", "收到时间"),
    "last_change": ("Last change", "最近更新"),
    "answers_sent": ("Answers from us", "我们的回复"),
    "answers_number": ("{count}", "{count} 条"),
    "private_hint": (
        "To protect you, this page shows no message until you have proven your address. It updates by itself.",
        "为保护隐私，验证后才显示往来内容。页面会自动更新。",
    ),
    "see_words": ("See the conversation, and write", "查看往来内容并补充说明"),
    "see_words_lead": (
        "Enter the address that you wrote to us from. If it is the one of this case, we send a code to it.",
        "请填写您联系我们时使用的邮箱。如与该问题一致，我们会发送验证码。",
    ),
    "see_words_phone": (
        "Enter the number that you wrote to us from. If it is the one of this case, we send a code to it.",
        "请填写您联系我们时使用的手机号（含国家代码）。如与该问题一致，我们会发送验证码。",
    ),
    "your_address": ("Your mail address", "您的邮箱"),
    "your_number": ("Your number, with +", "您的手机号（以 + 开头）"),
    "send_code": ("Send me a code", "发送验证码"),
    "code_asked": (
        "If {address} is the address of this case, a code of six digits is on its way. It is valid for ten minutes.",
        "如果 {address} 是该问题的联系地址，六位验证码将很快送达，十分钟内有效。",
    ),
    "code": ("Code", "验证码"),
    "open_words": ("Open", "打开"),
    "another_code": (
        "No code came? Ask again in a minute, or check the address.",
        "没有收到？请检查地址，或稍后再试。",
    ),
    "wrong_code": ("This code is not right, or it is not valid any more.", "验证码不正确或已失效。"),
    "wrong_code_pace": ("Too many attempts. Please try again in an hour.", "尝试次数过多，请一小时后再试。"),
    "wrong_answer": ("Please write something, at most 20,000 characters.", "请填写内容，最多 20000 个字。"),
    "code_text": (
        "{code} is your code for the case {reference} at {desk}. It is valid for ten minutes.",
        "{code} 是您查看问题 {reference} 的验证码，十分钟内有效。{desk}",
    ),
    "code_warning": (
        "Enter it only on the page that you have opened yourself; we never ask for it. If you did not ask, do nothing.",
        "请只在您自己打开的页面填写，客服不会向您索取。如非本人操作，请忽略。",
    ),
    "proven": ("Address proven", "地址已验证"),
    "words_title": ("The conversation", "往来内容"),
    "you_wrote": ("You", "您"),
    "no_words": ("Nothing yet.", "暂无内容。"),
    "masked_hint": ("Card numbers, passwords and codes are hidden.", "卡号、密码和验证码已隐去。"),
    "add_words": ("Add something", "补充说明"),
    "add_words_hint": (
        "An agent sees it in the same conversation. Never write passwords or one-time codes.",
        "客服会在同一个会话中看到。请勿填写密码或短信验证码。",
    ),
    "only_files": ("(only files)", "（仅附件）"),
    "is_sent": ("We have it. It appears here in a moment.", "已收到，稍后会显示在这里。"),
    "leave_words": ("Close the conversation on this device", "在此设备上退出查看"),
    "rate_title": ("How did we do?", "您对这次服务满意吗？"),
    "rate_lead": ("From 1 (badly) to 5 (very well)", "1 分（不满意）到 5 分（很满意）"),
    "rate_word": ("A word, if you like", "想说的话（可不填）"),
    "rate_send": ("Send", "提交"),
    "rated": ("Thank you. You gave {score} of 5.", "谢谢！您的评分：{score} 分（满分 5 分）。"),
    "help_lead": ("Answers that help without waiting.", "无需等待，这里就有答案。"),
    "not_helped": ("That did not help? Write to us.", "没有解决？联系我们。"),
    "search_help": ("Describe your question", "描述您的问题"),
    "search": ("Search", "查找"),
    "stale_link": ("This link is not valid", "链接无效"),
    "stale_link_more": (
        "It is mistyped, or it has expired. Please write to us, and we will send a new one.",
        "链接不完整或已过期。请联系我们，我们会发送新的链接。",
    ),
    "error_gone": ("This page does not exist", "页面不存在"),
    "error_gone_more": ("Its address is mistyped, or the page was removed.", "地址有误，或页面已被移除。"),
    "error_pace": ("Too many requests at once", "操作过于频繁"),
    "error_pace_more": ("Please wait a minute and try again.", "请稍等一分钟再试。"),
    "error_size": ("This is too large", "内容过大"),
    "error_size_more": ("Please send fewer or smaller files.", "请减少附件，或把文件压缩后再发送。"),
    "error_later": ("This page is not available now", "页面暂时无法打开"),
    "error_later_more": ("Please try again in a few minutes.", "请过几分钟再试。"),
    "error_other": ("This did not work", "操作未成功"),
    "error_other_more": ("Please open the page again and repeat it.", "请重新打开页面后再试一次。"),
}


@dataclass(frozen=True, slots=True)
class CustomerWords:
    """The phrases of one language; a key that is missing here comes from the desk's phrases."""

    language: Language

    def __call__(self, key: str, **values: object) -> str:
        """Return the phrase for `key`."""
        if key not in WORDS:
            return Words(self.language)(key, **values)
        english, chinese = WORDS[key]
        return fill(chinese if self.language == "zh" else english, values)
