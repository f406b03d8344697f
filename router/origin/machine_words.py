"""Words by which a machine says that it wrote the mail, where no header does: absence notes and acknowledgements.

They only keep our automatic reply back, so that two machines do not answer each other; a person is heard as before.
"""

from __future__ import annotations

import re
from typing import Final

# Notes of machines are short; a longer text is a person's, who may quote one.
_LONGEST: Final = 1500
# Blanks alone: a line break begins a sentence itself, and counting its blanks again for each break takes seconds.
_BEGIN: Final = r"(?:^|[.!。！，,;；\n])[^\S\n]*"
_SAID: Final = re.compile(
    _BEGIN + r"(?:(?:please )?do not (?:reply|respond) (?:directly )?to this (?:e-?mail|message)"
    r"|this is an auto(?:mated|matic|matically generated|-generated|-reply|-response)\b"
    r"|this (?:e-?mail|message|reply) (?:was|is|has been) (?:sent |generated )?automatic(?:ally)?"
    r"|auto(?:matic|mated)?[ -]?(?:reply|response) ?[:：]|we have received your (?:e-?mail|message|request) and will\b"
    r"|(?:diese|dies ist eine) (?:e-?mail|nachricht)? ?(?:wurde )?automatisch"
    r"|这是(?:一封|一条)?(?:系统)?自动(?:回复|发送|答复)|這是(?:一封|一則)?(?:系統)?自動(?:回覆|回復|發送)"
    r"|[\[【(（]?(?:系统|系統)?自(?:动|動)(?:回复|回覆|答复|答覆)[\]】)）]?[:：\]】)）]"
    r"|(?:本|此)(?:邮件|郵件|消息|短信)(?:由|为|為|是)?(?:系统|系統)?自(?:动|動)(?:发送|發送|生成|回复|回覆)"
    r"|(?:本|此)(?:邮件|郵件|消息)(?:由|为|為|是)(?:系统|系統)(?:自动|自動)?(?:发|發|生成)"
    r"|(?:请|請)勿(?:直接)?(?:回复|回覆)(?:本|此)?(?:邮件|郵件)?[。！!]?\s*$)",
    re.IGNORECASE,
)
_ABSENT: Final = re.compile(
    _BEGIN + r"(?:i(?:'m| am| will be) (?:currently |now )?(?:out of (?:the )?office"
    # A customer is on vacation too: an absence note says until when, or who is there instead.
    r"|on (?:vacation|(?:annual |sick |parental |maternity )?leave)\b(?=[^?]{0,80}"
    r"\b(?:until|till|returning|back on|limited access|in my absence|when i am back)\b))\b"
    r"|ich bin (?:bis|vom|ab|derzeit|zurzeit|momentan|aktuell)\b[^\n]{0,60}\bnicht (?:im (?:büro|haus)|erreichbar)"
    r"|(?:我|本人)?(?:目前|现在|現在)?正?在?(?:休假|休产假|出差|外出|不在(?:办公室|辦公室))"
    r"[^?？]{0,40}(?:无法|無法|不能)(?:及时|及時)?(?:回复|回覆|处理|處理|查看))",
    re.IGNORECASE,
)
# What a customer wants of us while they are away, and no absence note speaks of.
_MATTER: Final = re.compile(
    r"\b(?:card|account|wallet|password|payments?|paid|refund|transfers?|money|order|code|balance|log ?in|unlock)\b"
    r"|卡|账户|账号|帳戶|帳號|钱|錢|密码|密碼|付款|支付|退款|转账|轉帳|充值|订单|訂單|验证码|驗證碼|余额|餘額|登录|登入|解锁|解鎖",
    re.IGNORECASE,
)
# A desk's acknowledgement: it thanks first, then says that it has the message, or until when it answers.
_THANKS: Final = re.compile(
    r"\s*(?:(?:dear|hi|hello)\b[^\n,]{0,40},\s*)?thank(?:s| you) for "
    r"(?:contacting|reaching out|your (?:e-?mail|message|inquiry|enquiry|request))"
    r"|\s*(?:尊敬的|亲爱的|您好)",
    re.IGNORECASE,
)
_TAKEN: Final = re.compile(
    r"\b(?:request|ticket|case|message|inquiry|enquiry)\b[^.\n]{0,30}\bhas been (?:received|created|logged|registered)"
    r"|\bwill (?:answer|reply|respond|get back)\b[^.\n]{0,40}\bwithin\b"
    r"|您的(?:工单|邮件|来信|请求|申请)[^。\n]{0,30}(?:已受理|已收到|已登记)[^。\n]{0,20}(?:将|会)(?:在|于|尽快)",
    re.IGNORECASE,
)
_ASKS: Final = re.compile(r"[?？]")


def says_machine_wrote(text: str) -> bool:
    """Return whether a mail's new words are those of a machine. A mail that asks something is a person's."""
    if len(text) > _LONGEST or _ASKS.search(text):
        return False
    is_absent = bool(_ABSENT.search(text)) and not _MATTER.search(text)
    return is_absent or bool(_SAID.search(text) or (_THANKS.match(text) and _TAKEN.search(text)))
