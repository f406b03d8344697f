"""What is no matter: thanks, greetings, calls for a person, nothing; and what only looks so."""

from __future__ import annotations

import pytest

from router.remarks.our_question import is_question
from router.remarks.recognise_remark import asks_to_stop, remark_of
from router.remarks.remark_kind import RemarkKind

TEXTS = {
    RemarkKind.COURTESY: [
        "谢谢", "多谢晒", "没事了 已经好了", "祝您生活愉快,天天开心", "拜拜👋", "您好，谢谢",
        "辛苦了🌹", "非常感谢！！",
        "thanks!", "thanks bye", "Thaaanks", "i found it", "Thanks 🙏", "谢谢你的帮助", "非常感谢您的耐心解答",
        "Thank you very much for your help.\n\nSent from my iPhone",
        "that's all, have a nice day", "太棒了给你们五星好评",
        # Parts: an intensifier, thanks, for what; praise; wishes; a name.
        "Thank you so much for your quick help", "thanks for getting back to me so quickly",
        "really appreciate the help",
        "what a great team, thanks", "you've been very helpful thank you", "Thanks Anna!", "Thank you,\nTom",
        "Thanks! Have a lovely evening ahead", "I'm very happy with the service, thank you",
        "谢谢客服，祝您工作顺利，生活愉快！", "你们效率真高", "感谢王老师耐心讲解", "谢谢你帮我解决了问题",
        "给你们添麻烦了，谢谢",
        "Thanks Ming", "Thanks Fred!", "thanks mr smith", "感谢钱老师", "谢谢小王",
        "thanks, all good now", "麻烦你们了，已经好了", "没其他问题了，谢谢",
        "你们回复真快，赞", "麻烦你们这么久，谢谢",
        # What has come, next to thanks; "again" where it is good news.
        "thanks, the money is back again", "谢谢，钱又回来了", "thanks, my account is unlocked",
        "thank you, I can log in again", "thank you, it works again", "thanks again for your help",
        "thanks, the refund arrived", "received the money, thank you very much", "收到退款了，谢谢", "钱到账了，多谢",
    ],
    RemarkKind.ASSENT: [
        "ok", "好的", "嗯嗯", "收到", "k", "Got it.", "行嘞", "👍👍", "知道了", "sounds good",
        "好的，谢谢", "收到谢谢", "ok thanks bye", "never mind i found it", "done", "弄好了", "不用了谢谢", "好的呢",
        "perfect, it's working now. thanks again", "It's all resolved now, thanks for everything",
        "ok got it, will try that. thanks", "makes sense now thank you so much for the clear explanation",
        "the problem is now solved, thanks",
        "谢谢，又能登录了", "ok thanks, it is unlocked now", "thanks, it is working fine now", "谢谢，又可以用了",
        "收到，谢谢啦", "谢谢您的耐心解答，问题已经解决了", "已经可以登录了，谢谢", "知道怎么操作了，谢谢",
        "好的谢谢，我试试", "按您说的重启了一下，果然好了，谢谢",
    ],
    RemarkKind.GREETING: [
        "你好", "你好呀", "在吗？", "hello?在么在么", "Hi there", "hi i have a question", "您好，请问", "heyyyy",
        "有人吗？？", "Good morning!",
        "can you help me please", "請問在嗎", "你好，打扰了",
    ],
    RemarkKind.EMPTY: [
        "", "  ", "\u200b", "???", "。。。", "[图片]", "[语音] 0:02", "测试", "test 123", "😡", "Sent from my iPhone",
        "啊",
    ],
    RemarkKind.PERSON: [
        "人工", "转人工", "轉人工客服", "0转人工", "别机器人了 叫个活人来", "人工客服谢谢", "找你们经理", "客服",
        "给我打个电话吧", "rengong",
        "agent please", "I want to speak to a human", "is there a manager around", "not a bot pls", "call me back",
        "HUMAN!!!",
    ],
    RemarkKind.CONTENT: [
        "谢谢，但是还没到账", "好了没", "好的，什么时候到账？", "没收到", "ok?", "谢谢😡", "yes", "no", "18",
        "2024091822001436780512",
        "人工服务的电话是多少", "转人工，我的卡被盗了", "你们客服真耐心", "客服电话", "周末有人吗",
        "我要投诉你们经理", "退款", "取消",
        "thanks but it still fails", "hello my card was stolen", "help my money is gone", "agent fee?",
        "can i transfer money to a person",
        "ok i will pay tomorrow", "好吧我等", "被盗了", "stop", "照片", "谢谢你们的贷款广告", "在吗？我的钱没了",
        "收到一条陌生的扣款短信",
        "thank you for stealing my money",
        # Pleas, requests and losses that thanks stand in.
        "help", "help me!", "please help", "帮帮我", "🆘",
        "帮忙解决一下", "麻烦你解决一下", "麻烦您回复一下", "麻烦您解答", "回复谢谢", "及时回复谢谢",
        "打扰了 麻烦您回复",
        "我的都没有了", "现在没有了", "没有了", "那我的呢", "好的那我的呢", "可以嘛", "解决了嘛", "好了吧",
        "right now please", "all tx", "wrong number", "yes thanks", "yep thanks bye",
        "re 20240918123", "test 482913", "图片 123456",
        # What only looks as if it were made of the parts.
        "thanks for nothing", "thanks in advance for fixing this", "quick reply please", "is it fixed now",
        "thanks, is it working", "the issue is back", "it was working", "i have time", "i got the message",
        "received the code", "i received the money", "everything is gone", "Thank you. Help", "thanks. refund",
        "would appreciate your help", "you can close my account", "thanks for charging me twice",
        "good job losing my money", "the payment came back thanks", "Thanks, Scammed", "thanks,\nWaiting",
        "麻烦你处理一下", "帮我弄好", "你们快点", "你们快啊", "账号登录成功", "收到短信了", "钱到账了", "给我说清楚",
        "你们负责", "都给您了", "卡不用了", "订单不需要了", "处理好了吗", "谢谢处理", "谢谢帮忙处理", "尽快解决谢谢",
        "the problem is back, thanks", "my issue is back up", "thanks, the issue is running again",
        # What happened again, or is back without a name.
        "thanks, it is gone again", "谢谢，钱又没了", "thanks, it went through again",
        "ok thanks, that went through again", "thanks, now it is back", "thanks, I received it again",
        "thank you, it came back again", "thanks, it came back", "thank you, I got it again",
        "thanks it is done again", "谢谢，又退了",
        "Thanks, it is here again", "谢谢，验证码又收到了", "谢谢，又不行了", "好的谢谢，但是又被锁了",
        "thanks, I lost it again",
        # Where a name would stand.
        "Thanks Frozen", "Thanks Reset Password", "Thank you Suicide", "thanks dear hacked", "thanks agent refund",
        "谢谢骗先生", "谢谢小冻", "谢谢小偷先生",
        # A farewell to all may be one for ever.
        "感谢大家，我走了", "我走了，保重，谢谢大家", "so long everyone", "thanks everyone, farewell", "谢谢钱又退回了",
        "问题又来了",
        "现在好了钱没了", "谢谢你们骗我", "麻烦你们快点", "帮我解决问题谢谢", "你们的良心呢", "加油",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in TEXTS.items() for text in texts])
def test_a_text_is_a_remark_only_if_it_says_nothing_else(kind, text):
    assert remark_of(text) is kind


@pytest.mark.parametrize(
    "text",
    [
        "Stop texting me",
        "no more promos!!",
        "no more messages, stop texting me",
        "quit spamming my inbox",
        "别再给我发短信了烦死了",
        "不要再發廣告給我",
        "please do not send me any more texts",
    ],
)
def test_a_sentence_may_stop_text_messages(text):
    assert asks_to_stop(text)


@pytest.mark.parametrize(
    "text",
    [
        "please stop it now", "stop sending money", "stop sending me codes", "别发了", "别再给我发验证码了",
        "don't send", "stop the payment",
        "别再给我发短信了，我的号被盗了", "我的手机不接收短信", "骚扰短信", "my phone stop sending messages",
        "messages stop sending", "stop texting me?", "我不想收到货",
    ],
)  # fmt: skip
def test_what_may_be_a_plea_stops_nothing(text):
    assert not asks_to_stop(text)


def test_a_long_row_of_the_same_phrase_is_read_at_once():
    assert remark_of("好" * 150 + "x") is RemarkKind.CONTENT
    assert remark_of("哈哈" * 70 + "谢") is RemarkKind.CONTENT


@pytest.mark.parametrize(
    "text",
    [
        "Shall we send it to your card?", "需要退到您的银行卡吗", "请确认是否继续", "您方便接电话么。", "对吧",
        "Please confirm the address.", "Let me know if that works. Thanks", "Reply YES to go on", "请告知您的地址",
        "Is it fixed? Is there anything else?", "Please send us the form.", "请上传照片",
    ],
)  # fmt: skip
def test_what_an_agent_asks_is_a_question_with_and_without_its_mark(text):
    assert is_question(text)


@pytest.mark.parametrize(
    "text",
    [
        "Your refund leaves today.", "您的退款今天到账。", "Is there anything else?", "请问还有其他问题吗？", "",
        "Let me know if you have any further questions.", "如有问题请随时告诉我们", "您看还有什么可以帮您的吗？",
        "已经处理，请您耐心等待", "请放心。", "请重启应用。", "Please restart the app.",
        "Please allow two days.", "We will reply soon.",
    ],
)  # fmt: skip
def test_an_offer_of_more_help_is_no_question(text):
    assert not is_question(text)
