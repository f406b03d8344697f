"""The words of the reasons of sending: why a message got an automatic reply or none, and what keeps one from leaving.

Key: English, Chinese; see `api.text.reason_words`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from router.reason import ReasonKey as Key

SENDING_REASONS: Final[Mapping[str, tuple[str, str]]] = {
    # The automatic reply.
    Key.PERSON_WROTE: ("a person wrote to us", "来信人是真人"),
    Key.MACHINE_WROTE: ("no machine answers a machine: {mark}", "机器来信不自动回复：{mark}"),
    Key.ADDRESS_IS_ABUSED: (
        "the sender is forged, and an answer would reach the person whose address it shows",
        "发件人系伪造，自动回复会发给被冒用地址的人",
    ),
    Key.AUTHOR_IS_NO_CUSTOMER: (
        "a form, a list or a colleague wrote for the customer, and answers by machine go to authors only",
        "邮件由表单、邮件列表或同事代客户发出，自动回复只发给邮件作者",
    ),
    Key.SHORT_CODE_SENDER: (
        "its sender is a short code or a name, which take no answers",
        "发送方是短号码或名称，无法接收回复",
    ),
    Key.SENDER_WITHOUT_ADDRESS: ("its sender has no address", "发件人没有地址"),
    Key.ROBOT_ADDRESS: (
        "its sender's address is one that programs use (RFC 3834 section 2)",
        "发件地址通常由程序使用（RFC 3834 第 2 节）",
    ),
    Key.TEXT_COMMAND: (
        "it is a word to stop, start or explain text messages, which the network answers",
        "内容是短信退订、恢复或帮助指令，由运营商处理",
    ),
    Key.REPLIES_SUPPRESSED: (
        "its sender asks for no automatic answers (X-Auto-Response-Suppress)",
        "发件人要求不要自动回复（X-Auto-Response-Suppress）",
    ),
    Key.ANSWERED_BEFORE: ("X-Loop says that a machine has answered it before", "X-Loop 表明已有程序自动回复过"),
    Key.TEXT_IS_MACHINES: ("its words say that a machine wrote it", "正文表明这是自动发送的邮件"),
    Key.REPLY_COMES_BACK: ("answers to it would come back to us (Reply-To)", "回复会发回我方地址（Reply-To）"),
    Key.NOT_ADDRESSED_TO_US: (
        "none of our addresses is in To or Cc (RFC 3834 section 2)",
        "收件人和抄送中没有我方地址（RFC 3834 第 2 节）",
    ),
    Key.ROUTE_SENDS_NO_REPLY: ("the route sends no reply", "该规则不发送自动回复"),
    Key.CHANNEL_NEVER_SENDS: ("nothing can be sent by this channel", "该渠道不能发送消息"),
    Key.REPLY_TO_FIRST_ONLY: (
        "“{reply}” answers the first message of a conversation only",
        "“{reply}”只回复会话的第一条消息",
    ),
    Key.REPLY_SAID_IN_CASE: (
        "“{reply}” was sent already; it is sent once a case",
        "“{reply}”已发送过，每个会话只发一次",
    ),
    Key.REPLY_SAID_TODAY: ("“{reply}” was sent already; it is sent once a day", "“{reply}”今天已发送过，每天只发一次"),
    Key.SECRET_WAS_SENT: ("a password or a code was sent", "客户发来了密码或验证码"),
    Key.ARCHIVED_MAIL: ("old mail gets no automatic reply", "历史邮件不自动回复"),
    Key.NOTHING_TO_ANSWER: ("thanks, a goodbye or a STOP gets no answer", "致谢、道别或退订，无需回复"),
    Key.CASE_IS_EMERGENCY: (
        "the conversation is an emergency, for which the usual replies do not hold",
        "会话属于紧急情况，不发送常规自动回复",
    ),
    # What keeps an outgoing message from leaving.
    Key.CUSTOMER_WROTE_SINCE: (
        "the customer has written since this reply was planned: read it, then send or cancel",
        "安排此回复后客户又有来信：请先阅读，再决定发送或取消",
    ),
    Key.COLLEAGUE_ANSWERED_SINCE: (
        "another answer has left since this reply was planned: read it, then send or cancel",
        "安排此回复后已有其他回复发出：请先阅读，再决定发送或取消",
    ),
    Key.MAIL_CAME_BACK: ("the mail came back: it was not delivered ({status})", "邮件被退回，未能送达（{status}）"),
    Key.ATTEMPTS_ARE_SPENT: ("it was not taken in {attempts} attempts", "尝试发送 {attempts} 次均未被接收"),
    Key.CUSTOMER_OPTED_OUT: (
        "the customer asked for no more messages here ({said}, {date})",
        "客户已于 {date} 要求不再通过此渠道接收消息（{said}）",
    ),
    Key.CUSTOMER_NEVER_WROTE: (
        "the customer has not written on this channel yet; the provider allows answers only",
        "客户尚未通过此渠道来信，来信后才能回复",
    ),
    Key.WINDOW_HAS_CLOSED: (
        "the customer last wrote {silence} ago; the provider allows answers for {window}",
        "客户上次来信距今 {silence}，已超过可回复时限 {window}",
    ),
    Key.WINDOW_IS_FULL: (
        "we have sent {sent} messages since the customer's last one; the provider allows {allowed}",
        "客户上次来信后已发出 {sent} 条消息，平台最多允许 {allowed} 条",
    ),
    Key.ALARM_WAS_NOT_FALSE: (
        "the release was taken back, so there is nothing to correct",
        "已撤回“误报”判定，无需再向客户更正",
    ),
    Key.PUBLIC_IS_NOT_ANSWERED: ("it is public, and no machine answers in public", "属于公开内容，系统不自动公开回复"),
    Key.REPLY_IS_LATE: (
        "it could not leave in time, and an automatic reply is not sent late",
        "未能及时发出，过时的自动回复不再发送",
    ),
    Key.REPLIES_REST: (
        "automatic replies of this channel rest until {at}",
        "此渠道的自动回复已暂停至 {at}",
    ),
    Key.CUSTOMER_HAS_REPLIES: (
        "the customer got {replies} automatic replies within 24 hours",
        "24 小时内已向该客户发送 {replies} 条自动回复",
    ),
    Key.CHANNEL_SENT_TOO_MANY: (
        "{replies} automatic replies left by this channel within an hour; it sends no more for an hour",
        "此渠道一小时内已发出 {replies} 条自动回复，暂停一小时",
    ),
    Key.SENDING_FAILED: ("{error} while sending", "发送时出错（{error}）"),
    Key.SENDER_OVERSLEPT: (
        "the lease ended before the first byte was sent",
        "发送进程停顿过久，尚未发出任何内容",
    ),
    Key.SENDER_DIED: ("the process that was sending it died", "发送过程中进程异常退出"),
    Key.NO_CLEAR_ANSWER: (
        "it was tried {attempts} times without a clear answer",
        "尝试发送 {attempts} 次，平台均未给出明确结果",
    ),
    Key.NOT_FOUND_AT_PROVIDER: (
        "the provider gave no clear answer and does not show it: it may or may not have arrived",
        "平台未给出明确结果，也查不到该消息，无法确定是否送达",
    ),
}
