"""Words by which a machine says that it wrote the mail, where no header does: absence notes and acknowledgements.

They only keep our automatic reply back, so that two machines do not answer each other; a person is heard as before.
"""

from __future__ import annotations

import re
from typing import Final

# Notes of machines are short; a longer text is a person's, who may quote one.
_LONGEST: Final = 1500
_BEGIN: Final = r"(?:^|[.!。！，,;；\n])\s*"
_SAID: Final = re.compile(
    _BEGIN + r"(?:(?:please )?do not (?:reply|respond) (?:directly )?to this (?:e-?mail|message)"
    r"|this is an auto(?:mated|matic|matically generated|-generated|-reply|-response)\b"
    r"|this (?:e-?mail|message|reply) (?:was|is|has been) (?:sent |generated )?automatic(?:ally)?"
    r"|i(?:'m| am| will be) (?:currently |now )?(?:out of (?:the )?office"
    # A customer is on vacation too: an absence note says until when, or who is there instead.
    r"|on (?:vacation|(?:annual |sick |parental |maternity )?leave)\b(?=[^?]{0,80}"
    r"\b(?:until|till|returning|back on|limited access|in my absence)\b))\b"
    r"|(?:diese|dies ist eine) (?:e-?mail|nachricht)? ?(?:wurde )?automatisch"
    r"|ich bin (?:bis|vom|ab|derzeit|zurzeit|momentan|aktuell)\b[^\n]{0,60}\bnicht (?:im (?:büro|haus)|erreichbar)"
    r"|这是(?:一封|一条)?(?:系统)?自动(?:回复|发送|答复)|這是(?:一封|一則)?(?:系統)?自動(?:回覆|回復|發送)"
    r"|(?:本|此)(?:邮件|郵件|消息|短信)(?:由|为|為|是)?(?:系统|系統)?自(?:动|動)(?:发送|發送|生成|回复|回覆)"
    r"|(?:本|此)(?:邮件|郵件|消息)(?:由|为|為|是)(?:系统|系統)(?:自动|自動)?(?:发|發|生成)"
    r"|(?:请|請)勿(?:直接)?(?:回复|回覆)(?:本|此)?(?:邮件|郵件)?[。！!]?\s*$)",
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
    return bool(_SAID.search(text) or (_THANKS.match(text) and _TAKEN.search(text)))
