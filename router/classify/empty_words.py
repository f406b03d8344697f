"""Texts of words that name nothing: "don't know", "some thing", "那个吧". No category fits them.

A closed list of function words: pronouns, auxiliaries, question words, particles. One word more is content. They are no
examples, because a model that learns "I don't know" as nothing trusts "I don't know this charge" less.
"""

from __future__ import annotations

import re
from typing import Final

from router.text.chinese_script import fold_script
from router.text.plain import fold

# A longer text has words of a matter.
_LONGEST: Final = 48
_APOSTROPHES: Final = dict.fromkeys(map(ord, "'\u2018\u2019\u02bc`\u00b4"))
_HAN: Final = "\u3400-\u4dbf\u4e00-\u9fff"
# Who says so may mean a payment: "it wasn't me", "I did not do that", "someone else has it".
_DENIED: Final = re.compile(
    r"\b(?:not|isnt|wasnt|never) (?:(?:by|from) )?(?:me|us|i|ours|mine)\b"
    r"|\b(?:not|didnt|havent|never) (?:do|did|have)\b|\b(?:someone|they|he|she) (?:else|did|has|have)\b"
)
_TOKEN: Final = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]+")
_ENGLISH: Final = frozenset(
    {
        "a", "about", "after", "again", "ah", "aha", "all", "also", "am", "an", "and", "another", "any",
        "anything", "are", "as", "at", "be", "because", "been", "before", "both", "but", "by", "can", "cant",
        "certain", "certainly", "clue", "come", "could", "couldnt", "depends", "did", "didnt", "do", "does",
        "doesnt", "doing", "dont", "dunno", "each", "eh", "either", "else", "er", "everything", "exactly",
        "few", "for", "from", "go", "guess", "guessing", "had", "hang", "has", "hasnt", "have", "havent", "he",
        "hello", "her", "here", "hey", "hi", "him", "his", "hm", "hmm", "hmmm", "hold", "how", "huh", "i", "id",
        "idea", "idk", "if", "ill", "im", "in", "indeed", "is", "isnt", "it", "its", "ive", "just", "kind",
        "kinda", "know", "later", "let", "like", "lot", "maybe", "me", "mean", "meh", "mhm", "might", "mm",
        "moment", "more", "much", "nah", "neither", "never", "next", "no", "none", "nope", "nor", "not",
        "nothing", "now", "of", "oh", "on", "once", "one", "or", "other", "others", "our", "pardon", "perhaps",
        "please", "possibly", "probably", "question", "questions", "quick", "quite", "really", "right", "said",
        "same", "say", "sec", "second", "see", "seems", "seriously", "she", "should", "similar", "so", "some",
        "somehow", "someone", "something", "sort", "still", "stuff", "such", "suppose", "sure", "tell", "than",
        "that", "thats", "the", "their", "them", "then", "there", "these", "they", "thing", "things", "think",
        "this", "those", "thus", "to", "too", "true", "uh", "uhm", "um", "unsure", "up", "us", "very", "wait",
        "was", "wasnt", "we", "well", "were", "what", "whatever", "whats", "when", "where", "whether", "which",
        "while", "who", "whom", "whose", "why", "will", "with", "wonder", "would", "yea", "yeah", "yep", "yes",
        "yet", "you", "your",
    }
)  # fmt: skip
_CHINESE: Final = re.compile(
    "(?!.*(?:不是(?:我|他|她|咱|自己)|没有?[了来要]))(?:"
    "什么|甚么|怎么办|怎么样|怎么了|怎么|怎样|如何|为什么|为何|为啥|干嘛|干什么|哪里|哪个|哪儿|哪些|哪|谁|啥|咋|咩|点解|"
    "几点|多少|多久|什么时候|何时|知道|晓得|清楚|明白|懂|确定|了解|意思|回事|东西|事情|事儿|事|问题|问一下|请问|请教|问|说|讲|看看|看|"
    "想|觉得|感觉|可能|大概|也许|应该|好像|似乎|其实|反正|随便|算了|无所谓|差不多|一样|同样|同上|如上|情况|样子|"
    "这个|那个|这样|那样|这里|那里|这边|那边|这些|那些|这|那|它|我们|我|你们|你|您|他们|他|她|咱们|咱|大家|自己|"
    "可以|不用|需要|能|会|要|行|好|对|是|有|没有|没|不|别|再|还|也|都|就|只|才|又|很|太|真的|真|挺|更|最|一下|一点|一些|一个|某个|一|两|几|个|点|些|下|种|件|样|"
    "等等|等会|稍等|等|试试|试过|试|继续|接着|然后|后来|所以|因为|但是|不过|而且|如果|那么|另外|比如|以后|之后|以前|现在|待会|晚点|回头|一会儿|一会|"
    "在吗|在么|在不在|有人吗|有人在|喂|嗯|唔|哦|噢|喔|啊|呀|呃|额|诶|欸|哎|唉|哈|呵|嘿|吧|吗|么|呢|啦|了|的|地|得|着|过|嘛|呗|哟|咯|喽|呐|嘞|之|与|和|跟|吖|咁|呢个|冇|系|唔知|"
    "请|你好|您好|儿|到底|究竟|来|去)+"
)


def names_nothing(text: str) -> bool:
    """Return whether all words of a text are words that name nothing; a number or a sign alone is not asked about."""
    if len(text) > _LONGEST:
        return False
    words = _TOKEN.findall(fold_script(fold(text)).translate(_APOSTROPHES))
    if not words or _DENIED.search(" ".join(words)):
        return False
    return all(word in _ENGLISH or _CHINESE.fullmatch(word) is not None for word in words)
