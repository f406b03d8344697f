"""What says that there is no danger now, also to a keyword; and the same words where they deny or solve nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.danger.pairs import compile_pairs
from router.danger.words import build_word_detector
from router.settings import load_settings
from router.settings.danger_words import DangerWords, GroupWords, PairRule, Softener

DETECTOR = build_word_detector(load_settings(Path(__file__).parents[3] / "config" / "channels.toml"))

NO_DANGER = {
    "denied": [
        "It was not stolen, I just forgot the PIN",
        "No one has hacked me, I only want fewer texts",
        "This is not a phishing report, I need an invoice",
        "My card has not been stolen or lost, it simply expired",
        "wasn't fraud, it was my brother, please lift the block",
        "there has never been an unauthorised payment on my account, I'm asking about fees",
        "不是被盗，是我忘了密码",
        "不是盗刷，是重复扣款",
        "没有被盗刷，只是想问手续费",
        "账号没有被盗用，我只是换了手机",
        "沒有人盜用我的帳戶，我只想改地址",
        "这不是诈骗，对方是我哥，请放行",
        "并非被盗，我自己锁的",
        "没有发生盗刷，就想问额度",
        "唔係被盜，我自己改咗密碼",
        "说了多少遍不是盗刷！是我自己买的！",
    ],
    "solved": [
        "My phone was stolen in March. You blocked it and all that is resolved. How do I get paper statements?",
        "The stolen card case is already resolved, please close the ticket",
        "Yesterday I wrote that my wallet was stolen. I found it in the car!",
        "hacked account got sorted last week, how do i turn face id back on",
        "上周被盗刷的事已经解决了，想问怎么开收据",
        "昨天說錢包不見了，已經找到了，請幫我解凍",
        "之前被诈骗的案子已结案，钱退回来了",
        "那笔盗刷查清楚了，是我爸买的",
    ],
    "over": [
        "你好，上次被盗刷的钱已经到账，谢谢",
        "您好，被盗的账户已经恢复了，感谢您的帮助",
        "银行卡被盗刷的款项今天收到了，非常感谢",
        "被盗用的账号已解封，非常感谢",
        "盗刷的两笔都到账了，谢谢！",
        "丢失的卡已经补办，谢谢",
        "被盜刷的錢已經到賬，謝謝",
        "虚惊一场，不是被盗，是我自己登录的",
        "之前支付宝被盗，账号恢复了，感谢客服小李",
        "The money that was stolen from my account has been refunded, thank you!",
        "Hi, the unauthorised charge has been reversed. Thanks so much!",
        "Thanks! The money stolen last week has arrived back in my wallet",
        "My stolen card was replaced, thank you",
        "all good now, nobody got into my account, false alarm",
        "Got my stolen money back yesterday, you can close this",
        "You got back the money I was scammed out of. Brilliant",
        "被盗刷三百块已经到账了",
        "上次我被诈骗的钱你们帮我追回了",
        "被骗走的两千元退到我卡里了，太感谢了",
    ],
    "other people": [
        "My neighbour's card was stolen last year, can you block mine while I travel?",
        "I read that another wallet was hacked, are you safe?",
        "A colleague's phone was stolen, he asks for your opening hours",
        "朋友的账号被盗了，他问你们电话多少",
        "邻居去年被诈骗，我想提高警惕，怎么设置限额",
        "新闻里说有人被盗刷，是真的吗",
        "同事的卡被盗刷过，所以我想问限额怎么设",
    ],
    "about a feature or in general": [
        "What is phishing?",
        "How do I report a stolen card in general?",
        "How do you handle unauthorised transactions?",
        "Would you cover it if my card is stolen overseas?",
        "Suppose my account got hacked, would I get the money back?",
        "if someone stole my phone could they pay without the PIN?",
        "请问什么是盗刷",
        "异地登录提醒怎么关闭",
        "要是被盗了你们赔吗",
        "假如手机被偷了，别人能付款吗",
        "我在写论文，想了解账户被盗的处理流程",
        "万一卡被盗刷，一般多久能赔",
    ],
    "a notice's case that may not be so": [
        "If you don't recognise a transaction, or your card is lost or stolen, call us at once.",
        "Your balance is 10 USD. If it reaches zero your account will be suspended.",
        "您的账户支出500元，如非本人操作请联系客服",
        "账单已出，如非本人交易，或卡片遗失被盗，请立即致电",
    ],
    "asked by an impostor, and nothing done": [
        "有人打电话说是你们客服要我共享屏幕我没理他",
        "自称公安的人让我转到安全账户，我没照做",
        "someone from your support wanted the code, I did not tell him anything",
    ],
    "a button or the hotline is gone": [
        "钱包里找不到客服",
        "客服不见了 钱包里找不到",
        "钱包里的充值按钮没了",
        "the money option is missing in my wallet",
    ],
    "goods that were not sent": ["I want my money back for this order, the shop never sent it."],
    "quoted": [
        'Your page says "unauthorised" next to a tick box, which tick box is it?',
        "菜单里的“异地登录”是什么",
        "帮助里写着「被盗」两个字，点进去是空白页",
    ],
    "attempted, and not followed": [
        "有人冒充客服打电话，我没理他，直接挂了",
        "骗子打来电话，我没上当",
        "有人冒充客服让我转账，我没转",
        "收到骗子的短信，我删了，没理他",
        "A caller said he was from support, I told him nothing",
        "A scammer phoned me, I gave him nothing and blocked the number",
        "I got a phishing mail, I deleted it without clicking",
        "Somebody pretending to be you called, I hung up",
        "you ren mao chong kefu da dianhua, wo gua le",
    ],
    "still supposed": [
        "I am worried that if my phone is stolen it could happen to me too",
        "A colleague asked what to do if a card is stolen. That never happened to me, I only forgot my PIN.",
        "新闻说很多人被骗，我怕轮到我，怎么开通保护",
        "如果卡被盗了怎么办，这是我一直想问的",
    ],
    "asked why, and nothing of a danger is lost": [
        "Why was my refund not approved? My balance is 0",
        "没有验证码为什么转不出去？余额是0",
        "按客服说的操作提现了，钱还没到账",
        "I followed the steps your agent gave me, the error is gone",
        "I hung up because the wait was too long. My account is still locked.",
    ],
    "in pinyin, and harmless": [
        "qing wen zhang hao zenme zhuce",
        "ruguo shouji bei tou le zenme ban",
        "wo mei bei pian, zhi shi wen yi xia",
        "wo mei you bei dao, wo wang le mima",
        "wo de shouji diu le, zai pengyou nali zhaodao le",
        "tui kuan hai mei dao, kuai yi dian",
        "wo de qian hai mei dao zhang",
    ],
    "a name or another language, like pinyin": [
        "Herr Bei Dao Qian ist bei der Bank, wo er arbeitet",
        "My friend Mei Le moved here, how do we pay the rent?",
        "Le restaurant Bei Dao est fermé",
    ],
    "a trade, not a trouble": [
        "The hackers' conference needs a group payment, can we pay by wallet?",
        "We watched a show about hackers, can I pay the streaming with the wallet?",
    ],
}

DANGER = {
    "the negation negates something else": [
        "I did NOT make this transfer",
        "I have not authorised this payment",
        "I never gave the code to anyone and still my account was hacked",
        "My card was stolen, I did not notice until now",
        "I can't log in, my account was hacked",
        "不是我转的，这笔转账我不认识",
        "不是我操作的",
        "我没有操作过，钱没了",
        "没有给过任何人密码，账号还是被盗了",
        "我没动手机，卡被盗刷了",
        "這筆消費不是我本人",
    ],
    "a question that expects yes": [
        "Isn't this fraud? A payment to a shop in Lagos that I never made",
        "这不是盗刷吗",
        "难道不是被盗了吗，钱一直在往外转",
    ],
    "not solved, or danger again": [
        "My stolen card is still not resolved, money keeps leaving my account",
        "You refunded me last month. Now my account was hacked again today",
        "I have not found my phone, it was stolen on the bus",
        "被盗刷的事还没解决，今天又少了钱",
        "上次被盗找回来了，这次又被盗了",
        "钱没退回来，我被骗了",
    ],
    "over, and happening again or still, or not back with the customer": [
        "钱退回来了，可是又被盗刷了一笔",
        "账户恢复了，但是今天又有人登录",
        "账户恢复了，有人登录把钱转走了",
        "已经到账的钱又被转走了",
        "钱刚到账就被人转走了，快帮我冻结账户",
        "卡被盗刷了刚到账的三千",
        "新卡补办好了，可是新卡也被盗刷了",
        "客服说已经退款，但是被盗刷的钱根本没到账",
        "被盗的账户恢复了，另外我妈的账户也被人登录转走了钱",
        "被盗的账户恢复了。刚才有一笔不是我操作的转账",
        "被骗的钱你们帮我追回了，可是今天又被盗刷",
        "被盗刷的钱还没退给我",
        "被骗了三千块，骗子只还我五十",
        "被盗刷三百块，钱到账骗子那里了",
        "被骗走两千，能要回来吗",
        "My stolen money has not come back",
        "thanks for refunding the first one, but my card was stolen",
        "The login was my old phone, which was stolen",
        "被盗的钱退回来了，今天手机又丢了",
        "被骗的钱已经到对方账户了",
        "被盗刷的钱已经到账了吗",
        "被盗的账户什么时候恢复",
        "工资已经到账，卡被盗刷了",
        "the money is back but they are in my account again",
        "I thought it was a false alarm, but my money really was stolen",
        "The refund has arrived but my card was stolen this morning",
        "The account was recovered and then hacked again, money is gone",
        "My account was hacked. When will it be restored?",
        "My card was stolen and a bill has arrived",
        "my account was hacked and my password was restored by him",
    ],
    "over, own or brought back only in the words of it": [
        "You returned my stolen money to the thief!",
        "not a penny was left, somebody withdrew it all this morning",
        "Yes I authorised it because the caller said my account was hacked",
        "Yes I made the payment, but to a fraudster who pretended to be you",
        "that was my old password, the hacker changed it and is draining my wallet",
        "A man helped me recover my stolen account, then he changed the password and took the money",
        "这笔是我转的，可是对方是骗子，刚拉黑我",
        "那笔是我转的，骗子说是公安局让我转安全账户",
        "有个自称客服的人说帮我追回了被骗的钱，让我把卡号密码给他，我给了",
        "别的没事，就是卡里的两万块今早被人转走了",
        "一分没少？我的卡里明明少了八千，被人转走了",
    ],
    "the thief was quicker, or made the customer do it": [
        "Thanks for freezing it but the thief already took 3000",
        "glad you locked it. the hacker already transferred 2,000 though",
        "是我自己付的，被骗子骗着付的",
        "是我自己买的卡，被对方忽悠着买的",
    ],
    "below a notice, or after nothing was done": [
        "如非本人操作请联系客服。这不是我操作的",
        "If your card was stolen call us. My card was stolen",
        "冒充客服的人要我下载软件我没理他，可是钱被转走了",
        "this transfer I never sent",
        "Your alert says 'if this was not you contact us' - it was not me, freeze the transfer",
        "The text says if you did not authorise the payment reply STOP, I did not authorise it",
        "通知写着如不是您本人请冻结，确实不是我，请马上冻结",
        "如不是您操作，请报警——我已经报警了，一万二被划走",
        "a person claiming to be your staff told me to transfer my savings, I did nothing wrong and I did",
        "骗子说是银行的，我拒绝了两次，第三次还是照做把钱转过去了",
        "拒绝了假客服，但已经把验证码说出去了",
    ],
    "a coupon or a job only comes into it": [
        "my salary is gone, i got a job offer on telegram and they cleaned my wallet",
        "my voucher and all my money are gone",
    ],
    "the agent, a letter or a button is only mentioned": [
        "客服你好，我的钱被转走了",
        "客服你好 我手机丢了",
        "我是会员，我的钱被转走了",
        "我点了页面上的按钮钱就被转走了",
        "I am writing this mail because my money is gone",
        "I pressed the button and my money is gone",
    ],
    "mine as well, or by the hands of others": [
        "My neighbour's card was stolen and mine too, we were both robbed",
        "My friend used my card without asking me",
        "my bag was stolen, I am writing from a friend's phone",
        "朋友和我的手机都被偷了",
        "我手机被偷了，用同事的手机给你们发的",
        "有人冒充我朋友，我被骗了",
    ],
    "it has happened": [
        "How do I report it, my card was stolen this morning",
        "What do I do if my card has been stolen?",
        "手机丢了，如果别人转走我的钱怎么办",
        "卡被偷了，请马上冻结，顺便问有没有保险",
        "刚才提醒异地登录，不是我",
    ],
    "supposed, and true of the customer": [
        "if your phone is stolen they can pay with it - that is what happened to me",
        "If your card was stolen you would hurry too. Mine was.",
        "What happens if a wallet gets hacked? I ask because it happened to me.",
        "Your FAQ asks what to do if your account is hacked. That's exactly what happened to me",
        "要是账号被盗会怎么样？我现在就是这样",
        "如果被骗了能追回吗？我也中招了",
        "假如您的卡被盗刷了您会怎么办，我的就是被盗刷了",
    ],
    "let through, and lost": [
        "如不是我本人操作你们为什么放行？钱已经没了",
        "没经过我的密码，这钱怎么转出去的？卡里全空了",
        "If it was not me who paid, why did you let it pass? The money is gone.",
    ],
    "a caller was obeyed, and money is lost": [
        "客服打来说会员要取消，照做后钱没了",
        "A man called about my membership, I did what he asked and my money is gone",
    ],
    "ignored, and harmed all the same": [
        "有人冒充客服打电话，我没理他，但是钱还是被转走了",
        "没理他，结果第二天支付宝被登录，冒充客服的人干的",
        "短信：如非本人请忽略。我忽略了，结果账户被登录了",
        "有骗子打来我挂了，可是之前已经把密码告诉他了",
        "被骗了三千，后来他再打来我就没理了",
        "I did not tell him my code. He got in anyway and took 600.",
        "I just ignored it and the next day a stranger had my account",
        "I gave him the code and then hung up",
        "The caller said he was from customs, I did not tell him the pin, I just installed the app he wanted",
        "Someone phoned pretending to be your bank. I hung up. Then I saw 300 had been taken from my account.",
    ],
    "in pinyin": [
        "wo bei pian le 5000 kuai",
        "wo de zhanghao bei dao le",
        "you ren dao shua wo de ka",
        "wo qian bao li de qian mei le",
        "shou ji bei tou le",
        "shouji diu le",
        "zhe bi qian bu shi wo zhuan de",
        "wode zhanghu bei heike le",
        "bei zha pian le, zhuan le 3000",
        "Ni hao, my card bei daoshua le 2000 yuan",
    ],
    "hackers who did something": ["hackers got into my account", "the hackers have my password"],
}


@pytest.mark.parametrize(
    "text", [pytest.param(text, id=f"{kind}: {text}") for kind in NO_DANGER for text in NO_DANGER[kind]]
)
def test_what_is_denied_solved_asked_or_not_the_customers_own_is_no_emergency(text):
    assert DETECTOR is not None
    (verdict,) = DETECTOR.detect([text])
    assert verdict.outcome != "emergency", [one.values for one in verdict.evidence]


@pytest.mark.parametrize("text", [pytest.param(text, id=f"{kind}: {text}") for kind in DANGER for text in DANGER[kind]])
def test_the_same_words_hide_no_danger(text):
    assert DETECTOR is not None
    (verdict,) = DETECTOR.detect([text])
    assert verdict.outcome == "emergency"


GROUPS = {
    "thing": GroupWords(en=("card",), zh=("卡",)),
    "lost": GroupWords(en=("lost",), zh=("丢了",)),
    "again": GroupWords(en=("again",)),
}


@pytest.mark.parametrize(
    ("scope", "text", "softened"),
    [
        ("sentence", "sure, my card is lost", True),
        ("sentence", "sure. My card is lost", False),
        ("near", "sure. My card is lost", True),
        ("near", "sure. Hello. My card is lost", False),
        ("text", "sure. Hello. My card is lost", True),
        ("text", "sure. Hello. My card is lost again", False),
        ("ahead", "sure, my card is lost", True),
        ("ahead", "my card is lost, sure", False),
        ("behind", "my card is lost for sure", True),
        ("behind", "hello, my lost card is sure, thanks", True),
        ("behind", "sure my card is lost", False),
        ("behind", "my card is lost, sure", False),
        ("behind", "my card, lost for sure", False),
        ("behind", "my card is lost again for sure", False),
        ("before", "my card is sure now lost", True),
        ("before", "my sure and very good old card is lost", False),
        ("directly", "my card is sure lost", True),
        ("directly", "my card is sure now lost", False),
        ("sentence", "sure, my card is lost again", False),
    ],
)
def test_where_a_softener_must_stand_and_what_cancels_it(scope, text, softened):
    words = DangerWords(
        groups=GROUPS,
        pairs={"lost_thing": PairRule(needs=("thing", "lost"))},
        softeners={"sure": Softener(scope=scope, en=("sure",), unless=("again",))},
    )
    (found,) = compile_pairs(words).read(text)
    assert bool(found.softened_by) == softened


def test_a_group_that_may_stand_elsewhere_does_not_bind_what_stands_behind():
    sure = Softener(scope="behind", en=("sure",), beside=("thing",))
    pairs = {"lost_thing": PairRule(needs=("thing", "lost"))}
    words = DangerWords(groups=GROUPS, pairs=pairs, softeners={"sure": sure})
    found = [
        compile_pairs(words).read(text)[0].softened_by for text in ("my card, lost for sure", "lost, card for sure")
    ]
    assert found == [("sure",), ()]
