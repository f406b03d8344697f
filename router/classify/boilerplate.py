"""Words that stand in many messages and tell of no matter: notices of confidentiality, and the fields of a form.

A company's mail server puts the same notice under each mail, and a form names what may be chosen. No person said it
now, so neither a danger nor a category is read from it.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

_MAIL: Final = r"(?:e-?mail|mail|message|communication|transmission)"
# What notices of confidentiality say, each in one sentence. One alone may be a customer's own; a notice has several.
# Before each stand words of which it has one: few messages have any, and looking for a word is quick.
_NOTICE: Final = (
    (
        ("confidential", "privileged", "保密", "机密", "機密"),
        rf"\b{_MAIL}\b[^.]{{0,120}}\b(?:confidential|privileged)\b|(?:邮件|郵件)[^。]{{0,40}}(?:保密|机密|機密)",
    ),
    (("intended ",), r"\bintended (?:recipient|addressee)|\bintended (?:solely|only) for"),
    (
        ("发送给", "發送給", "收件人", "接收"),
        r"(?:仅|僅|只)(?:限于|限於|限|供)?[^。]{0,8}(?:发送给|發送給|收件人|接收)|(?:并非|不是)[^。]{0,12}收件人",
    ),
    (("received th",), rf"\breceived (?:this|the) {_MAIL}\b[^.]{{0,20}} (?:in error|by mistake)"),
    (("误", "誤"), r"(?:错误|錯誤|误|誤)(?:地)?(?:收到|接收)[^。]{0,6}(?:邮件|郵件)"),
    (
        ("prohibited", "forbidden", "unlawful"),
        r"\b(?:disclos\w+|disseminat\w+|distribution|copying)\b[^.]{0,120}\b(?:prohibited|forbidden|unlawful)",
    ),
    (
        ("披露", "复制", "複製", "传播", "傳播", "泄露", "洩露"),
        r"(?:禁止|不得|严禁|嚴禁)[^。]{0,20}(?:披露|复制|複製|传播|傳播|泄露|洩露)",
    ),
    (
        ("the sender", "delete th"),
        rf"\b(?:notify|inform|advise|contact) the sender\b|\bdelete (?:this|the) {_MAIL}\b",
    ),
    (("通知",), r"通知(?:发件人|發件人|寄件人)"),
)
_MARKS: Final = tuple((words, re.compile(each, re.IGNORECASE)) for words, each in _NOTICE)
# What stands next to a notice: where no notice is, these words may be a customer's.
_NEAR: Final = re.compile(
    rf"\b(?:never|not) (?:change|ask|request|send)\b[^.]{{0,60}}\bby {_MAIL}\b|^\W*beware of (?:fraud|phishing)"
    r"|不会(?:通过|以)(?:邮件|郵件)|不會(?:透過|以)(?:邮件|郵件)",
    re.IGNORECASE,
)
# How its sentences begin.
_OPENING: Final = re.compile(
    r"\b(?:this|the (?:information|contents?)|if you|please|any|unauthori[sz]ed)\b"
    r"|[本此如若]|未经|未經|严禁|嚴禁|请|請",
    re.IGNORECASE,
)
# The customer speaks, who may quote a notice or write on in its sentence: "us" and "we" are the notice's own.
_OWN: Final = re.compile(
    r"\b(?:i|i'?m|i'?ve|me|my|mine|myself)\b|\bour (?:account|wallet|money|funds|card|phone)\b"
    r"|[我俺咱](?!们|們|司|行|方|公司|单位|單位)|我[们們]的?(?:账户|账号|帳戶|帳號|钱|錢|卡|手机|手機)|(?:转走|轉走|盗刷|盜刷)|(?:被|遭)(?:盗|盜|骗|騙|偷|黑)了",
    re.IGNORECASE,
)
# What happened is written with these; the examples of a choice have none.
_TOLD: Final = re.compile(r"\d|了")
_MANY: Final = 2
_SENTENCE_END: Final = re.compile(r"(?<=[!?。！？])\s*|(?<=[a-z)]\.)\s+")
# A mail program breaks lines at about 72 columns: a line this long goes on in the next one.
_WRAPPED: Final = 55
_WRAPPED_CHINESE: Final = 30

_CHOICE: Final = re.compile(
    r"^([ \t]{0,4}(?:category|topic|type|subject|issue|reason|(?:problem|request|issue|question) type"
    r"|(?:问题|問題|咨询|諮詢|诉求|訴求)?(?:类型|類型|类别|類別|分类|分類)|事项|事項)[ \t]{0,4}[:：][^\n(（]{0,80})"
    r"[(（]([^\n)）]{0,200})[)）]",
    re.IGNORECASE | re.MULTILINE,
)
_SEPARATOR: Final = re.compile(r"[,;/，、；]|\bor\b|或")
# Only what is clearly no sentence: "Phone: stolen" stays.
_FIELD: Final = re.compile(
    r"^[ \t]{0,4}(?:(?:account|user|registered|transaction|order|phone|mobile|contact)?[ \t-]*"
    r"(?:account|name|e-?mail|email address|phone|mobile|number|no\.?|id|record|transaction|order)"
    r"|(?:账户|账号|帳戶|帳號|用户|用戶|注册|註冊|交易|订单|訂單|手机|手機|联系|聯繫)?"
    r"(?:名|账户|账号|帳戶|帳號|邮箱|郵箱|电话|電話|手机号|手機號|号码?|號碼?|记录|記錄|单号|單號|姓名))"
    r"[ \t]{0,4}[:：][ \t]{0,4}(?:(?=\S{0,80}[\d@\]])[^\s\u3400-\u9fff]{1,80}|\+?\d[\d -]{0,40})?[ \t]{0,4}$\n?",
    re.IGNORECASE | re.MULTILINE,
)


def without_boilerplate(text: str) -> str:
    """Return a text without its notices of confidentiality, the data of its form and the examples of its choices."""
    return _without_notice(_without_form(text))


def _without_form(text: str) -> str:
    if ":" not in text and "：" not in text:
        return text
    if "(" in text or "（" in text:
        text = _CHOICE.sub(_without_examples, text)
    return _FIELD.sub("", text) if sum(1 for _ in _FIELD.finditer(text)) >= _MANY else text


def _without_examples(choice: re.Match[str]) -> str:
    """Return a choice without its examples; one thing alone in brackets is the customer's own word."""
    is_list = _SEPARATOR.search(choice[2])
    is_own = _OWN.search(choice[2]) or _TOLD.search(choice[2])
    return choice[1] if is_list and not is_own else choice[0]


def _without_notice(text: str) -> str:
    lowered = text.lower()
    marks = (mark for words, mark in _MARKS if any(word in lowered for word in words))
    if sum(1 for mark in marks if mark.search(text)) < _MANY:
        return text
    return "\n".join(filter(None, map(_before_notice, _sentences(text))))


def _before_notice(sentence: str) -> str:
    """Return what stands before the notice in a sentence: text without full stops may run into it, and go on after it.

    A sentence in which the customer speaks stays whole.
    """
    found = [mark.search(sentence) for mark in (*(mark for _, mark in _MARKS), _NEAR)]
    starts = [each.start() for each in found if each]
    if not starts:
        return sentence
    openings = [each.start() for each in _OPENING.finditer(sentence, 0, min(starts) + 1)]
    begin = openings[-1] if openings else 0
    return sentence if _OWN.search(sentence, begin) else sentence[:begin].strip()


def _sentences(text: str) -> list[str]:
    """Return the sentences; lines are joined only where a mail program broke them, so that a name is no sentence."""
    lines = text.split("\n")
    joined = lines[:1]
    for before, line in pairwise(lines):
        is_wrapped = len(before) >= (_WRAPPED if before.isascii() else _WRAPPED_CHINESE)
        if is_wrapped and line.strip():
            joined[-1] += f" {line}"
        else:
            joined.append(line)
    return [sentence for one in joined for sentence in _SENTENCE_END.split(one)]
