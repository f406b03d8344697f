"""The names of weekdays and of public holidays, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Monday is 1.
WEEKDAY_WORDS: Final[Mapping[int, tuple[str, str]]] = {
    1: ("Monday", "星期一"),
    2: ("Tuesday", "星期二"),
    3: ("Wednesday", "星期三"),
    4: ("Thursday", "星期四"),
    5: ("Friday", "星期五"),
    6: ("Saturday", "星期六"),
    7: ("Sunday", "星期日"),
}

# The public holidays of mainland China, Hong Kong, Macao, Taiwan and Singapore, as the `holidays` package names them
# in English; another name is shown as it is.
HOLIDAYS_IN_CHINESE: Final[Mapping[str, str]] = {
    "New Year's Day": "元旦",
    "Chinese New Year's Eve": "除夕",
    "Chinese New Year": "春节",
    "Chinese New Year's Day": "春节",
    "Chinese New Year (Spring Festival)": "春节",
    "The second day of Chinese New Year": "农历年初二",
    "The third day of Chinese New Year": "农历年初三",
    "The fourth day of Chinese New Year": "农历年初四",
    "Tomb-Sweeping Day": "清明节",
    "Children's Day; Tomb-Sweeping Day": "儿童节、清明节",
    "Children's Day": "儿童节",
    "Good Friday": "耶稣受难日",
    "The day following Good Friday": "耶稣受难日翌日",
    "Easter Monday": "复活节星期一",
    "Labor Day": "劳动节",
    "The Buddha's Birthday": "佛诞",
    "Vesak Day": "卫塞节",
    "Dragon Boat Festival": "端午节",
    "Hong Kong S.A.R. Establishment Day": "香港特别行政区成立纪念日",
    "Macao S.A.R. Establishment Day": "澳门特别行政区成立纪念日",
    "Mid-Autumn Festival": "中秋节",
    "The Day following Mid-Autumn Festival": "中秋节翌日",
    "National Day": "国庆节",
    "National Day of the People's Republic of China": "国庆节",
    "The day following National Day of the People's Republic of China": "国庆节翌日",
    "Double Ninth Festival": "重阳节",
    "All Souls' Day": "追思节",
    "Immaculate Conception": "圣母无原罪瞻礼",
    "Winter Solstice": "冬至",
    "Christmas Eve": "平安夜",
    "Christmas Day": "圣诞节",
    "The first weekday after Christmas Day": "圣诞节后第一个工作日",
    "Founding Day of the Republic of China": "开国纪念日",
    "Peace Memorial Day": "和平纪念日",
    "Confucius' Birthday": "孔子诞辰纪念日",
    "Taiwan Restoration and Guningtou Victory Memorial Day": "光复纪念日",
    "Constitution Day": "行宪纪念日",
    "Eid al-Fitr": "开斋节",
    "Eid al-Adha": "哈芝节",
    "Diwali": "屠妖节",
    "Polling Day": "投票日",
}
