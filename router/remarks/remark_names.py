"""Which words cannot be a name, where thanks have one: "thanks dear hacked" and "谢谢骗先生" say what happened."""

from __future__ import annotations

import re
from typing import Final

_NO_NAME: Final = re.compile(
    r"[a-z]{2}ing$|[a-z]{3}ed$|^(?:fraud|scam|theft|thief|thieves|stolen|stole|lost|lose|loss|urgent|emergenc|error|fail|cancel|stop|hack"
    r"|wrong|broke|order|card|phone|account|acc$|wallet|bank|money|cash|fund|balance|amount|fee|charge|debit|credit|deduct"
    r"|deposit|withdr|transfer|transaction|payment|pay$|paid|refund|double|twice|half|missing|gone|pending|block|lock|froze"
    r"|freez|unlock|unblock|unfr|reset|password|passcode|passphrase|pin$|otp|code|login|log$|sign$|email|mail|address|change"
    r"|update|verif|kyc|security|suicid|kill|die[sd]?$|dead|death|dying|police|court|law(?:yer|suit)|legal|sue$|liar|lie$|lies$|idiot|stupid"
    r"|useless|rubbish|bullshit|shit|fuck|cheat|robbe|complain|dispute|issue|problem|bug|crash|ticket|case$|app$|offer|loan"
    r"|invest|bonus|unsub|delete|close$|remove|support|service|help|need|want|fix|send|give|get$|got$|why|when$|where|what|who$"
    r"|how$|nothing|yes$|no$|not|but$|still|wait|again|bye|call|agent|human|person|please|pls|hello|hi$|you|your|it$|my$|me$|i$|and$"
    r"|the$|this$|that$|is$|are$|if$|for$|to$|now$|never|cant|wont|dont)"
)
# As a family name or a given name each of these is rare; before a verb or alone it is a matter.
_NO_CHINESE_NAME: Final = frozenset(
    "没不无未盗骗偷抢丢失冻封锁扣退转还错删改黑死杀亏坏卡款账号码密输赌诈害救等请给要急催查问找帮办"
)


def may_be_name(word: str) -> bool:
    """Return whether a word, in lower case, or a Chinese character may be a name or a part of one."""
    return not word.isdecimal() and word not in _NO_CHINESE_NAME and not _NO_NAME.search(word)
