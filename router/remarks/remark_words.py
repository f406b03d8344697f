"""The phrases of which thanks, greetings and calls for a person consist, as people write them in chats.

A message is of a kind only if it consists of these phrases alone, so a word more of a matter makes it content.
In lower case and simplified characters; a letter that is written three times or more counts once.
Never add a phrase that may be all of a matter ("refund", "help", "no", "被盗"), nor two that make one, as "麻烦你" and
"回复", nor a particle that asks: "可以嘛", "那我的呢".
"""

from __future__ import annotations

from typing import Final

_THANKS: Final = """
    thanks|thank you|thank u|thankyou|thank ya|thanku|thx|thnx|thanx|tnx|tks|ty|tysm|tyvm|cheers|many thanks
    much appreciated|appreciate it|appreciated|i appreciate it|really appreciate it|grateful|3q|3 q|merci|gracias
    danke|arigato|xie xie|xiexie|thanks for the help|thanks for your help|thank you for your help
    thank you for the help|for your help|for the help|for your time|for your support|for your patience
    for the quick reply|for your quick reply|for the reply|for your reply|for the info|for the information
    for the update|for letting me know|for everything|in advance|you are a star|ur a star
    谢谢|谢|多谢|感谢|感恩|感激|辛苦|辛苦了|麻烦了|麻烦你了|麻烦您了|麻烦你们了|劳驾了|有劳了|费心|唔该|唔该晒|多谢晒|拜谢|谢啦|谢了|蟹蟹
    3克油|三克油|感激不尽|谢谢侬|给你添麻烦了|给您添麻烦了
"""
_YES: Final = """
    ok|okay|okey|okie|okie dokie|k|kk|oki|alright|all right|fine|great|good|perfect|cool|nice|super|awesome
    excellent|brilliant|lovely|wonderful|amazing|fantastic|got it|gotcha|got you|understood|i understand|i see|noted
    will do|sure|sounds good|no problem|no prob|np|no worries|makes sense|roger|roger that|copy that|received
    that helps|that helped|that works|happy with that|ojbk
    好的呢|好呢|好的|好哒|好滴|好嘞|好咧|好吧|好啦|好了|好呀|好啊|好哦|好|行|行吧|行嘞|行啊|行了|可以|可以了|可以的|没问题|收到
    收到了|已收到|收悉|已阅|阅|了解|了解了|明白|明白了|清楚了|知道|知道了|知道啦|我知道了|晓得|晓得了|懂了|懂|嗯|恩
    嗯呐|哦|噢|喔|哦了|欧了|欧克|得嘞|得了|妥了|没毛病|太好了|太好啦|真好
"""
# What is over: the answer, if we asked whether it is.
_OVER: Final = """
    never mind|nevermind|nvm|forget it|done|sorted|all sorted|sorted now|fixed|fixed now|solved|resolved|later
    不用了|不用啦|不必了|不需要了|算了|可以了|弄好了|弄好啦|搞定|搞定了|搞定啦|搞掂|解决了|已解决
"""
_DONE: Final = """
    that will be all|wrong chat|wrong window|all good|all set
    it works|it works now|works now|it works again|works again|working now|it is working now
    it is fixed|problem solved|issue resolved|i found it|found it|i got it
    i figured it out|figured it out|thats all|that is all|thats it|that is it|nothing else|no that is all
    没事了|没事|没事啦|没事儿|没事儿了|好了|已经好了|现在好了|又好了
    已经可以了|已经解决了|问题解决了|问题已解决|没有了谢谢|没有了感谢
    没别的了|没有其他问题了|没其他问题了|没问题了|没有问题了|找到了|不客气|客气|没关系|没事没事
"""
_BYE: Final = """
    merry xmas|happy xmas|to the team|to you all|bye|bye bye|byebye|bb|goodbye|good bye|cya|cu|see you|see ya|see u
    see you later|see ya later|take care|good night|goodnight|gn|have a nice day|have a good day|have a great day
    have a lovely day
    have a nice evening|have a good evening|have a good one|have a good weekend|have a nice weekend|enjoy your day
    you too|same to you|best|best wishes|best regards|kind regards|regards|happy new year|merry christmas
    happy holidays|happy weekend|happy birthday|congratulations|congrats|xoxo|88|886
    再见|拜拜|拜|回见|回头见|晚安|慢走|么么哒|爱你|爱你们|比心|顺利|愉快|生意兴隆|身体健康|万事如意|一切顺利|新年快乐
    新春快乐|春节快乐|节日快乐|国庆快乐|中秋快乐|元旦快乐|端午安康|生日快乐|圣诞快乐|快乐|恭喜发财|恭喜|大吉大利
    过年好|新年好|周末愉快
"""
_PRAISE: Final = """
    you are the best|ur the best|you guys are the best|the best|good job|great job|great service|good service
    well done|you guys rock|you rock|great help|very helpful|so helpful|helpful|love you guys|five stars|5 stars
    legend|star|a star|666
    赞|点赞|棒|真棒|棒棒哒|太棒了|厉害|牛|牛逼|给力|优秀|满意|很满意|好评|五星好评|服务好|服务真好|态度好|态度真好
    速度快|真快
"""
# What may stand between them and says nothing itself.
_FILLERS: Final = """
    a lot|a bunch|a million|a ton|so much|very much|so|very|really|much|many|all|you|u|your|lol|haha|hehe|hah|oh
    ah|aha|ooh|wow|phew|well|mate|bro|dude|man|dear|sir|madam|maam|guys|team|everyone|folks|friend|buddy|hun|pal
    from me|and|then|now|just|i am|that is|it is|is|please|pls|plz|i|me|too|ok then|x|xx|sorry
    你|您|你们|您们|侬|亲|亲爱的|客服|小姐姐|小哥哥|小哥|师傅|老师|大家|各位|美女|帅哥|朋友|兄弟|姐|哥|姐姐|哥哥|宝
    宝子|老铁|家人们|我|咱|了|啦|啊|呀|哈|哦|噢|喔|哟|呦|嘞|哒|滴|哇|咯|喽|呐|哎|诶|嘿|嗨|哈哈|呵呵|嘻嘻|嘿嘿
    已经|那|那就|就|先|先这样|先这样吧|这样|这样吧|就这样|就这样吧|都|也|再次|那好|那行|哎呀|已|现在|帮了大忙|帮大忙了|不好意思
    抱歉|咁|晒|嘅|喇|非常|十分|万分|太|真|真的|真是|多|很|特别|实在|耐心|解答|帮忙|帮助|你的|您的|的|回复|及时|你们的
    祝|工作|生活|一切|天天|开心|给你|给您|给你们|服务|五星|五星级
"""
_SALUTATIONS: Final = """
    hello|hi|hey|hiya|heya|yo|helo|hallo|howdy|hola|good morning|morning|good afternoon|afternoon|good evening|evening
    good day|greetings|dear support|dear team|dear customer service|dear customer support|hi there|hello there
    hello again|hi again|hey there|there|support|customer service|customer support|to whom it may concern|ni hao|nihao
    你好|你好呀|你好啊|你好哇|你好哦|您好|您好啊|您好呀|妳好|你们好|大家好|亲|哈喽|哈啰|哈罗|嗨|嘿|早|早啊|早上好
    上午好|中午好|下午好|晚上好|早安|午安|晚好|客服你好|客服您好|哈囉
"""
_OPENERS: Final = """
    anybody home|knock knock|anyone|anybody|anyone there|anybody there|anyone here|is anyone there|is anybody there
    is there anyone|is someone there|someone there|anyone online|is anyone online|are you there|you there|r u there
    are you online|can u check dm|can you check dm|check dm|check your dm|check dms|dm|is this customer service
    is this customer support|is this support|is this the wallet support|is this the support|i have a question
    have a question|i have a quick question|quick question|i had a question|i got a question|a question|question
    i have an issue|i have a problem|need some help|i need some help|i need help|can you help me|can you help
    can u help me|can u help|could you help me|could you help|can someone help|can someone help me|can anyone help
    may i ask something|may i ask a question
    can i ask something|can i ask a question|can i ask you something|zai ma|zaima|you ren ma
    想咨询个事|咨询个事|问个事|想问个事|能问个问题吗|能问个问题不|可以问个问题吗|有人在没|有人在不|打扰了|打搅了|在
    在吗|在嘛|在么|在不|在不在|在没|在没有|在线吗|在线么|有人吗|有人么|有人嘛|有人在吗|有人在么|有人没|有没有人|有人不
    有客服吗|有客服在吗|客服在吗|客服在么|客服在不在|喂|喂喂|请问|请问一下|请问下|想请问|想问一下|想问下|我想问一下
    我想问下|问一下|问下|问个问题|想问个问题|我想问个问题|我想咨询一下|想咨询一下|咨询一下|咨询|咨询个问题|想咨询
    我想咨询|我想咨询个问题|有个问题|我有个问题|有问题想问|我有问题|有问题咨询|有点事|有点事情|有事|有事问|有事找你们
    有事找你|有事咨询|请教一下|请教|打扰一下|打扰|打扰下|帮个忙|帮我看一下|帮我看下|需要帮助|我需要帮助|能帮我吗
    能帮个忙吗|可以帮我吗|请问是钱包客服吗|请问是客服吗|是客服吗|是钱包客服吗|你是客服吗|这里是客服吗|这是客服吗
    请问这里是客服吗|理我一下|吱一声|回我一下|看到回我|看到回复|有冇人|有冇人呀|有冇人喺度|喺度|喺唔喺度
"""
_NOTHING: Final = """
    n a|umm|erm|no subject|re|fw|fwd|test|testing|testing testing|just testing|test test|emm|emmm|em|hmm|hm|mm|uh|um
    er|image|photo|sticker|gif|voice message|voice|video|sent from my iphone|sent from my ipad|sent from my phone
    sent from my android|sent from my samsung|sent from my samsung galaxy smartphone|sent from my huawei phone
    sent from my xiaomi|sent from my mobile|sent from my mobile device|sent from outlook|sent from outlook for ios
    sent from outlook for android|get outlook for ios|get outlook for android|sent from yahoo mail
    sent from mail for windows|sent from proton mail
    无主题|测试|测试一下|试一下|啊|呃|额|哎|唉|诶|图片|语音|表情|视频|文件|动画表情|位置|语音消息|图片消息
    发自我的iphone|发自我的ipad|发自我的手机|发自我的华为手机|发自我的小米手机|发自我的荣耀手机|从我的iphone发送
    来自我的iphone|发自手机qq邮箱|发自手机|从iphone发送|从手机发送|来自手机邮箱|发自新浪邮箱客户端|发自网易邮箱大师
"""
# The words that make a call for a person; each such message needs one of these. "客服" stands in thanks as well.
_PERSON: Final = """
    transfer to agent|transfer to an agent|transfer to human|transfer to a human|transfer to customer service|agent
    agents|human|a human|human being|real human|human agent|live agent|real agent|a person|person|real person
    real people|live person|actual person|actual human|someone real|somebody real|representative|rep|operator|manager
    a manager|the manager|your manager|supervisor|adviser|advisor|live chat agent|live chat|speak to someone
    talk to someone|speak to somebody|talk to somebody|speak with someone|talk with someone|chat with someone
    speak to staff|talk to staff|someone on the phone|not a bot|no bot|no bots|no more bots|no robot|no robots
    no more robots|not a robot|not bot|not a machine|stop the bot|not the bot|i hate bots|customer service agent
    customer service representative|call me|call me back|phone me|phone me back|ring me|ring me back|callback
    call back|a call back|give me a call|please call|have someone call me|have someone phone me
    have someone call me back|have someone phone me back|have someone ring me|can someone call me|can someone phone me
    can someone call me back|can you call me|can you call me back|could someone call me|could someone call me back
    someone call me|someone call me back|rengong|ren gong|zhuan rengong|zhuanrengong|zhuan ren gong|rengong kefu|kefu
    zhenren|zrg
    人工|人工客服|人工服务|人工台|人工座席|人工坐席|真人|真人客服|活人|人工智能不行|人共|人共客服|人功|人功客服|人公
    人公客服|仁工|人工客户|客服|客服人员|客服专员|在线客服|专属客服|客服经理|经理|主管|店长|领导|负责人|专员|管事的
    管事儿的|转人|转客服|转人工|转接|转接客服|转接人工|转到人工|转至人工|找人|找个人|来个人|换个人|叫个人|来人|派个人
    真人在吗|回电|回电话|回个电话|打电话|打个电话|打个电话给我|打我电话|给我打电话|给我打个电话|给我回电|给我回个电话
    给我来个电话|来个电话|电话联系我|电话联系|联系我|不要机器人|别机器人|不想和机器人|不想跟机器人|不跟机器人
    别用机器人|关掉机器人|机器人滚|讨厌机器人|机器人没用|机器人听不懂|不要智能客服|不要ai|不要ai客服|真係人|搵真人
    搵人|搵客服|真人客服员|客服员|客服主任|客户经理
"""
_AROUND_PERSON: Final = """
    after|this|afternoon|morning|tomorrow|i|we|want|need|wanna|would like|id like|i would like|i want to|to|a|an|the
    some|your|with|speak|talk|chat|connect|connect me|transfer me|transfer me to|put me through|put me|through|get
    get me|give|give me|let me|can i|may i|could i|can you|could you|can we|can u|is there|is a|is|are there|around
    available|there|please|pls|plz|now|asap|immediately|right now|only|just|real|live|actual|human|not|bot|no|me|back
    on|for|here|today|someone|somebody|anyone|any|or|and|have|speaking|am|be|by phone|phone|urgently|ffs|omg|ai|0|00
    000
    安排|派|专人|请|请给|请帮|麻烦|帮|帮我|给|给我|替我|我|我要|我想|想|要|想要|需要|我需要|能|能不能|能否|可否
    可不可以|可以|可以吗|行吗|行不行|好吗|好不好|快|快点|赶紧|赶快|马上|立刻|立即|直接|现在|尽快|速|速速|速度|转|转接
    接|接入|接通|找|换|叫|来|联系|联络|进|切|切换|呼叫|召唤|连|连接|说话|讲话|聊|聊聊|对话|沟通|谈|谈谈|服务|到|至|个
    一个|一位|位|一下|下|你们|你|您|您们|的|和|跟|同|与|让|有|有没有|是|是不是|不是|在|吗|么|嘛|吧|啊|呀|呢|哈|了|啦
    行|机器人|智能|处理|解决|接听|回复|回答|出来|过来|里|怎么|怎样|哪|哪里|如何|按|拨|唔该|想搵|搵|喺|边|度|嘅|同我|倾
    倾偈|讲|都|没有|没|谁|人|电话
"""

# Sentences by which people stop text messages: whole ones, or a verb and an object. Never "stop it": it may be a
# payment that is to be stopped.
_STOP: Final = """
    take me off your mailing list|remove me from your mailing list|stop texting|stop texting me|stop messaging
    stop messaging me|stop spamming|stop spamming me|stop the texts|stop these texts|stop the messages
    stop these messages|stop all messages|stop all texts|quit texting me|quit texting|quit spamming|quit spamming me
    quit messaging me|no more texts|no more messages|no more sms|no more promos|no more ads|no more spam
    no more marketing|no more advertising|do not text|do not text me|do not message me|take me off your list
    remove me from your list|unsubscribe me|opt me out
"""
_STOP_VERB: Final = """
    stop sending|stop sending me|do not send|do not send me
    别再发|别发|不要再发|不要发|不要再给我发|不要给我发|别再给我发|别给我发|停止发|停止发送|不要再推送|别再推送
    不想收到|不想再收到|不要再收到|不再接收|唔好再发|唔好发|唔好再send|咪再发
"""
_STOP_OBJECT: Final = """
    messages|texts|text messages|sms|promos|promotions|ads|advertising|marketing|spam
    短信|短讯|简讯|消息|信息|广告|推销|营销|推广|垃圾短信
"""
_AROUND_STOP: Final = """
    mailing|off|email|emails|please|pls|plz|now|me|my|the|this|these|your|you|all|any|more|again|from|to|list|number
    phone|inbox|stuff|crap|already|ffs|thanks|thank you
    邮件|列表|以后|请|麻烦|你们|你|我|给我|给|对我|我的|手机|这个|号|号码|这些|这种|垃圾|的|了|啦|啊|吧|再|任何|烦
    烦死|烦死了|烦死人|烦人|太烦|太烦了|真烦|谢谢|俾我|畀我|别|不要|别再|不要再
"""


def _phrases(words: str) -> frozenset[str]:
    return frozenset(phrase.strip() for line in words.splitlines() for phrase in line.split("|") if phrase.strip())


COURTESIES: Final = _phrases(_THANKS) | _phrases(_DONE) | _phrases(_BYE) | _phrases(_PRAISE)
ASSENTS: Final = (_phrases(_YES) | _phrases(_OVER)) - COURTESIES
FILLERS: Final = _phrases(_FILLERS)
SALUTATIONS: Final = _phrases(_SALUTATIONS)
OPENERS: Final = _phrases(_OPENERS)
NOTHINGS: Final = _phrases(_NOTHING)
PERSONS: Final = _phrases(_PERSON)
AROUND_PERSON: Final = _phrases(_AROUND_PERSON)
STOPS: Final = _phrases(_STOP)
STOP_VERBS: Final = _phrases(_STOP_VERB)
STOP_OBJECTS: Final = _phrases(_STOP_OBJECT)
AROUND_STOP: Final = _phrases(_AROUND_STOP)
