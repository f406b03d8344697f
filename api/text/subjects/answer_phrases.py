"""The words of answers by themselves, in English and in Chinese: reasons, the desk's suggestions, the help centre."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from router.reason import ReasonKey as Key

ANSWER_REASONS: Final[Mapping[str, tuple[str, str]]] = {
    Key.GATE_DANGER: ("the customer may be in danger", "客户可能处于紧急情况"),
    Key.GATE_PERSON: ("the customer asks for a person", "客户要求人工服务"),
    Key.GATE_ANGER: ("the customer is angry or threatens", "客户情绪激动或提出投诉"),
    Key.GATE_CATEGORY: ("the category {category} is not answered by the machine", "分类 {category} 不由系统自动回复"),
    Key.GATE_OWN: ("it is about the customer's own money or identity", "涉及客户本人的资金或身份"),
    Key.GATE_MASKED: ("it contains a secret", "内容包含敏感信息"),
    Key.GATE_MACHINE: ("a machine wrote it", "由系统自动发出，并非客户本人"),
    Key.GATE_CASE_HAS_PERSON: ("a person has the case", "已有客服在处理"),
    Key.GATE_ENOUGH_ANSWERS: ("the case has had its automatic answers", "本会话的自动回答次数已用完"),
    Key.GATE_ATTACHMENT: ("it has a file", "带有附件"),
    Key.GATE_LANGUAGE: ("there are no answers in its language", "常见问题没有该语言的版本"),
    Key.GATE_SEVERAL_QUESTIONS: ("it asks several questions", "包含多个问题"),
    Key.NOTHING_RESEMBLES: ("no answer resembles it", "没有相近的答案"),
    Key.ANSWER_HAS_RULE: ("the answer {answer} is not sent by itself", "答案 {answer} 设置为不自动发送"),
    Key.NO_THRESHOLD: (
        "nothing is answered alone before `omniyard answers train` has found from when on that is safe",
        "尚未得出自动回答的阈值，需由管理员运行 `omniyard answers train`",
    ),
    Key.BELOW_ANSWER: (
        "the confidence {confidence} is below {threshold}, from which an answer is sent",
        "置信度 {confidence} 低于自动发送所需的 {threshold}",
    ),
    Key.BELOW_OFFER: (
        "the confidence {confidence} is below {threshold}, from which answers are offered",
        "置信度 {confidence} 低于推荐答案所需的 {threshold}",
    ),
    Key.FEW_WAYS_TO_ASK: ("the answer {answer} has too few ways to ask", "答案 {answer} 的问法太少"),
    Key.TAKEN_OVER: ("a person took the case over in the meantime", "期间已由客服接手"),
    Key.ANSWER_DOUBTED: ("an agent called this answer wrong for these words", "客服曾将该问题的答案标为不正确"),
}

ANSWER_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "fits": ("Fits", "推荐答案"),
    "fits_hint": ("Look for answers in the help pages", "查找帮助中心的相关答案"),
    "fits_score": ("{share} % sure", "匹配度 {share}%"),
    "fits_wrong": ("Wrong answer", "答案不对"),
    "fits_wrong_hint": (
        "The words are proposed as a way to ask for the chosen answer; a senior approves them.",
        "该问法会作为所选答案的新问法提交，由资深客服审核。",
    ),
    "fits_no_answer": ("none of them", "都不是"),
    "answer_answered": ("Answered automatically", "已自动回答"),
    "answer_offered": ("Offered automatically", "已自动推荐"),
    "answer_refused": ("Not answered automatically", "未自动回答"),
    "verdict_fits": ("the customer: that answers it", "客户表示已解决"),
    "verdict_person": ("the customer wants a person", "客户要求人工"),
    "verdict_wrong": ("marked wrong", "已标为不正确"),
}
