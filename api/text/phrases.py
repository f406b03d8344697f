"""What the pages say, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from api import desk_words

Language = Literal["en", "zh"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")

# Key: English, Chinese. `{...}` are filled in.
_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    **desk_words.WORDS,
    "skip": ("Skip to content", "跳到正文"),
    "nav": ("Main", "主导航"),
    "inbox": ("Inbox", "收件箱"),
    "quarantine": ("Quarantine", "隔离区"),
    "channels": ("Channels", "渠道"),
    "sign_in": ("Sign in", "登录"),
    "sign_out": ("Sign out", "退出"),
    "token": ("Access token", "访问令牌"),
    "token_hint": (
        "`omniyard up` shows one on its first start; `omniyard agent add` makes more.",
        "首次运行 `omniyard up` 时会显示一个令牌；用 `omniyard agent add` 可以新增。",
    ),
    "token_wrong": ("This token is not in force.", "该令牌无效或已停用。"),
    "signed_in_as": ("{name}, {role}", "{name}（{role}）"),
    "all": ("All", "全部"),
    "open": ("Open", "待处理"),
    "pending": ("Pending", "等待客户"),
    "snoozed": ("Snoozed", "已搁置"),
    "resolved": ("Resolved", "已解决"),
    "team": ("Team", "团队"),
    "category": ("Category", "类别"),
    "channel": ("Channel", "渠道"),
    "status": ("Status", "状态"),
    "any": ("any", "不限"),
    "overdue_only": ("Overdue only", "只看超时"),
    "contact": ("Customer", "客户"),
    "contact_hint": ("address or number", "邮箱或号码"),
    "filter": ("Show", "筛选"),
    "clear": ("Clear", "清除"),
    "nothing": ("Nothing here. A quiet moment.", "这里没有会话，难得清静。"),
    "no_match": ("No conversation matches.", "没有符合条件的会话。"),
    "older": ("Older", "更早"),
    "newest": ("Newest", "最新"),
    "earlier_messages": ("Earlier messages", "更早的消息"),
    "emergency": ("Emergency", "紧急"),
    "urgent": ("urgent", "特急"),
    "high": ("high", "高"),
    "normal": ("normal", "普通"),
    "low": ("low", "低"),
    "priority": ("Priority", "优先级"),
    "language": ("Language", "语言"),
    "route": ("Route", "路由"),
    "sla": ("Promise", "服务承诺"),
    "assignee": ("Assignee", "负责人"),
    "nobody": ("nobody yet", "暂无"),
    "labels": ("Labels", "标签"),
    "reference": ("Reference", "编号"),
    "opened": ("Opened", "创建于"),
    "first_reply": ("First reply", "首次答复"),
    "next_reply": ("Next reply", "下次答复"),
    "resolve": ("Resolution", "解决"),
    "unrecognised": ("not recognised", "未识别"),
    "linked": ("May belong to an older conversation", "可能与更早的会话有关"),
    "messages_one": ("1 message", "1 条消息"),
    "messages_many": ("{count} messages", "{count} 条消息"),
    "no_subject": ("(no subject)", "（无主题）"),
    "you": ("Desk", "客服"),
    "quoted": ("Quoted text", "引用内容"),
    "html": ("As the sender designed it", "按原格式显示"),
    "html_hint": ("nothing is loaded from elsewhere", "不会加载任何外部内容"),
    "html_frame": ("Formatted message", "带格式的消息"),
    "files": ("Files", "附件"),
    "download": ("Download {name}", "下载 {name}"),
    "original": ("Original (.eml)", "原始邮件（.eml）"),
    "original_hint": ("unmasked: handle with care", "未脱敏，请谨慎处理"),
    "why": ("Why it is here", "为什么在这里"),
    "why_this": ("Why this message was handled so", "这条消息的处理依据"),
    "facts": ("Facts", "基本信息"),
    "outgoing": ("On its way to the customer", "发往客户"),
    "auto_reply": ("automatic reply", "自动回复"),
    "outbound_queued": ("queued", "排队中"),
    "outbound_sending": ("sending", "发送中"),
    "outbound_sent": ("sent", "已发送"),
    "outbound_failed": ("failed", "发送失败"),
    "outbound_unknown": ("outcome unknown", "结果未知"),
    "outbound_needs_person": ("a person must decide", "需人工确认"),
    "outbound_cancelled": ("cancelled", "已取消"),
    "reason": ("Reason", "原因"),
    "waiting_since": ("Waiting since", "隔离时间"),
    "discarded": ("Discarded", "已丢弃"),
    "waiting": ("Waiting", "待处理"),
    "size": ("Size", "大小"),
    "quarantine_empty": ("Nothing in quarantine. All mail found its way.", "隔离区为空，所有邮件都已送达。"),
    "quarantine_hint": (
        "Messages that could not be routed. Their bytes are kept. Replay or discard them with `omniyard quarantine`.",
        "无法路由的消息。原始内容完整保留，可用 `omniyard quarantine` 重放或丢弃。",
    ),
    "attempts": ("Attempts", "尝试次数"),
    "last_poll": ("Last good poll", "上次成功收取"),
    "never": ("never", "从未"),
    "routed": ("Routed", "已路由"),
    "duplicate": ("Duplicates", "重复"),
    "received": ("Waiting", "待路由"),
    "quarantined": ("Quarantined", "已隔离"),
    "accepted": ("Accepted", "已接收"),
    "balanced": ("The books balance.", "账目平衡。"),
    "unbalanced": ("The books do not balance: tell whoever runs this desk.", "账目不平衡：请通知系统管理员。"),
    "state": ("State", "状态"),
    "fine": ("fine", "正常"),
    "back": ("Back to the inbox", "返回收件箱"),
    "error": ("Something is not right", "出错了"),
    "request_id": ("Request", "请求编号"),
    "overdue_by": ("overdue by {span}", "已超时 {span}"),
    "due_in": ("due in {span}", "剩余 {span}"),
    "span_m": ("{minutes} min", "{minutes} 分钟"),
    "span_h": ("{hours} h {minutes} min", "{hours} 小时 {minutes} 分"),
    "span_d": ("{days} d {hours} h", "{days} 天 {hours} 小时"),
    "switch": ("中文", "English"),
    "keys": (
        "Keys: j k move, Enter opens, u goes back, / searches; inside: r replies, t takes, e resolves, s snoozes",
        "快捷键：j / k 移动，回车打开，u 返回，/ 搜索；会话中 r 回复，t 认领，e 解决，s 搁置",
    ),
    # Why it is here: titles of the steps, and sentences.
    "step_origin": ("Who wrote", "来信性质"),
    "step_signals": ("Signs about the sender", "发件人迹象"),
    "step_masked": ("Hidden secrets", "已隐藏的敏感信息"),
    "step_defects": ("Defects of the message", "消息缺陷"),
    "step_classification": ("What it is about", "内容分类"),
    "step_correlation": ("Which conversation", "归属会话"),
    "step_hours": ("Business hours", "服务时间"),
    "step_route": ("Where it went", "路由去向"),
    "step_due": ("What is promised", "服务承诺"),
    "step_reply": ("Automatic reply", "自动回复"),
    "signal_verified": ("the domain is confirmed", "域名已验证"),
    "signal_forged": ("the domain is forged", "域名系伪造"),
    "signal_unverified": ("nobody confirms the domain", "域名未经验证"),
    "signal_reply_to_differs": ("answers would go elsewhere", "回复地址与发件人不同"),
    "signal_lookalike_domain": ("a domain that looks like ours", "域名与我们的相似"),
    "signal_several_authors": ("several authors", "有多个作者"),
    "signal_address_in_name": ("another address in the name", "名称中含有另一个地址"),
    "signal_claims_our_domain": ("claims our own domain", "自称来自我们的域名"),
    "signal_claims_staff": ("speaks as one of us", "自称我方人员"),
    "origin_person": ("a person", "真人来信"),
    "origin_auto_replied": ("a machine's reply", "自动答复"),
    "origin_auto_generated": ("made by a machine", "机器生成"),
    "origin_bounce": ("a bounce", "退信"),
    "origin_bulk": ("bulk mail", "群发邮件"),
    "origin_ourselves": ("ourselves", "本系统发出"),
    "abstained": ("Not recognised: a person has to look", "未能识别，需要人工查看"),
    "sure": ("{category} ({percent} %)", "{category}（{percent}%）"),
    "emergency_yes": ("emergency: served day and night", "紧急：全天候处理"),
    "by_words": ("words: {words}", "依据词语：{words}"),
    "runner_up": ("second guess: {category}", "次选类别：{category}"),
    "in_language": ("language: {language}", "语言：{language}"),
    "facts_found": ("found: {facts}", "已提供：{facts}"),
    "facts_missing": ("missing: {facts}", "缺少：{facts}"),
    "fact_account": ("account", "账户"),
    "fact_registered_email": ("registered e-mail", "注册邮箱"),
    "fact_phone": ("phone", "手机号"),
    "fact_transaction": ("transaction", "交易号"),
    "fact_amount": ("amount", "金额"),
    "fact_currency": ("currency", "币种"),
    "fact_time": ("time", "时间"),
    "fact_device": ("device", "设备"),
    "by_model": ("decided by: {model}", "判定方式：{model}"),
    "opens_new": ("Opens a new conversation", "新建会话"),
    "joins": ("Joins the conversation", "并入已有会话"),
    "is_open": ("{calendar} is open", "{calendar}：服务中"),
    "is_closed": ("{calendar} is closed", "{calendar}：已休息"),
    "opens_at": ("opens {at}", "{at} 开始服务"),
    "second_look": ("let through as an emergency, because of: {hints}", "二次检查判为紧急，依据：{hints}"),
    "held_until": ("snoozed until {at}", "搁置至 {at}"),
    "went": ("“{route}” to team {team}, priority {priority}", "“{route}”：{team} 团队，优先级 {priority}"),
    "not_taken": ("not “{route}”: {why}", "未采用“{route}”：{why}"),
    "promised": ("Promise “{sla}”", "服务承诺“{sla}”"),
    "nothing_promised": ("Nothing is promised", "无时限承诺"),
    "until": ("{what} by {at}", "{what}：{at} 前"),
    "replied": ("“{reply}” in {language}", "“{reply}”（{language}）"),
    "not_replied": ("None", "不发送"),
}


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language."""

    language: Language

    def __call__(self, key: str, **values: object) -> str:
        """Return the words for `key`; a key that we do not know is its own word, because it may come from data."""
        if key not in _WORDS:
            return key.replace("_", " ")
        english, chinese = _WORDS[key]
        return (chinese if self.language == "zh" else english).format(**values)


def choose_language(chosen: str | None, *, accepted: str) -> Language:
    """Return the language to show: the one chosen before, else the first that the browser accepts and we have.

    accepted: the Accept-Language header (RFC 9110 section 12.5.4), whose order browsers keep by weight.
    """
    for wish in (chosen or "", *(part.split(";")[0] for part in accepted.split(","))):
        for language in LANGUAGES:
            if wish.strip().lower().split("-")[0] == language:
                return language
    return "en"
