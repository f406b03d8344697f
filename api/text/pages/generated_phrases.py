"""The words of texts that a model wrote, in English and in Chinese: buttons, marks, and why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

GENERATED_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "model_title": ("Written by a model", "模型代写"),
    "model_draft": ("Draft an answer", "起草回复"),
    "model_summary": ("Summarise", "生成摘要"),
    "tone_friendlier": ("Friendlier", "语气更亲切"),
    "tone_shorter": ("Shorter", "更简短"),
    "tone_formal": ("More formal", "更正式"),
    "model_translate": ("Translate", "翻译"),
    "model_writes": ("The model is writing. This takes some seconds.", "模型正在撰写，需要几秒钟。"),
    "model_wrote": ("Model", "模型"),
    "wrote_draft": ("Draft from the help pages", "根据帮助中心起草的回复"),
    "wrote_facts": (
        "Draft that asks for facts only: it is about the customer's own money or identity",
        "仅询问信息的回复草稿：涉及客户本人的资金或身份",
    ),
    "wrote_summary": ("Summary of the conversation", "会话摘要"),
    "wrote_tone": ("Your text in another tone", "你的文字（改换语气）"),
    "wrote_translation": ("Translation", "译文"),
    "model_from": ("From:", "依据："),
    "model_marked": (
        "Written by {model} for {by}. Check it before you send it; it is never sent by itself.",
        "由 {model} 为 {by} 撰写，不会自动发送，发送前请核对。",
    ),
    "model_translated": ("Translated by {model}; the original counts.", "由 {model} 翻译，以原文为准。"),
    "model_use": ("Use this text", "使用这段文字"),
    "model_flawed": ("The model's text is not shown:", "模型的文字未予显示："),
    "done_generated": ("The model has answered.", "模型已完成。"),
    "flaw_unreadable": ("it is not in the expected form", "格式不符合要求"),
    "flaw_cut": ("it was cut off", "内容被截断"),
    "flaw_not_enough": ("the help pages do not answer this", "帮助中心没有相应内容"),
    "flaw_empty": ("it is empty", "内容为空"),
    "flaw_too_long": ("it is too long", "内容过长"),
    "flaw_no_source": ("it names no source", "没有注明依据"),
    "flaw_number": ("a number or a time in it stands in no source", "其中的数字或时限没有依据"),
    "flaw_address": ("a link or an address in it stands in no source", "其中的链接或地址没有依据"),
    "flaw_negation": ("it says the opposite of its source", "与依据的意思相反"),
    "flaw_name": ("a name in it stands in no source", "其中的名称没有依据"),
    "flaw_promise": ("it promises something", "其中含有承诺"),
    "flaw_markup": ("it has links, markup or hidden characters", "含有链接、标记或隐藏字符"),
    "flaw_language": ("it is in another language", "语言不符"),
    "flaw_secret": ("it has a secret", "含有敏感信息"),
    "flaw_leak": ("it repeats the instructions of the model", "重复了给模型的指令"),
    "silent_absent": ("This desk has no model.", "本系统未配置模型。"),
    "silent_busy": (
        "The model is busy with other requests. Try again in a moment.",
        "模型正在处理其他请求，请稍后再试。",
    ),
    "silent_resting": (
        "The model failed several times and pauses for a minute. What fits is still found.",
        "模型多次失败，暂停一分钟。可能适用的答案仍可使用。",
    ),
    "silent_spent": (
        "The day's budget for the model is used up. What fits is still found.",
        "今日的模型额度已用完。可能适用的答案仍可使用。",
    ),
    "silent_unreachable": (
        "The model cannot be reached. What fits is still found.",
        "无法连接模型。可能适用的答案仍可使用。",
    ),
    "silent_slow": (
        "The model did not answer in time. What fits is still found.",
        "模型未能及时答复。可能适用的答案仍可使用。",
    ),
    "silent_overloaded": (
        "The model's provider is overloaded. Try again in a minute.",
        "模型服务繁忙，请一分钟后再试。",
    ),
    "silent_broken": (
        "The model's provider has a fault. What fits is still found.",
        "模型服务出现故障。可能适用的答案仍可使用。",
    ),
    "silent_refused": (
        "The model's provider refuses the request; an administrator finds the reason with `omniyard doctor`.",
        "模型服务拒绝了请求；管理员可运行 `omniyard doctor` 查看原因。",
    ),
    "silent_unreadable": (
        "The model's provider sent something that is no answer.",
        "模型服务返回的内容无法识别。",
    ),
}
