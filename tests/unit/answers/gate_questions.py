"""Written cases for the gates: about one's own money and identity, and general ones. A plain module."""

from __future__ import annotations

# One a line: Chinese in both scripts, English, pinyin, with mistakes.
OWN = """
帮我解冻账户
换绑手机
帮我查一下退款
把我的钱退给我
退我钱
给我退款
麻烦帮忙解锁一下
请尽快退款
我的退款到哪里了
我的提现怎么还没到
帮忙查查我的转账
订单号20261103退款
交易号 4200001234567890 查一下
昨天转的五百块没到
11月3日充的钱没到账
我要注销账户
我要退款
给我解除限制
请核实我的身份
帮我改一下手机号
解封账号
幫我解凍帳戶
把錢退給我
請幫我查退款進度
我昨天付款扣了两次钱给我退回来
尾号1234的卡扣了钱
帮俺看看钱咋还没到
bang wo jiedong
bangwo cha yixia tuikuan
tui qian gei wo
wo yao tuikuan
帮我把银行卡解绑
把这笔转账撤回
请帮我恢复账户
where is refund 20261103
unlock my account
refund me
please unlock my account
unlok my acount
pls refund my money
where is my refund
where's my money
I want my refund
can you check my transfer
reset my password for me
please cancel my payment
track my withdrawal
change my phone number to a new one please
close my account
verify my identity now
I paid yesterday and it did not go through
I topped up 200 yuan this morning and nothing is there
give me back my money
what happened to my payment
unfreeze my wallet asap
please release my money
refnd me
can you reverse my transfer
my account needs to be unlocked
please look into my withdrawal
""".strip().splitlines()

GENERAL = """
退款一般多久到账
怎么修改登录密码
忘记支付密码怎么办
收不到验证码怎么办
怎么绑定银行卡
提现要多久
充值有什么方式
手续费怎么收
每天限额是多少
怎么关闭自动续费
客服什么时候上班
怎么导出账单
怎么开发票
国外可以用吗
账户被锁定怎么解锁
转账对方没收到怎么办
付款失败但是扣款了怎么办
扫不了码怎么办
怎么切换英文
红包没人领会退回吗
支持哪些银行
怎么换手机登录
默认付款方式怎么改
退款金额为什么少了
怎样申请退款
為什麼收不到驗證碼
怎麼提現
怎么解绑银行卡
密码输错几次会被锁
应用闪退怎么办
how long does a refund take
how do I reset my password
how do I change my payment password
why do I not get the SMS code
how can I add a bank card
how long does a withdrawal take
how do I top up
what are the fees
what is the daily limit
how do I stop a subscription
when are you open
how do I download a statement
how do I get an invoice
can I use it abroad
how long is an account locked after wrong passwords
how long does a transfer take
why was my payment declined
the QR code does not scan
how to change the language
does an unopened red packet come back
which banks are supported
how do I log in on a new phone
how do I change the default card
why is the refund less than I paid
how do I ask for a refund
can I transfer on weekends
is it free to withdraw money
how do I remove a card
what do I do if a payment failed but the money was taken
the app crashes what can I do
""".strip().splitlines()
