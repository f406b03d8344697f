"""The demo's script: customers of an e-wallet who write Chinese or English, on every channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Line:
    """One message of a customer. after: seconds since the line before.

    by: mail, sms, x, telegram, app, wechat or call.
    """

    after: float
    by: str
    who: str
    text: str
    subject: str = ""


LI_NA: Final = "li.na@example.com"
TOM: Final = "tom.harris@example.com"
WANG: Final = "+8613800138000"
AMY: Final = "+447911123456"

# The list shows the newest first: who writes Chinese writes last, because Chinese is the first language of the desk.
AFTERNOON: Final = (
    Line(1, "sms", WANG, "你好，我的转账失败了，但是钱已经扣了"),
    Line(1, "mail", LI_NA, "我忘记了支付密码，短信验证码也收不到。账号 lina_2020。", subject="重置密码"),
    Line(3, "telegram", "Chen Jie", "hello, how long does a refund take? order 20261120-88231"),
    Line(3, "x", "Maria Lopez", "My account is locked and no one answers. I am @marialopez, please help!"),
    Line(3, "sms", WANG, "交易号是 20261120998877，金额 350 元"),
    Line(4, "sms", AMY, "I was hacked! Someone moved my money, I did not make this payment of 900 GBP"),
    Line(3, "mail", TOM, "I paid 45.90 twice for order A-5521. Please refund one of them.", subject="Charged twice"),
    Line(3, "sms", AMY, "please freeze it now"),
    Line(2, "telegram", "Chen Jie", "the refund was for 129.00, promised last Friday"),
    Line(3, "x", "Maria Lopez", "Still locked. It says too many attempts."),
    Line(3, "x", "张伟", "我的账户被盗了，有人异地登录，把钱转走了，快冻结！"),
    Line(3, "telegram", "刘洋", "请问怎么修改绑定的手机号？"),
    Line(3, "app", "小王", "我在 App 里提现，一直显示处理中，钱没到账"),
    Line(2, "wechat", "阿强", "扫码付款 88 元，商家说没收到，订单号 20261120-4417"),
    Line(1, "call", WANG, "a voicemail"),
    Line(1, "call", "+85291234567", ""),
    Line(5, "sms", "+85261234567", "TD"),
    Line(4, "mail", "newsletter@shop.example", "Big sale this weekend!", subject="50 % off everything"),
    Line(4, "mail", LI_NA, "补充：我的注册邮箱就是这个邮箱。", subject="重置密码"),
    Line(5, "sms", WANG, "谢谢，等你们消息"),
)
