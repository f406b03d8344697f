"""The words of every reason, in English and in Chinese: the desk, REST's summaries and `omniyard` all speak from here.

Key: English, Chinese. `{...}` are filled in with values. A reason inside another reads as a part of its sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from api.text.sending_reasons import SENDING_REASONS
from api.text.subjects.answer_phrases import ANSWER_REASONS
from router.reason import ReasonKey as Key
from router.threads.sign_kind import SignKind

REASON_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    Key.AS_WRITTEN: ("{text}", "{text}"),
    **ANSWER_REASONS,
    **SENDING_REASONS,
    Key.REPORT_ON_OURS: ("it reads as a report on a message of ours", "内容是针对我方邮件的退信或回执"),
    Key.DELIVERY_REPORT: ("it is a delivery report (RFC 3464)", "属于投递状态报告（RFC 3464）"),
    Key.COMPLAINT_REPORT: ("it is a complaint report (RFC 5965)", "属于投诉反馈报告（RFC 5965）"),
    Key.READ_RECEIPT: ("it is a receipt (RFC 8098)", "属于已读回执（RFC 8098）"),
    Key.FAILED_RECIPIENTS: (
        "X-Failed-Recipients names who was not reached",
        "X-Failed-Recipients 列出了未送达的收件人",
    ),
    Key.MAIL_SYSTEM: ("its sender is a mail system", "发件人是邮件系统"),
    Key.OWN_ADDRESS: ("its sender's address is one of ours", "发件地址是我方地址"),
    Key.OWN_MARK: ("it bears the mark of our own mail", "带有本系统的邮件标记"),
    Key.OUR_SIDE_WROTE: ("our own side wrote it", "由我方人员发出"),
    Key.OWN_MESSAGE_CAME_BACK: ("it is a message that we sent, come back", "这是我方发出的邮件，又回到了本邮箱"),
    Key.JOURNAL_REPORT: ("a journal's report of a mail that is here already", "邮件日志报告，原邮件已在本系统"),
    Key.JOURNAL_OF_UNKNOWN: ("a journal's report of a mail that is not here", "邮件日志报告，原邮件不在本系统"),
    Key.AUTO_SUBMITTED: (
        "Auto-Submitted: {keyword} (RFC 3834 section 5)",
        "Auto-Submitted: {keyword}（RFC 3834 第 5 节）",
    ),
    Key.PRECEDENCE: ("Precedence: {precedence}", "邮件头 Precedence: {precedence}"),
    Key.NAMES_NO_CUSTOMER: (
        "a notice of another system: it names no one to answer",
        "其他系统的通知：未写明可回复的客户",
    ),
    Key.WRITTEN_TO_MANY: ("a newsletter or advertising, sent to many", "群发的订阅邮件或广告"),
    Key.AUTORESPONDER_CLASS: ("X-POST-MessageClass says autoresponder", "X-POST-MessageClass 标明为自动回复"),
    Key.HEADER_IS_SET: ("{header} is set", "带有邮件头 {header}"),
    Key.ABSENCE_SUBJECT: ("its subject is that of an absence note", "主题是外出或休假自动回复"),
    Key.EMPTY_RETURN_PATH: (
        "its return path is empty (RFC 5321 section 4.5.5)",
        "退信地址为空（RFC 5321 第 4.5.5 节）",
    ),
    Key.NO_REPLY_ADDRESS: ("its sender's address takes no answers", "发件地址不接收回复"),
    # Signs about the sender.
    Key.PROVIDER_NAMES_SENDER: ("The provider names the sender.", "发件人由渠道服务商确认。"),
    Key.CODE_PROVES_ADDRESS: (
        "The customer has proven the address by a one-time code.",
        "客户已通过一次性验证码证实该地址。",
    ),
    Key.VISITOR_NAMES_ADDRESS: (
        "The visitor of the form typed the address, and nothing confirms it.",
        "地址由网页表单的访客自行填写，未经验证。",
    ),
    Key.SENDERS_UNCHECKED: (
        "Our mail server is not known to check senders.",
        "未配置邮件服务器的发件人验证，无法核对。",
    ),
    Key.DOMAIN_CONFIRMED: (
        "Our mail server confirms the sender's domain ({results}).",
        "邮件服务器已验证发件域名（{results}）。",
    ),
    Key.DOMAIN_SIGNED: (
        "The mail is signed by {domain}, and we checked the signature (DKIM).",
        "邮件带有 {domain} 的签名，已由本系统核验（DKIM）。",
    ),
    Key.DOMAIN_FORGED: (
        "Our mail server says that the sender's domain did not send this ({results}).",
        "邮件服务器判定该邮件并非由发件域名发出（{results}）。",
    ),
    Key.DOMAIN_UNCONFIRMED: (
        "Our mail server could not confirm the sender's domain ({results}).",
        "邮件服务器未能验证发件域名（{results}）。",
    ),
    Key.DOMAIN_WITHOUT_RESULT: (
        "Our mail server could not confirm the sender's domain (no result).",
        "邮件服务器未给出发件域名的验证结果。",
    ),
    Key.CORRESPONDENT_IS_NAMED: (
        "The customer is only named ({source}), and nothing confirms it.",
        "客户身份仅由邮件字段（{source}）指明，未经验证。",
    ),
    Key.REPLY_TO_DIFFERS: (
        "The mail asks for answers to {reply_to}, its From is {sender}.",
        "邮件要求回复至 {reply_to}，而发件地址是 {sender}。",
    ),
    Key.LOOKALIKE_DOMAIN: ("The domain {domain} looks like ours, {ours}.", "域名 {domain} 与我方域名 {ours} 相似。"),
    Key.ADDRESS_IN_NAME: (
        "The sender's name shows {shown}, the mail is from {sender}.",
        "发件人名称中显示 {shown}，实际发件地址是 {sender}。",
    ),
    Key.SEVERAL_AUTHORS: (
        "The mail names several authors; the first stands for all.",
        "邮件列有多个发件人，以第一个为准。",
    ),
    Key.OWN_DOMAIN_CONFIRMED: (
        "The sender's address is of our own domain, and our server confirms it.",
        "发件地址属于我方域名，且已通过邮件服务器验证。",
    ),
    Key.OWN_DOMAIN_UNCONFIRMED: (
        "The sender's address is of our own domain, and nothing confirms it.",
        "发件地址显示为我方域名，但未经验证。",
    ),
    Key.CLAIMS_STAFF: (
        "The sender is no colleague and writes as one: “{words}”.",
        "外部发件人自称我方人员：“{words}”。",
    ),
    # Which conversation.
    Key.SENDER_TAKES_PART: ("{sign}, and the sender takes part", "{sign}，且发件人是该会话的参与者"),
    Key.OUR_SIDE_TAKES_PART: ("{sign}, and our own side wrote it", "{sign}，由我方人员发出"),
    Key.WE_WROTE_TO_SENDER: (
        "{sign}, and that message of ours went to the sender",
        "{sign}，且我方曾将该邮件发给此发件人",
    ),
    Key.ONLY_OURS_SO_FAR: (
        "{sign}, and the case holds only what our side wrote to the sender",
        "{sign}，且该会话中只有我方发给此人的内容",
    ),
    Key.SAME_SUBJECT: (
        "the same person wrote under the same subject a short time ago; no sign says that it belongs there",
        "同一人近日以相同主题来信，但没有线索表明属于同一会话",
    ),
    Key.NEW_SUBJECT: ("a new subject on a closed or old case", "原会话已解决或时间已久，且主题不同"),
    Key.SENDER_IS_NO_PARTICIPANT: (
        "the sender does not take part in the case pointed at",
        "发件人不是所指会话的参与者",
    ),
    Key.SENDER_IS_FORGED: (
        "the sender is forged, so it enters no case of the person whose address it shows",
        "发件人系伪造，不归入所冒用地址的客户的任何会话",
    ),
    Key.SENDER_IS_UNPROVEN: (
        "{sign}; the sender is not proven, and it quotes no message of ours",
        "{sign}；但发件人未经验证，且未引用我方发出的邮件",
    ),
    Key.SENDER_IS_HEARSAY: (
        "only a list or a program names the sender, and nothing proves that it is ours, so it enters no case by itself",
        "发件人仅由邮件列表或程序指明，且未证实属于我方，不会自动归入已有会话",
    ),
    Key.NOTHING_POINTS: ("nothing points at a known conversation", "没有线索指向已有会话"),
    Key.RETURNED_MESSAGE_IS_OURS: ("its Message-ID proves it ours", "退回的邮件确由我方发出（Message-ID 已核对）"),
    Key.RETURNED_MESSAGE_IS_UNKNOWN: ("a report about no message of ours", "该报告所指的邮件并非我方发出"),
    Key.NEEDS_NOTHING: ("it asks for nothing, so it stays where it was", "无需处理，归入客户的上一个会话"),
    Key.CHAT_IS_RESOLVED: ("the sender's conversation here is resolved", "客户在此渠道的会话已解决"),
    Key.CHAT_WAS_ANSWERED: (
        "an agent answered and resolved it less than a day ago",
        "客服一天内答复并关闭了该会话，视为客户的回应",
    ),
    Key.CHAT_WAS_QUIET: ("the sender's conversation here has been quiet for too long", "客户在此渠道的会话已久无往来"),
    Key.CHAT_HAS_NO_MATTER: ("so far there was only a greeting here", "客户此前在此仅有问候"),
    Key.CHAT_IS_OPEN: ("it is open, and short messages go on with it", "客户在此渠道有未解决的会话，短消息归入该会话"),
    Key.MESSAGE_WAS_CHANGED: ("its author changed a message of it", "会话中的一条消息被修改"),
    Key.CHANGED_MESSAGE_NEVER_CAME: ("its message did not come in seven days", "七天内未收到它所修改的消息"),
    Key.SAID_ON_CHANNEL: (
        "the same sender wrote the same on {channel} within a day",
        "同一客户一天内在 {channel} 发过相同内容",
    ),
    # Business hours.
    Key.OPEN_BY_RULE: ("open, {rule}", "服务中：{rule}"),
    Key.CLOSED_BY_RULE: ("closed, {rule}", "非服务时间：{rule}"),
    Key.CLOSED_OUTSIDE_HOURS: ("closed, outside the hours of: {rule}", "非服务时间：不在当日服务时段内（{rule}）"),
    Key.CLOSED_WEEKDAY: ("closed, no weekly hours on {weekday}", "非服务时间：{weekday}不提供服务"),
    Key.WEEKLY_HOURS: ("weekly hours of {weekday}", "{weekday}常规服务时间"),
    Key.PUBLIC_HOLIDAY: ("public holiday: {holiday}", "法定节假日（{holiday}）"),
    Key.MAKE_UP_DAY: ("make-up working day for {weekday} {date}", "调休上班（补 {date} {weekday}）"),
    Key.DAY_AND_NIGHT: ("day and night", "全天候服务"),
    Key.HOLIDAY_NAME: ("{holiday_name}", "{holiday_name}"),
    Key.HOLIDAY_EXCHANGED: ("day off in exchange for {date}", "调休放假（{date} 上班）"),
    Key.HOLIDAY_WEEKEND: ("weekend within the official days off", "假期内的周末"),
    # Danger, and the second look.
    Key.DANGER_KEYWORD: ("keyword of an emergency: {words}", "命中紧急关键词：{words}"),
    Key.DANGER_PAIR: ("words of danger, {pair}: {words}", "命中危险词组（{pair}）：{words}"),
    Key.DANGER_LIKE: ("similar to a known danger: {text}", "与已知紧急案例相似：{text}"),
    Key.DANGER_MEANINGS: ("meanings that met: {groups}", "同时出现的含义：{groups}"),
    Key.NO_PERSON_WAITS: ("an automatic message: no person is paged for it", "自动邮件：不呼叫值班人员"),
    Key.DANGER_IS_POSSIBLE: ("danger is {percent} % likely", "紧急的可能性 {percent}%"),
    Key.HINT_FOUND: ("{hint}", "{hint}"),
    # Why a route did not fire.
    Key.IS_EMERGENCY: ("it is an emergency", "属于紧急情况"),
    Key.IS_NO_EMERGENCY: ("it is no emergency", "不属于紧急情况"),
    Key.CALENDAR_IS_OPEN: ("{calendar} is open", "{calendar} 处于服务时间"),
    Key.CALENDAR_IS_CLOSED: ("{calendar} is closed", "{calendar} 处于非服务时间"),
    Key.IS_HOLIDAY: ("it is a public holiday: {holiday}", "当天是法定节假日（{holiday}）"),
    Key.IS_NO_HOLIDAY: ("it is no public holiday", "当天不是法定节假日"),
    Key.CHANNEL_IS: ("channel is {channel}", "渠道是 {channel}"),
    Key.CATEGORY_IS: ("category is {category}", "类别是“{category}”"),
    Key.CATEGORY_IS_UNKNOWN: ("no category was recognised", "未识别出类别"),
    Key.LANGUAGE_IS: ("language is {language}", "语言是 {language}"),
    Key.ORIGIN_IS: ("it comes from: {origin}", "来信性质是{origin}"),
    Key.SENDER_IS_NOT_NAMED: ("its sender is not named", "发件人不在指定名单内"),
    Key.SIGNAL_IS_MISSING: ("no such signal about the sender", "没有所要求的发件人风险提示"),
    Key.CONTACT_LABEL_IS_MISSING: ("the contact has no such label", "客户没有所要求的标签"),
    Key.SENDER_INHERITS_NOTHING: (
        "the sender is not proven to be the contact, so what is known of the contact does not count",
        "发件人未经验证是该客户本人，客户的标签和以往会话不作为依据",
    ),
    Key.FOLLOWS_CASE: ("it follows an earlier case", "与之前的会话有关"),
    Key.FOLLOWS_NO_CASE: ("it follows no earlier case", "与之前的会话无关"),
    Key.WORDS_ARE_MISSING: ("none of its words is there", "未出现指定词语"),
    # Who gets a conversation.
    Key.LEAST_BUSY: ("the least busy agent", "当前负荷最低"),
    Key.NEXT_TURN: ("the agent whose turn it was", "按顺序轮到"),
    Key.TEAM_IS_AWAY: ("no agent of {team} is available", "{team} 团队没有在岗客服"),
    Key.NO_AGENT_MATCHES: ("no available agent of {team} takes {wanted}", "{team} 团队在岗客服均不处理 {wanted}"),
    Key.TEAM_IS_FULL: ("each agent of {team} who could take it has enough to do", "{team} 团队可处理的客服均已满负荷"),
    Key.TEAM_IS_BACK: ("the team {team} is available", "{team} 团队现已有人值班"),
    Key.AGENT_NOT_IN_FORCE: ("{agent} has no valid access any more", "{agent} 的访问权限已失效"),
    Key.AGENT_MAY_NOT_WORK: ("{agent} may not work on conversations", "{agent} 无权处理会话"),
    Key.AGENT_NOT_IN_TEAM: ("{agent} is not in the team {team}", "{agent} 不属于 {team} 团队"),
    Key.AGENT_IS_AWAY: ("{agent} is away, and another agent is available", "{agent} 已离开，另有客服可接单"),
    # Why a message could not be routed.
    Key.STRAY_BOUNCE: ("a bounce of a message that we did not send", "退信所指的邮件并非我方发出"),
    Key.SENDER_BLOCKED: ("an agent has blocked this sender", "该发件人已被屏蔽"),
    Key.ROUTING_FAILED: ("{error} while routing", "分派时出错（{error}）"),
    Key.WORKERS_DIED: ("every worker that touched this message died", "处理该消息的进程均异常退出"),
}

# By what a message was found to belong to a conversation.
SIGN_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    SignKind.NONE: ("nothing", "无"),
    SignKind.TOKEN: ("our token", "含有我方会话编号"),
    SignKind.ANSWERED: ("the message it answers", "回复了会话中的消息"),
    SignKind.QUOTING: ("a message that quotes it", "会话中的消息引用了它"),
    SignKind.REFERENCE: ("the case's reference", "写有会话编号"),
    SignKind.SUBJECT: (
        "an answer's subject, that of one open case of the sender",
        "主题为回复，与客户唯一未解决的会话相同",
    ),
    SignKind.RETURNED: ("our message that came back", "我方邮件被退回"),
    SignKind.CHAT: ("the sender's conversation on this channel", "客户在此渠道的会话"),
    SignKind.REPEATED: ("the same words before", "此前发过相同内容"),
}
