"""The parts that thanks, agreement and goodbyes are made of, as slots of words: what a list of phrases cannot hold.

A part is a row of slots; `?` may be left out, `*` may be left out or said again, `+` said again. A text is a remark
only if each word of it belongs to a part or to a phrase of `remark_words`, so a slot never holds a word that is a
matter, a request or a question: no "help" after "please", no "回复" before "谢谢", no "处理" without "了".
In lower case and simplified characters, apostrophes left out; `@` is a name: one word, or one Chinese character.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_ENGLISH: Final = """
i: i|we|i just|we just|just|i do|i really do|i must say|i have to say
very: so|very|really|truly|super|absolutely|extremely|incredibly|quite|pretty|most|totally|completely|all|just|both
say: want to|wanted to|would like to|wish to|just want to|just wanted to|like to
thank: thank you|thanks|thank u|thankyou|thank|thx|thnx|thanx|tnx|tks|ty|tysm|cheers|many thanks|huge thanks
    big thanks|a big thanks|a big thank you|a huge thank you|thousand thanks|a thousand thanks|say thanks
    say thank you|say a big thank you|bless you|god bless|god bless you|kudos|kudos to you|ta|much obliged|my thanks
    sincere thanks|thank you all|thank you both|special thanks|ever so grateful
amount: so much|very much|a lot|a million|a bunch|heaps|loads|tons|a ton|again|once again|once more|ever so much
    indeed|kindly|sincerely|a whole lot|lots|very very much|so so much|from the bottom of my heart|to you all
    to the team|to all of you|to your team|everyone|guys|team|folks|all|both|anyway|as always|too|then|though
for: for|for all|for all of|for being|for such a|for such
your: your|the|this|that|these|all|all the|all of your|all your|you|a|an|my
kind: quick|fast|prompt|speedy|swift|rapid|great|kind|patient|wonderful|amazing|excellent|brilliant|lovely|super
    fantastic|good|clear|detailed|helpful|useful|friendly|professional|instant|immediate|timely|continued|hard
    valuable|precious|and|so|very|really|thorough|honest|top|nice|awesome|outstanding|superb|incredible|efficient
    polite|understanding|warm|quality|attentive|best|first class|top notch|perfect|impressive|sweet|responsive
service: help|support|assistance|reply|response|answer|explanation|info|information|update|updates|service|time
    patience|effort|efforts|work|attention|kindness|feedback|clarification|advice|guidance|confirmation|understanding
    care|cooperation|turnaround|heads up|tip|tips|instructions|it|that|this|everything|all|job|customer service
    customer support|follow up|followup|concern|swiftness|professionalism|responses|replies|answers|hard work
    help today|help with this|help with that|help on this|time today|steps|pointers|reassurance|solution|fix|hint
and: and|and for|as well as
doing: helping|sorting|fixing|solving|resolving|handling|looking into|checking|explaining|clarifying|confirming
    getting back|replying|responding|answering|following up|letting me know|letting us know|taking care of
    taking the time|bearing with|dealing with|keeping me posted|keeping me updated|being there|being here|clearing
    guiding|walking me through|sending|updating|reaching out|getting back to me|coming back to me
done_to: me|us|it|that|this|out|up|me out|us out|it out|that out|this out|everything|to me|with me|with this|with that
    with it|so quickly|quickly|fast|so fast|very quickly|promptly|so promptly|on this|the issue|my issue|the problem
    my problem|my question|my questions|all of this|so well|so clearly|clearly|over|so patiently|patiently|today
    so soon|right away|and helping|and explaining|so kindly
appreciate: appreciate|appreciated
gift: it|that|this|you|it all|all of it|the help|your help|all your help|all the help|the support|your support
    the assistance|your patience|your time|the effort|your effort|your efforts|your kindness|the kindness|you guys
    your hard work|the hard work|the service|you all|everything|all you do|you helping|you helping me|the quick reply
    the quick response|the fast response|the fast reply|the update|the info|the explanation
it: it|that|this|everything|things|all|the app|app|this one|that one|my app|the login|my login|it all|all of it
trouble: the issue|the problem|my issue|my problem|issue|problem|the issues|the problems
over: fixed|sorted|resolved|solved|done|cleared up|cleared|sorted out|settled|taken care of
is: is|has been|got|seems|looks|seems to be|looks to be|appears to be|is all|is now|has now been|are|are all|now
    is finally|is already|came|went|am|seem|look|have been
by_now: all|now|finally|just|already|completely|totally|perfectly|fully|and|up and|quite|so|very|nice and|also
well: fine|good|ok|okay|working|fixed|sorted|resolved|solved|done|perfect|great|back to normal|cleared up|clear|set
    brilliant|back up|running|in order|under control|cleared|sorted out|up and running|smooth|smoothly|through
    crystal clear|settled|taken care of|finished|completed|as it should be|normal|well|wonderful
here: now|here|at last|on my end|on my side|my end|from my end|today|thanks to you|perfectly|fine|great|well
    with me|for me|from my side|this end|this time|already|finally|at the moment|for now|as well|too|like a charm
    like magic|as expected|as normal|like before|no problem|ok
works: works|worked|did work|did the trick|helps|helped|did help|makes sense|made sense|solved it|fixed it
    solved the issue|fixed the issue|solved the problem|fixed the problem|solved my problem|fixed my problem
    solved my issue|went through|came through|got through|explains it|answers my question|answered my question
    clears it up|cleared it up|does it|solves it|fixes it|resolved it|sorted it|was it|did it|clears things up
    cleared things up|was all i needed|is all i needed|is what i needed|was what i needed|is all i needed to know
    was all i needed to know|is what i wanted to know|was exactly what i needed|is exactly what i needed
    worked a treat|works a treat
got: i got|got|i have got|i received|received|i have received|i saw|i see|i have seen|i read|i have read|i found
    i have it|i have found|i managed|managed|i figured|figured|i worked|worked|i sorted|sorted|i fixed|fixed|i solved
    i have sorted|i have fixed|i have managed|i understand|i can see|seen|read
it_got: it|your reply|your message|your email|your mail|your answer|your response|the reply|the answer|the info
    the information|it sorted|it working|it to work|it fixed|it out|it done|in|back in|to log in|to get in|to do it
    to fix it|to sort it|it solved|logged in|it resolved|it all|it myself|to get it working|to sort it out|to solve it
money_in: i received|i have received|received|i got|got|i have got|just received|i just got|i just received
    i have now received|i see|i can see
money: the money|my money|the refund|my refund|the funds|my funds|refund|money|the cash|my cash|the full amount
    the amount
came: arrived|came|came in|is here|has arrived|just arrived|is in|received|has come|came through|is there
    has come through|just came in|is in my account|arrived safely|has been received|in my account
back: came back|is back|has come back|is all back|back
again: again|once again|once more
fits: works|is working|works fine|is fine|is good|is ok|is okay|is normal|is up|is up and running|is all good|is well
i_can: i can|i can now|now i can|i can finally|finally i can|i am able to|we can
use: log in|login|log on|sign in|get in|use it|use the app|open it|open the app|access it|access my account|pay
own: my account|the account|my card|my wallet|it
free: is unlocked|is unblocked|is unfrozen|is restored|has been unlocked|has been unblocked|has been unfrozen
    is accessible|is active
will: i will|we will|will|let me
try: give it a try|try that|try it|give that a try|try this|do that|check|check it|check it out|take a look
    have a look|keep that in mind|keep it in mind|remember that|bear that in mind|try it out|try it now|do that now
    note that|follow that|follow the steps|try again|try that now|give it a go|try those
sense: good to know|great to know|great to hear|good to hear|nice to know|fair enough|crystal clear|all clear
    clear now|understood now|point taken|duly noted|noted with thanks|good news|great news|fab|sweet|wicked|ace|lush
    ta|phew|what a relief|such a relief|a relief|big relief|thank god|thank goodness|thank heavens|hooray|yay|yippee
    woohoo|you made my day|made my day|hallelujah|bingo|there we go|happy days|much better|way better|that is better
    nice one|good one|spot on|bang on|top stuff|good stuff|great stuff|all right then|right then|okey dokey|okie doke
    oke|kay|mkay|yup got it|rgr|ack|acknowledged|loud and clear|right you are|works for me|fine by me|fine with me
    good with me|that will do|that is great|that is good|that is perfect|that is fine|that is brilliant
    that is wonderful|that is amazing|that is awesome|that is helpful|that is very helpful|that is really helpful
    that is so kind|that is so helpful|that is lovely|very kind|so kind|very kind of you|so kind of you|how kind
    how kind of you|you are too kind|i see now|now i get it|i get it|i get it now|now i see|now i understand
    i understand now|that was it|that was all
no_more: no more questions|no further questions|no other questions|nothing else|nothing more|nothing further
    no more issues|no further issues|no other issues|no more problems|no need to reply|no reply needed
    no need to respond|no response needed|no action needed|no further action needed|no worries at all
    no problem at all|do not worry|do not worry about it|do not worry about that|no trouble|no trouble at all
    that is everything|that is all i needed|that is all i need|that is all i wanted to know|that is it from me|no need
    no need any more|no need anymore|not needed any more|not needed anymore|no longer needed|no longer need it
    i do not need anything else|do not need anything else|no further help needed|no more help needed
    that is all from me|nothing else from me|no that is everything|all done here|we are good|i am good|i am all set
    we are all set|i am all good|i am sorted|i am fine|i am ok|you can close this|you can close it
    you can close the ticket|you can close this ticket|you can close the case|you can close this case
    you can close my ticket|you can close the chat|you can close this chat|feel free to close this
    feel free to close the ticket|feel free to close the case|case closed|ticket closed
for_now: for now|now|from me|today|for today|at all|thanks|then|here|at the moment|on my side|from my side|in the end
happy: happy|glad|pleased|satisfied|delighted|relieved|impressed|grateful|thankful|over the moon|chuffed|well chuffed
    made up|thrilled|overjoyed
i_am: i am|we are|am|so|very|really|feeling|i feel|i am so|i am very|i am really
happy_with: with it|with that|with this|with the help|with the service|with the result|with the outcome
    with your service|with your help|to hear that|about that|for your help|for that|for the help|with everything
    with how it went|it is sorted|it is fixed|it worked|it works|it worked out|that is sorted|for all your help|to you
    to you all|with the support|with the reply|with the answer|now|it is resolved|that worked|to have you
you: you|you guys|you all|you lot|u|you people|your team|the team|the service|your service|your support
    customer service|the support|this|that|it|the support team|your support team|your customer service|he|she|they
    the lady|the agent|the guy|your colleague|your agent|the response|your response|everyone|the reply
you_are: are|were|is|was|have been|has been|really are|truly are|are all|was all|been
a: a|an|the|such a|such an|such|what a|what an|my|an absolute|a true|a real|a total|an actual|absolute|my absolute
star: star|stars|legend|legends|lifesaver|life saver|lifesavers|angel|angels|gem|gems|hero|heroes|treasure|saint
    godsend|champ|champion|champs|diamond|best|greatest|hoot|rockstar|rock star|saviour|savior|darling|sweetheart
    wonder|genius|superstar|great help|big help|huge help|great team
rock: you rock|you guys rock|you all rock|you saved me|you saved my day|you saved the day|saved my day|love it
    love this|love you|love your service|hats off|hats off to you|well played|bravo|respect|10 out of 10|10 10
    ten out of ten|a1|five star service|5 star service|would recommend|highly recommend|highly recommended
    could not be happier|could not have asked for better|made it easy|so easy|that was easy|that was quick
    that was fast|wow that was quick|wow that was fast
have: have|hv|enjoy|wish you|wishing you|wish|wishing|hope you have|hope you all have|and have|i hope you have
day: day|one|evening|night|weekend|week|afternoon|morning|time|holiday|holidays|new year|christmas|easter|diwali|eid
    festival|lunar new year|spring festival|lunch|break|shift|xmas|year|chinese new year|cny|friday|sunday|saturday
    monday|thanksgiving|ramadan|success|luck|all the best
ahead: ahead|everyone|too|all|guys|to you|to you all|you all|to you too|to all of you|team|yourself|to all
bye: all the best|best of luck|good luck|talk soon|speak soon|catch you later|bye for now|until next time|stay safe
    take it easy|stay well|stay healthy|keep well|keep safe|be well|keep up the good work|keep up the great work
    keep it up|toodles|god bless|see you around|see you next time|see you soon|cheerio|ta ta|tata
    later gator|peace|toodle pip|ciao|adios|have a good one|warm regards|warmest regards|many regards|with regards
    sincerely|yours sincerely|yours truly|yours|yours faithfully|with thanks|with gratitude|hugs|kisses|speak later
    ttyl|talk later|nighty night|happy lunar new year|happy chinese new year|happy spring festival|merry xmas
    happy easter|happy diwali|eid mubarak|season greetings|happy friday|happy monday|well wishes|warm wishes
    kindest regards|best of everything
title: mr|ms|mrs|miss|dr|madam|dear|agent
name: @
fine: great|good|amazing|excellent|brilliant|lovely|fantastic|awesome|outstanding|superb|incredible|wonderful|nice
    super|impressive|top notch|first class|perfect|friendly|best|very|really|so|absolutely|truly|and|cracking|stellar
    exceptional
deed: service|support|help|job|work|response|customer service|customer support|team|people|experience|stuff|turnaround
    info|advice|explanation|news|lot|bunch|company|app|communication
good: good|great|nice|lovely|wonderful|fantastic|pleasant|blessed|fab|happy|relaxing|amazing|brilliant|beautiful|super
    restful|safe|peaceful
your_own: you|you all|u|all|a|an|the|your|and|rest of|the rest of|rest of the|rest of your|of|very|really
enjoy: enjoy
"""
_CHINESE: Final = """
lead_in: 我|我们|那|那就|那我|那我就|先|在此|真心|由衷|衷心|诚挚|诚心|在这里|再|再次|再一次|最后|总之|也|还是|必须
    还是要|真的要|真的是|我要|我想|想|要|给您|给你|给你们
degree: 非常|十分|万分|太|真|真的|真是|真心|很|特别|实在|超|超级|无比|衷心|万般|由衷|诚挚|好|相当|蛮|挺|确实|格外|极其
    炒鸡|巨|也太|真真|实在是|真的是|真的很|简直|这么|如此|hin
gratitude: 谢谢|感谢|多谢|谢|感激|感恩|致谢|有劳|谢过|跪谢|叩谢|拜谢|万谢|谢谢谢谢|3q|三克油|thanks|thank you|thx
    感激不尽|不胜感激|感谢感谢|多谢多谢|辛苦|感谢万分|谢天谢地|蟹蟹|谢谢啦|笔芯|比心|鞠躬|抱拳|唔该|唔该晒|多谢晒
addressee: 你|您|你们|您们|贵司|贵公司|客服|大家|各位|亲|亲爱的|客服小姐姐|客服小哥哥|小姐姐|小哥哥|小哥|客服同志
    工作人员|客服人员|客服老师|老师|团队|你们团队|客服团队|官方|平台|小伙伴|小可爱|小仙女|美女|帅哥|宝子|宝|亲们|师傅
    同事|专员|各位客服|客服妹妹|客服姐姐|姐妹|兄弟|哥们|大佬|大神|哥|姐|这位客服|人工客服|那位客服|上一位客服|您和团队
linker: 的|地|这么|如此|那么|对我|给我|给我们|一直|一直以来|今天|这次|此次|本次|们|们的|方|费心|不厌其烦|及时的|一路
    百忙之中|抽空|提供
manner: 耐心|及时|热心|细心|快速|迅速|贴心|周到|专业|优质|大力|鼎力|详细|细致|认真|热情|高效|暖心|全力|悉心|真诚|温馨
    尽心|用心|友好|快捷|亲切|这么快|这么及时|尽责|负责|积极|秒回|第一时间|很快|和|与|及|以及|跟|高质量|温柔|清晰|清楚
    又|且
help_given: 帮助|帮忙|解答|回复|答复|支持|服务|协助|指导|指点|关心|配合|讲解|说明|解释|反馈|提醒|告知|付出|理解|工作
    跟进|照顾|态度|关照|体谅|包容|陪伴|信息|信任|沟通|回答|建议|关注|安慰|通知|相助|的处理|的解决|的帮助|的解答
for_us: 帮|帮我|帮忙|替我|给我|帮我们|为我|已经帮我|都帮我|这么快帮我|这么快就帮我|及时帮我|耐心帮我|帮助我|协助我
settled: 解决了|处理了|搞定了|弄好了|查到了|找到了|查清了|查清楚了|恢复了|修好了|办好了|解答了|处理好了|解决好了
    解释清楚了|讲清楚了|弄明白了|找回了|追回了|找回来了|处理完了|解封了|解锁了
matter: 问题|这个问题|我的问题|了问题|这事|这件事|了|的问题|难题|大问题|一个大问题|了大忙|了难题|了这个问题|了我的问题
    好了|完了|所有问题|疑惑|了疑惑|困难|燃眉之急
bothered: 麻烦|打扰|叨扰|劳烦|辛苦
how_long: 了|啦|咯|喽|这么久|好久|了这么久|半天|大半天|一天|了半天|好几次|这么多次|了好几次|啰
understood: 收到|明白|了解|清楚|知道|懂|知悉|知晓|理解|晓得|收悉|get|get到|已阅|看到了|看到啦|记住|记下|学到|学会|会
    听懂|看懂|弄懂|搞懂|搞明白|弄明白|弄清楚|懂得|悉知|copy|ok|好|可以|行|没问题|get√|朕知道|本人知悉
already: 已|已经|都|全|全都|终于|总算|刚|刚刚|刚才|现在|目前|今天|也|大致|基本|完全|彻底|这下|这回|这次|大概|嗯|嗯嗯|好
    好的|行|我|我们|这边|我这边|俺|我这|我这里|自己|我自己|一下子|瞬间|就|马上就|立马就|果然|真的|成功|顺利|原来如此
    原来是这样|是|恩|哦|噢
instructions: 回复|您的回复|你的回复|你们的回复|解答|怎么操作|怎么弄|怎么做|怎么办理|该怎么操作|流程|操作方法|方法|操作
    怎么用|意思
subject: 问题|我的问题|这个问题|事情|这事|这件事|这个|这边|我这边|那边|情况|软件|页面|系统|app|它|之前的问题|上次的问题
    昨天的问题|刚才的问题|一切|按您说的|按你说的|照您说的|照你说的|按照您说的|按照你说的|按你们说的|试了一下|试了下
    试了|重启后|重启之后|重启了一下|更新后|更新之后|重新登录后|重新登录|弄了一下|操作后|操作了一下|用您的方法
    用你的方法|用这个方法|用你说的方法|这个方法|您说的方法|方法
mended: 好了|好啦|好咯|解决了|解决啦|处理好了|处理完了|搞定了|搞定啦|弄好了|弄好啦|弄完了|弄明白了|恢复了|恢复正常了
    恢复正常|正常了|正常啦|成功了|成功啦|能用了|可以用了|可以了|可以啦|能登录了|能登了|登上了|登录上了|登上去了
    登进去了|登录成功|登录成功了|可以登录了|能登上了|能打开了|可以打开了|行了|没事了|没问题了|没有问题了|修好了|ok了
    通了|找到了|查到了|完成了|办好了|办完了|妥了|顺利解决了|顺利解决|完美解决|完美解决了|圆满解决|圆满解决了|已解决
    已恢复|已处理|已搞定|恢复使用了|会用了|能用啦|可以用啦|用上了|弄成了|改好了|设置好了|绑定成功|绑定好了|绑上了|有效
    又能登录了|又能登了|又能用了|又可以用了|又可以登录了|又正常了|又恢复正常了|又能打开了
    有用|管用|没毛病了|没毛病|好用|好使|好使了|找回来了|进去了|能进去了|登进来了|能正常用了|可以正常用了|能正常使用了
    可以正常使用了|正常使用了|都好|很好|改过来了|改好啦|解开了|解封了|解锁了
credited: 到账了|到账啦|到了|收到了|收到啦|退回来了|退回了|返还了|已到账|已收到|已退回|已到|到账|回来了|入账了|已入账
    退到了|追回来了
funds: 钱|款|退款|款项|金额|这笔钱|那笔钱|钱款|退的钱|工资|资金|提现
got_funds: 钱又回来了|我的钱又回来了|余额又回来了|收到退款了|收到钱了|收到退款|收到款了|钱收到了|款收到了|退款收到了
    拿到退款了|拿到钱了|收到退款啦|收到钱啦
particle: 了|啦|啊|呀|哈|哦|噢|喔|呐|哒|嘞|咯|喽|的|哟|呦|哇|耶|捏|惹|滴|唷|欸|诶|哩|嘻嘻|哈哈|嘿嘿|鸭|吖|咧
praise: 给力|棒|好|赞|牛|厉害|贴心|靠谱|暖心|优秀|不错|到位|好评|点赞|超赞|完美|nice|善良|可爱|友好|亲切|棒棒的|杠杠的
    没得说|没话说|一流|顶呱呱|牛逼|牛掰|绝了|太强了|强|神速|有效率|效率高|服务到位|暖|感动|舒心|省心|欣慰|五星
    五星好评|满分|十分满意|很满意|非常满意|好人一生平安|好人|人美心善|一百分|100分
service_part: 你们|您们|你|您|客服|服务|态度|效率|速度|处理速度|处理|响应|响应速度|办事|办事效率|解决速度|解决|讲解|解答
    真是|真的|这|这个|这位|小姐姐|小哥|小哥哥|工作人员|贵司|服务态度|你们的|您的|你的|的|你们家|平台|体验|解释|说|讲|人
    回答|人工客服|给|打|也|还|这次|对|这服务|这效率|这速度|做事|沟通|说得|讲得|讲的|说的|解释得|解释的|处理得|处理的
    做得|做的|得|给个|给您|给你|给你们|来个|必须|一个|全部|都|为|为你们|为您|点个|我|我很|心里|感觉
emphasis: 极了|得很|得不得了|得一批|哈|了|啊|呀|哦|的|哒|呢|啦|滴|得没话说|多了|很多
wish: 祝|祝愿|祝福|愿|祝您|祝你|祝你们|祝大家|也祝|也祝您|也祝你|也祝你们|同祝|同祝您|提前祝|预祝|最后祝|顺祝|顺颂
    祝各位|希望您|希望你们|希望你|祝客服|祝贵司
wished_to: 你|您|你们|您们|大家|各位|客服|小姐姐|小哥哥|们|全家|阖家|和家人|和您的家人|家人|以及家人|团队|贵司|美女
    一家人
occasion: 工作|生活|事业|身体|家庭|一切|万事|天天|每天|周末|假期|节日|新年|新春|春节|国庆|中秋|元旦|端午|五一|晚上|今天
    心情|阖家|全家|平安夜|圣诞|圣诞节|七夕|年年|步步|生意|财源|学业|日子|双节|国庆节|中秋节|儿童节|龙年|蛇年|马年|兔年
    虎年|猴年|羊年|元宵|元宵节|清明|天天都|每一天|一天|早日|永远|天天有|工作都|都|有|工作和生活
fortune: 顺利|愉快|快乐|开心|幸福|健康|安康|平安|如意|顺心|大吉|吉祥|美满|发财|进步|胜利|高升|大卖|兴隆|好运|顺遂|欢乐
    安好|美好|广进|商祺|大发|平平安安|越来越好|好心情|好梦|顺顺利利|健健康康|开开心心|快快乐乐|红火|有余|升职加薪|暴富
    加薪|一生平安|好人有好报|辉煌|好福气
farewell: 下次再聊|回聊|有空再聊|就这样|先这样|没别的事了|没有别的问题了|没其他事了|没别的问题了|暂时没有问题了
    暂时没有其他问题了|暂时没问题了|暂时没有了|没什么问题了|没有其他事了|没啥问题了|没啥事了|没什么事了|没有别的事了
    没有其他需要了|没有疑问了|没疑问了|没有其他疑问了|没有其他的了|没其他的了|没别的|没有别的了|不打扰了|不打扰你们了
    不打扰您了|不打扰你了|不耽误您了|不耽误你们了|不麻烦了|不麻烦您了|不麻烦你们了|不麻烦你了|先去忙了|我去忙了
    我先忙了|先下了|我先下了|先撤了|撤了|闪了|溜了|你忙|您忙|你们忙|你先忙|您先忙|你们先忙|您忙吧|你忙吧
    您先忙吧|你先忙吧|你们忙吧|去忙吧|您去忙吧|忙吧|早点休息|早些休息|注意休息|多注意身体|注意身体|保重身体
    后会有期|有缘再见|江湖再见|下次见|明天见|回见|改天见|拜拜啦|再见啦|再见了|白白|886|3166|不用回复了|无需回复
    不用回了|不需要回复了|不用再回复了|不用再回了|可以结束了|可以关闭了|可以结单了|可以关单了|结单吧|关单吧|结束吧
    可以结案了|不用再跟进了|无需再跟进|不用跟进了|不用再处理了|不用再查了|没有其他问题|没有别的问题|没其他问题
    暂无其他问题|暂无问题|暂时没有其他问题|暂时没有|先用着|继续加油|继续保持|再接再厉|辛苦啦|您辛苦|你们辛苦|大家辛苦
    大家辛苦了|各位辛苦了|你们辛苦了|您辛苦了|你辛苦了|客服辛苦了|工作辛苦了|工作辛苦啦|放心了|我放心了|我就放心了
    那我就放心了|这下放心了|这我就放心了|那就好|那太好了|那就太好了|那就放心了|安心了|心里踏实了|踏实了|松了口气
    松了一口气|虚惊一场|原来如此|原来是这样|原来这样|这样啊|这样子啊|这样呀|是这样啊|恍然大悟|豁然开朗|涨知识了|学到了
    长知识了|帮大忙了|帮了我大忙|帮了我大忙了|帮了我一个大忙|你帮了我大忙了|救了我一命|救命恩人|太感动了|感动|爱了
    爱了爱了|么么|笔芯|比心心|抱抱|期待下次|以后还来|还会再来|会继续支持|支持你们|会一直支持你们|一直支持你们|必须五星
will_see: 我试试|我试一下|我试试看|我去试试|我去看看|我看看|我看一下|我再看看|我再试试|我去试一下|我先试试|试试看
    我先看看|我明天试试|我回头试试|我研究一下
familiar: 小|阿|老
honorific: 老师|先生|女士|小姐|经理|总|姐|哥|姐姐|哥哥|妹妹|同学|主管|客服|师傅|主任|老板|大哥|大姐
caused: 让|给|害
burden: 添麻烦了|费心了|受累了|操心了|辛苦了|久等了|跑一趟了|加班了|白跑一趟了|忙活了|添乱了|费神了|添麻烦|添麻烦啦
    增加麻烦了
quality: 快|及时|迅速|高效|清楚|清晰|详细|用心|尽责|认真|负责|负责任|耐心|满意|放心|安心|开心|高兴|热情|温柔|细心|有耐心
    专业|周到|高|贴心|到位
own_thing: 账号|我的账号|账户|我的账户|密码|登录|功能|手机|卡|我的卡|支付|付款|人脸|实名|实名认证|认证|绑卡|验证码
not_needed: 不用麻烦了|不用处理了|不用管了|不需要了|不用了|不用啦|不用查了|不必了|不必麻烦了|不用再麻烦了|不用帮忙了
    不用看了
reply_noun: 回复|答复|回消息|到账|回信
"""


def _slots(text: str) -> dict[str, tuple[str, ...]]:
    """Read slots: a name and a colon, then phrases with bars between them; lines that go on are indented."""
    found: dict[str, tuple[str, ...]] = {}
    name = ""
    for line in filter(None, text.splitlines()):
        head, _, rest = line.rpartition(":")
        name = head or name
        found[name] = (*found.get(name, ()), *(phrase.strip() for phrase in rest.split("|")))
    return found


SLOTS: Final[Mapping[str, tuple[str, ...]]] = _slots(_ENGLISH) | _slots(_CHINESE)

THANKS_PARTS: Final = (
    "i? very* say? very* thank amount* for your* kind* service and? your* kind* service? amount*",
    "i? very* say? very* thank amount* for doing done_to* and? doing? done_to* amount*",
    "i? very* say? very* thank amount*",
    "i? very* appreciate gift amount*",
    "i_am* very* happy happy_with*",
    "you very* you_are very* a? kind+ service?",
    "you very* you_are very* a? kind* star",
    "you very* you_are very* a? fine+ deed",
    "a fine* star",
    "a? fine+ deed",
    "rock",
    "have your_own* good+ your_own* day ahead*",
    "enjoy your_own+ day ahead*",
    "bye ahead*",
    "thank amount* title name",
    "lead_in* degree* gratitude particle*",
    "lead_in* degree* gratitude addressee+ linker? particle*",
    "lead_in* degree* gratitude addressee* linker* manner* linker* help_given particle*",
    "lead_in* degree* gratitude addressee* linker* manner* linker* help_given manner help_given particle*",
    "lead_in* degree* gratitude addressee* linker* manner* linker* help_given help_given particle*",
    "lead_in* degree* gratitude addressee* linker* for_us settled matter* particle*",
    "lead_in* degree* gratitude familiar name honorific? particle*",
    "lead_in* degree* gratitude name honorific particle*",
    "lead_in* degree* gratitude familiar name honorific? linker* manner* linker* help_given particle*",
    "lead_in* degree* gratitude name honorific linker* manner* linker* help_given particle*",
    "lead_in* degree* bothered addressee+ how_long particle*",
    "lead_in* degree* caused addressee+ burden particle*",
    "service_part* degree* praise particle* emphasis*",
    "service_part* degree* praise praise particle* emphasis*",
    "service_part* degree+ quality particle* emphasis*",
    "service_part* reply_noun service_part* degree+ quality particle* emphasis*",
    "service_part* degree+ quality degree* praise particle* emphasis*",
    "service_part* degree+ quality service_part* degree+ quality particle* emphasis*",
    "wish wished_to* occasion* fortune particle*",
    "wish wished_to* occasion* fortune occasion* fortune particle*",
    "wish wished_to* occasion* fortune occasion* fortune occasion* fortune particle*",
    "occasion fortune particle*",
    "farewell particle*",
)
ASSENT_PARTS: Final = (
    "it is by_now* well here*",
    "trouble is by_now* over here*",
    "it works here*",
    "it fits again here*",
    "fits again here*",
    "by_now* well here+",
    "works here+",
    "got it_got here*",
    "will try here*",
    "sense here*",
    "no_more for_now*",
    "already* understood particle+",
    "already* understood particle* instructions particle+",
    "already* subject* already* mended particle*",
    "already* not_needed particle*",
    "already* will_see particle*",
)
ARRIVED_PARTS: Final = (
    "money_in money here*",
    "money by_now* came here*",
    "money by_now* back again? here*",
    "i_can use again? here*",
    "own free again? here*",
    "it by_now* came here*",
    "already* funds already* credited particle*",
    "already* credited particle+",
    "already* got_funds particle*",
    "already* own_thing already* mended particle*",
)
"""What has come or works again, next to thanks: without them it may be the beginning of a matter.

"Again" is good news only where it is a part of the row: what went through, arrived or was done again happened twice.
What is back must have a name: "it came back" is said of an error, too.
"""

REQUESTS: Final = frozenset({"please", "pls", "plz", "plse"})
"""With one of these words the parts do not count: "quick reply please" asks for one."""

NAME: Final = "@"
