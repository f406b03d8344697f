"""The ready texts that a fresh desk offers its supervisors: the matters of an e-wallet, in both languages.

They are used as they are: no placeholder, so that they fit a first mail and a chat too, and nothing that this desk
cannot know. So they name no period, no fee, no button of the app and no result, and ask for no password and no code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class StarterText:
    """key: for its id.  folder, title: English, Chinese.  code: what is typed after "/".  texts: by language."""

    key: str
    folder: tuple[str, str]
    title: tuple[str, str]
    code: str
    texts: dict[str, str]


_PASSWORD: Final = ("Password reset", "重置密码")
_LOCKED: Final = ("Locked account", "账户锁定")
_FAILED: Final = ("Failed transaction", "交易失败")
_REFUND: Final = ("Refund", "退款")
_SECURITY: Final = ("Account security", "账户安全")

STARTER_TEXTS: Final = (
    StarterText(
        "password-how",
        _PASSWORD,
        ("How to reset the password", "如何重置密码"),
        "mm",
        {
            "zh": "您好，登录密码可以在登录页自行重置。如果操作中遇到提示或卡在某一步，请告诉我们提示的内容和出现的时"
            "间，我们来协助您。\n\n"
            "请不要把密码或验证码告诉任何人，我们不会向您索取。",
            "en": "Hello, you can reset your login password yourself on the sign-in page. If a message stops you, "
            "please tell us what it says and when it appeared, and we will help you.\n\n"
            "Please never give your password or a code to anyone; we do not ask for them.",
        },
    ),
    StarterText(
        "password-no-code",
        _PASSWORD,
        ("The code does not arrive", "收不到验证码"),
        "yzm",
        {
            "zh": "您好，收不到验证码时，请先检查手机信号、短信拦截和存储空间，并核对页面显示的手机尾号是否为您的号码"
            "。如果仍收不到，请告诉我们：\n"
            "1. 手机号后四位；\n"
            "2. 最近一次获取验证码的时间；\n"
            "3. 该号码是否仍在使用。\n\n"
            "收到的验证码请不要告诉任何人，包括我们。",
            "en": "Hello, if no code arrives, please check the signal, blocked messages and the storage of your "
            "phone, and whether the page shows the last digits of your number. If it still does not arrive, "
            "please tell us:\n"
            "1. the last four digits of the number;\n"
            "2. when you last asked for a code;\n"
            "3. whether you still use the number.\n\n"
            "Please do not give a code to anyone, not to us either.",
        },
    ),
    StarterText(
        "locked-ask",
        _LOCKED,
        ("Locked: ask for details", "账户锁定：了解情况"),
        "sd",
        {
            "zh": "您好，收到您的反馈，账户无法使用给您带来不便，十分抱歉。为了核查原因，请告诉我们：\n"
            "1. 页面上显示的提示（可附截图，请遮住个人信息）；\n"
            "2. 第一次出现的时间；\n"
            "3. 近期是否更换过手机或手机号。\n\n"
            "我们核查后会在这里回复您。请不要提供密码或验证码。",
            "en": "Hello, we are sorry that you cannot use your account. To find out why, please tell us:\n"
            "1. what the page says (a picture helps; please cover personal details);\n"
            "2. when it first appeared;\n"
            "3. whether you changed your phone or number lately.\n\n"
            "We will look into it and answer you here. Please do not send passwords or codes.",
        },
    ),
    StarterText(
        "locked-review",
        _LOCKED,
        ("Locked: being reviewed", "账户锁定：审核中"),
        "sh",
        {
            "zh": "您好，您的账户限制正在由相关部门审核，客服无法跳过审核，也无法提前告知结果。如需补充材料，请只在应"
            "用内提交，不要通过邮件或聊天发送证件。\n\n"
            "在此期间，如有人以“解除限制”为由要求您转账或提供验证码，请不要相信。",
            "en": "Hello, the restriction of your account is being reviewed. We cannot skip the review or say its "
            "result in advance. If documents are needed, please hand them in within the app alone, never by "
            "mail or chat.\n\n"
            "If anyone asks you for a transfer or a code in order to lift the restriction, please do not "
            "believe them.",
        },
    ),
    StarterText(
        "failed-ask",
        _FAILED,
        ("Failed: ask for details", "交易失败：补充信息"),
        "jy",
        {
            "zh": "您好，为了查询这笔交易，请告诉我们：\n"
            "1. 交易号（在账单详情中可以找到）；\n"
            "2. 交易时间和金额；\n"
            "3. 付款方式（余额或银行卡）；\n"
            "4. 账单中显示的状态。\n\n"
            "查清之前，请先不要重复支付。银行卡号不必提供完整号码。",
            "en": "Hello, to look up this transaction, please tell us:\n"
            "1. the transaction number (in the details of the bill);\n"
            "2. time and amount;\n"
            "3. how you paid (balance or bank card);\n"
            "4. the state that the bill shows.\n\n"
            "Please do not pay again until it is clear. There is no need to send a whole card number.",
        },
    ),
    StarterText(
        "failed-checking",
        _FAILED,
        ("Failed: being checked", "交易失败：核查中"),
        "hc",
        {
            "zh": "您好，您提供的信息已收到，我们正在核查这笔交易，有结果会在这里回复您。如果账单状态在此期间有变化，"
            "也请告诉我们。",
            "en": "Hello, thank you, we have what we need and are checking this transaction. We will answer you here "
            "when we know more. If the bill changes its state meanwhile, please tell us.",
        },
    ),
    StarterText(
        "refund-ask",
        _REFUND,
        ("Refund: ask for details", "退款：补充信息"),
        "tk",
        {
            "zh": "您好，为了查询退款，请告诉我们：\n"
            "1. 原交易的交易号；\n"
            "2. 申请退款的时间和金额；\n"
            "3. 商家名称；\n"
            "4. 如商家表示已退款，请提供退款单号。\n\n"
            "银行卡号不必提供完整号码。",
            "en": "Hello, to look up your refund, please tell us:\n"
            "1. the number of the original transaction;\n"
            "2. when the refund was asked for, and the amount;\n"
            "3. the name of the merchant;\n"
            "4. if the merchant says it was refunded, the number of the refund.\n\n"
            "There is no need to send a whole card number.",
        },
    ),
    StarterText(
        "refund-merchant",
        _REFUND,
        ("Refund: by the merchant", "退款：需商家处理"),
        "sj",
        {
            "zh": "您好，退款需要由商家发起，我们无法代替商家退款。请先联系商家协商；如果商家拒绝或联系不上，请把交易"
            "号、协商记录和您的诉求发给我们，我们来了解情况。",
            "en": "Hello, a refund is started by the merchant; we cannot make it in their place. Please speak with "
            "the merchant first. If they refuse or cannot be reached, please send us the transaction number, "
            "what was said and what you ask for, and we will look into it.",
        },
    ),
    StarterText(
        "security-now",
        _SECURITY,
        ("Stolen: what to do at once", "疑似盗用：立即处理"),
        "aq",
        {
            "zh": "您好，请先立即做这几件事：\n"
            "1. 在可信的设备上修改登录密码和支付密码；\n"
            "2. 联系银行，暂停已绑定的银行卡；\n"
            "3. 如有资金损失，请向公安机关报案，并保留回执。\n\n"
            "同时请告诉我们：异常交易的时间、金额和交易号。不要向任何人透露验证码，不要向所谓“安全账户”转账。",
            "en": "Hello, please do this at once:\n"
            "1. change the login and payment passwords on a device that you trust;\n"
            "2. call your bank and have the linked cards stopped;\n"
            "3. if money is gone, report it to the police and keep the receipt.\n\n"
            "Please also tell us time, amount and number of the transactions that are not yours. Give no code "
            "to anyone, and send no money to a so-called safe account.",
        },
    ),
    StarterText(
        "security-fake",
        _SECURITY,
        ("A suspicious message or call", "可疑短信或来电"),
        "zp",
        {
            "zh": "您好，感谢您告诉我们。请不要点击其中的链接，不要回电，也不要提供密码、验证码或银行卡信息。我们不会"
            "以任何理由索取这些信息，也不会要求您转账。\n\n"
            "如果您已经点击链接或提供了信息，请立即修改密码并联系银行，然后告诉我们。",
            "en": "Hello, thank you for telling us. Please do not open its links, do not call back, and give no "
            "password, code or card details. We never ask for them for any reason, and never ask you for a tran"
            "sfer.\n\n"
            "If you have opened a link or given something away, please change your password, call your bank, "
            "and then tell us.",
        },
    ),
)
