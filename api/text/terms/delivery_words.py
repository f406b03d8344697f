"""Why a message has not left, or may not have left: what senders say of a provider's answer, in Chinese."""

from __future__ import annotations

from typing import Final

# {who}: a provider's name. A longer sentence is tried first, so "the provider" has its own.
DELIVERY: Final = (
    ("the provider cannot be reached ({why}): check `url`", "无法连接服务商，稍后自动重试。请检查渠道的 url"),
    ("the provider's answer did not come ({why})", "服务商没有回应，不确定是否已发出"),
    ("the provider's answer is no JSON", "服务商的回应无法识别，不确定是否已发出"),
    ("the provider is asked too often (429)", "服务商限制了发送频率，稍后自动重试"),
    ("the provider is out of order ({code})", "服务商出现故障（{code}），不确定是否已发出"),
    ("the provider refuses us ({code}): check `headers`", "服务商拒绝了请求（{code}），请检查渠道的 headers"),
    ("the provider refuses it ({field} is {code})", "服务商拒绝了这条消息（{field}：{code}）"),
    ("the provider refuses it ({code})", "服务商拒绝了这条消息（{code}）"),
    (
        "the provider has nowhere to bring messages: set [omniyard] public_url",
        "服务商无处投递消息，请设置 public_url",
    ),
    ("their system cannot be reached: {why}", "无法连接对方系统，稍后自动重试"),
    ("their answer did not come: {why}", "对方系统没有回应，不确定是否已发出"),
    ("their system is busy ({code})", "对方系统繁忙（{code}），稍后自动重试"),
    ("their system is out of order ({code})", "对方系统出现故障（{code}），不确定是否已发出"),
    (
        "their system refuses us ({code}): check `secret` in `send`",
        "对方系统拒绝了请求（{code}），请检查 send 的 secret",
    ),
    ("their system refuses it ({code}, {why})", "对方系统拒绝了这条消息（{code}）"),
    ("their system could not deliver it ({code})", "对方系统未能送达（{code}）"),
    (
        "their system takes no answers any more (410): correct `url` in `send`, or disable the channel",
        "对方系统不再接收回复，请更正 send 的 url，或停用该渠道",
    ),
    ("no machine answers in public", "公开渠道不发送自动回复"),
    ("the text has more than {longest} characters (`longest`)", "文字超过 {longest} 个字符"),
    ("the text has more than {longest} characters", "文字超过 {longest} 个字符"),
    ("{who} takes 1 to {longest} {unit}; this text has {units}", "{who} 每条最多 {longest}，这段文字为 {units}"),
    ("{who} takes 1 to {longest} characters", "{who} 每条最多 {longest} 个字符"),
    ("{who} cannot be reached ({why})", "无法连接 {who}，稍后自动重试"),
    ("{who}'s answer did not come ({why})", "{who} 没有回应，不确定是否已发出"),
    ("{who}'s answer cannot be read ({why})", "{who} 的回应无法识别，不确定是否已发出"),
    ("{who}'s answer is no JSON ({code})", "{who} 的回应无法识别（{code}），不确定是否已发出"),
    ("{who}'s answer is no JSON: is a proxy in between?", "{who} 的回应无法识别，中间是否有代理？"),
    ("{who}'s answer names no message", "{who} 的回应没有消息编号，不确定是否已发出"),
    ("{who}'s answer names no post", "{who} 的回应没有帖子编号，不确定是否已发出"),
    ("{who} is asked too often ({code})", "{who} 限制了发送频率，稍后自动重试"),
    ("{who} is out of order ({code})", "{who} 出现故障（{code}），不确定是否已发出"),
    ("{who} refuses the credentials ({code}): check {what}", "{who} 拒绝了凭据（{code}），请检查渠道的密钥"),
    ("{who} refuses the token ({code})", "{who} 拒绝了令牌（{code}），请检查渠道的令牌"),
    ("{who} refuses it ({code}): {why}", "{who} 拒绝了这条消息（{code}）"),
    ("{who} refuses it ({code})", "{who} 拒绝了这条消息（{code}）"),
    ("{who} could not deliver it: {said} ({kind})", "{who} 未能送达（{kind}）"),
    ("{who} could not deliver it ({code})", "{who} 未能送达（{code}）"),
    (
        "{who} does not send from this number ({code}): check `number` and `whatsapp`",
        "{who} 不能用此号码发送（{code}），请检查 number 和 whatsapp",
    ),
    ("{who} does not say whether it has the message ({code})", "{who} 未说明是否收到（{code}）"),
    ("found on {who}", "已在 {who} 查到这条消息"),
    ("found at {who}", "已在 {who} 查到这条消息"),
    ("the account's credits at {who} are used up ({code})", "{who} 账户额度已用完（{code}），稍后自动重试"),
    (
        "the day's budget of {amount} dollars is spent on answers (`daily_budget`)",
        "今日发送预算 {amount} 美元已用完，明日继续",
    ),
    ("the customer has stopped this bot, or never started it (403)", "客户已停用该机器人，或从未启用"),
    (
        "the app may not manage this account: allow it in the console, under manage by API",
        "应用无权管理该客服账号，请在管理后台开启通过 API 管理",
    ),
    ("the connection broke before the mail was handed over", "邮件交出前连接中断，稍后自动重试"),
    (
        "the connection to {host} broke before the server answered ({why})",
        "与 {host} 的连接中断，不确定是否已发出",
    ),
    ("{host} has no SMTPUTF8 (RFC 6531)", "{host} 不支持国际化邮箱地址（RFC 6531）"),
    ("{what} was refused: {code} {said}", "邮件服务器拒绝（{code}）：{said}"),
)
