"""The new words of a mail, separated from its quotes: an example per program and language, written for these tests."""

from __future__ import annotations

import pytest

from connectors.email.quotes.split_reply import SplitReply, split_reply

NEW = "My refund has not arrived.\nPlease check order 20261122."
OLD = "Dear customer,\nyour refund is on its way."

# How programs introduce their quotes when a reply is written above them.
ATTRIBUTIONS = {
    "English, Gmail": "On Mon, Nov 16, 2026 at 9:41 AM Support Desk <support@wallet.example> wrote:",
    "English, Gmail, folded": "On Mon, Nov 16, 2026 at 9:41 AM Support Desk\n<support@wallet.example>\nwrote:",
    "English, Apple Mail": "On 16 Nov 2026, at 09:41, Support Desk <support@wallet.example> wrote:",
    "English, Android": "On Nov 16, 2026 9:41 AM, support@wallet.example wrote:",
    "English, Zoho": "---- On Mon, 16 Nov 2026 09:41:12 +0800 Support <support@wallet.example> wrote ----",
    "English, NetEase": 'At 2026-11-16 09:41:12, "Support" <support@wallet.example> wrote:',
    "simplified Chinese, Apple Mail": "在 2026年11月16日，09:41，Support Desk <support@wallet.example> 写道：",
    "simplified Chinese, Gmail": "Support Desk <support@wallet.example> 于2026年11月16日周一 09:41写道：",
    "simplified Chinese, Gmail, folded": "Support Desk <support@wallet.example> 于2026年11月16日周一\n09:41写道：",
    "simplified Chinese, 163": '在 2026-11-16 09:41:12，"客服" <support@wallet.example> 写道：',
    "simplified Chinese, Mail Master": "在2026年11月16日 09:41，客服<support@wallet.example> 写道：",
    "simplified Chinese, Xiaomi": "客服 <support@wallet.example> 在 2026年11月16日 周一 09:41 写道：",
    "traditional Chinese, Gmail": "Support Desk <support@wallet.example> 於 2026年11月16日 週一 上午9:41寫道：",
    "traditional Chinese, Apple Mail": "Support Desk <support@wallet.example> 於 2026年11月16日 09:41 寫道：",
    "Japanese, Gmail": "2026年11月16日(月) 9:41 Support Desk <support@wallet.example>:",
    "Japanese, Apple Mail": "2026/11/16 9:41、Support Desk <support@wallet.example>のメール:",
    "Korean, Gmail": "2026년 11월 16일 (월) 오전 9:41, Support Desk <support@wallet.example>님이 작성:",
    "German, Gmail": "Am Mo., 16. Nov. 2026 um 09:41 Uhr schrieb Support Desk <support@wallet.example>:",
    "German, Apple Mail": "Am 16.11.2026 um 09:41 schrieb Support Desk <support@wallet.example>:",
    "German, Thunderbird": "Support Desk <support@wallet.example> schrieb am 16.11.2026 um 09:41:",
    "Dutch": "Op ma 16 nov 2026 om 09:41 schreef Support Desk <support@wallet.example>:",
    "French, Gmail, folded": "Le lun. 16 nov. 2026 à 09:41, Support Desk <support@wallet.example> a\nécrit :",
    "Italian": "Il giorno lun 16 nov 2026 alle ore 09:41 Support <support@wallet.example> ha scritto:",
    "Spanish": "El lun, 16 nov 2026 a las 9:41, Support Desk (<support@wallet.example>) escribió:",
    "Portuguese": "Em seg., 16 de nov. de 2026 às 09:41, Support <support@wallet.example> escreveu:",
    "Catalan": "El dl., 16 de nov. 2026, 9:41, Support <support@wallet.example> va escriure:",
    "Romanian": "În lun., 16 nov. 2026 la 09:41, Support <support@wallet.example> a scris:",
    "Danish": "Den man. 16. nov. 2026 kl. 09.41 skrev Support Desk <support@wallet.example>:",
    "Norwegian": "man. 16. nov. 2026 kl. 09:41 skrev Support Desk <support@wallet.example>:",
    "Swedish": "Den mån 16 nov. 2026 kl 09:41 skrev Support Desk <support@wallet.example>:",
    "Finnish": "ma 16. marrask. 2026 klo 9.41 Support Desk (support@wallet.example) kirjoitti:",
    "Icelandic": "Þann mán., 16. nóv. 2026 kl. 09:41 skrifaði Support <support@wallet.example>:",
    "Polish": "pon., 16 lis 2026 o 09:41 Support Desk <support@wallet.example> napisał(a):",
    "Czech": "po 16. 11. 2026 v 9:41 odesílatel Support <support@wallet.example> napsal:",
    "Slovak": "po 16. 11. 2026 o 9:41 Support <support@wallet.example> napísal(a):",
    "Hungarian": "Support Desk <support@wallet.example> ezt írta (időpont: 2026. nov. 16., H, 9:41):",
    "Slovenian": "V V pon., 16. nov. 2026 ob 09:41 je oseba Support <support@wallet.example> napisala:",
    "Croatian": "Dana pon, 16. stu 2026. u 09:41 Support <support@wallet.example> napisao/la je:",
    "Russian, Gmail": "пн, 16 нояб. 2026 г. в 09:41, Support Desk <support@wallet.example>:",
    "Russian, Yandex": "16.11.2026, 09:41, Support Desk <support@wallet.example> написал(а):",
    "Russian, Mail.ru": "Понедельник, 16 ноября 2026, 9:41 +03:00 от Support <support@wallet.example>:",
    "Ukrainian": "пн, 16 лист. 2026 р. о 09:41 Support <support@wallet.example> пише:",
    "Bulgarian": "На пн, 16.11.2026 г. в 9:41 Support <support@wallet.example> написа:",
    "Greek": "Στις Δευ 16 Νοε 2026 στις 9:41 π.μ., ο χρήστης Support <support@wallet.example> έγραψε:",
    "Turkish": "Support Desk <support@wallet.example>, 16 Kas 2026 Pzt, 09:41 tarihinde şunu yazdı:",
    "Hebrew": "בתאריך יום ב׳, 16 בנוב׳ 2026 ב-9:41 מאת Support <support@wallet.example>:",
    "Arabic": "في الاثنين، 16 نوفمبر 2026 في 9:41 ص تمت كتابة ما يلي بواسطة Support <support@wallet.example>:",
    "Thai": "ในวันที่ จ. 16 พ.ย. 2026 เวลา 09:41 Support <support@wallet.example> เขียนว่า:",
    "Vietnamese": "Vào Th 2, 16 thg 11, 2026 vào lúc 9:41 Support <support@wallet.example> đã viết:",
    "Indonesian": "Pada tanggal Sen, 16 Nov 2026 pukul 09.41 Support <support@wallet.example> menulis:",
    "Estonian": "Kuupäev E, 16. november 2026 kell 09:41 kirjutas Support <support@wallet.example>:",
    "Lithuanian": "2026-11-16, pr, 09:41 Support <support@wallet.example> rašė:",
    "Latvian": "pirmd., 2026. g. 16. nov., plkst. 09:41 — lietotājs Support (<support@wallet.example>) rakstīja:",
    "no verb at all": '11:00 AM, November 16, 2026, "Support" <support@wallet.example>:',
}

# The header sections that Outlook and similar programs write above their quotes: from, sent, to, subject.
LABELS = {
    "English": ("From", "Sent", "To", "Subject"),
    "English, Outlook for Mac": ("From", "Date", "To", "Subject"),
    "simplified Chinese": ("发件人", "发送时间", "收件人", "主题"),
    "simplified Chinese, phones": ("发件人", "日期", "收件人", "主题"),
    "traditional Chinese": ("寄件者", "寄件日期", "收件者", "主旨"),
    "Aliyun": ("发件人", "日　期", "收件人", "主　题"),
    "Japanese": ("差出人", "送信日時", "宛先", "件名"),
    "Korean": ("보낸 사람", "보낸 날짜", "받는 사람", "제목"),
    "German": ("Von", "Gesendet", "An", "Betreff"),
    "Dutch": ("Van", "Verzonden", "Aan", "Onderwerp"),
    "French": ("De ", "Envoyé ", "À ", "Objet "),
    "Italian": ("Da", "Inviato", "A", "Oggetto"),
    "Spanish": ("De", "Enviado el", "Para", "Asunto"),
    "Portuguese": ("De", "Enviada em", "Para", "Assunto"),
    "Catalan": ("De", "Enviat el", "Per a", "Assumpte"),
    "Romanian": ("De la", "Trimis", "Către", "Subiect"),
    "Danish": ("Fra", "Sendt", "Til", "Emne"),
    "Swedish": ("Från", "Skickat", "Till", "Ämne"),
    "Finnish": ("Lähettäjä", "Lähetetty", "Vastaanottaja", "Aihe"),
    "Polish": ("Od", "Wysłano", "Do", "Temat"),
    "Czech": ("Od", "Odesláno", "Komu", "Předmět"),
    "Hungarian": ("Feladó", "Elküldve", "Címzett", "Tárgy"),
    "Russian": ("От", "Отправлено", "Кому", "Тема"),
    "Ukrainian": ("Від", "Надіслано", "Кому", "Тема"),
    "Greek": ("Από", "Στάλθηκε", "Προς", "Θέμα"),
    "Turkish": ("Kimden", "Gönderildi", "Kime", "Konu"),
    "Hebrew": ("מאת", "נשלח", "אל", "נושא"),
    "Arabic": ("من", "تاريخ الإرسال", "إلى", "الموضوع"),
    "Thai": ("จาก", "ส่ง", "ถึง", "เรื่อง"),
    "Vietnamese": ("Từ", "Đã gửi", "Đến", "Chủ đề"),
    "Indonesian": ("Dari", "Dikirim", "Kepada", "Subjek"),
}

SEPARATORS = [
    "-----Original Message-----",
    "-------- Original Message --------",
    "‐‐‐‐‐‐‐ Original Message ‐‐‐‐‐‐‐",
    "------------------ Original ------------------",
    "------------------ 原始邮件 ------------------",
    "---原始邮件---",
    "---- 回复的原邮件 ----",
    "| ---- Replied Message ---- |",
    "----- 原始邮件 -----",
    "-----原始郵件-----",
    "-----Ursprüngliche Nachricht-----",
    "-------- Message d'origine --------",
    "-----Mensaje original-----",
    "-----Messaggio originale-----",
    "-----Oorspronkelijk bericht-----",
    "-------- Oprindelig besked --------",
    "-----Исходное сообщение-----",
    "-----元のメッセージ-----",
    "-----원본 메시지-----",
    "##- Please type your reply above this line -##",
    "=-=-=-= Reply above this line =-=-=-=",
    "---------- Forwarded message ---------",
    "---------- 转发邮件 ----------",
    "Begin forwarded message:",
    "Anfang der weitergeleiteten Nachricht:",
    "下面是被转发的邮件：",
]

SIGN_OFFS = [
    "Sent from my iPhone",
    "Sent from my Huawei phone",
    "Sent from Mail for Windows",
    "Sent from Yahoo Mail on Android",
    "Get Outlook for iOS<https://aka.ms/o0ukef>",
    "发自我的iPhone",
    "发自我的华为手机",
    "发自 网易邮箱大师",
    "从 Windows 版邮件发送",
    "获取 Outlook for iOS",
    "發自我的 iPhone",
    "從我的 iPhone 傳送",
    "iPhoneから送信",
    "나의 iPhone에서 보냄",
    "Von meinem iPhone gesendet",
    "Gesendet von Outlook für Android",
    "Envoyé de mon iPhone",
    "Enviado desde mi iPhone",
    "Enviado do meu iPhone",
    "Inviato da iPhone",
    "Verstuurd vanaf mijn iPhone",
    "Sendt fra min iPhone",
    "Skickat från min iPhone",
    "Lähetetty iPhonesta",
    "Wysłane z iPhone'a",
    "Odesláno z iPhonu",
    "Отправлено с iPhone",
    "iPhone'umdan gönderildi",
    "Στάλθηκε από το iPhone μου",
    "Đã gửi từ iPhone của tôi",
    "Dikirim dari iPhone saya",
]


def quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.split("\n"))


@pytest.mark.parametrize("attribution", ATTRIBUTIONS.values(), ids=ATTRIBUTIONS)
def test_a_reply_above_an_attribution_is_all_that_is_new(attribution: str) -> None:
    for old in (quoted(OLD), OLD):
        words = split_reply(f"{NEW}\n\n{attribution}\n\n{old}\n")
        assert words == SplitReply(NEW, f"{attribution}\n\n{old}", "")


@pytest.mark.parametrize("attribution", ATTRIBUTIONS.values(), ids=ATTRIBUTIONS)
def test_a_reply_below_its_quote_is_what_is_new(attribution: str) -> None:
    words = split_reply(f"{attribution}\n{quoted(OLD)}\n\n{NEW}\n")
    assert words == SplitReply(NEW, f"{attribution}\n{quoted(OLD)}", "")


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("style", ["{}: {}", "*{}:* {}", "{}： {}"])
def test_a_reply_above_a_quoted_header_section_is_all_that_is_new(labels: tuple[str, ...], style: str) -> None:
    values = ("Support <support@wallet.example>", "2026-11-16 09:41", "bob@example.com", "Your refund")
    section = "\n".join(style.format(label, value) for label, value in zip(labels, values, strict=True))
    for rule in ("", "________________________________\n", "------------------\n"):
        words = split_reply(f"{NEW}\n\n{rule}{section}\n\n{OLD}\n")
        assert words.text == NEW
        assert words.quoted == f"{rule}{section}\n\n{OLD}"


@pytest.mark.parametrize(
    "section",
    [
        "主　题：您的退款\n发件人：客服 <support@wallet.example>\n日　期：2026-11-16 09:41\n收件人：bob@example.com",
        "A: bob@example.com\nDe: Soporte <support@wallet.example>\nEnviado: 16/11/2026 09:41\nAsunto: Su reembolso",
    ],
)
def test_a_quoted_header_section_may_begin_with_a_stretched_or_short_label(section: str) -> None:
    assert split_reply(f"{NEW}\n\n{section}\n\n{OLD}\n") == SplitReply(NEW, f"{section}\n\n{OLD}", "")


@pytest.mark.parametrize("separator", SEPARATORS)
def test_a_reply_above_a_separator_is_all_that_is_new(separator: str) -> None:
    assert split_reply(f"{NEW}\n\n{separator}\n\n{OLD}\n") == SplitReply(NEW, f"{separator}\n\n{OLD}", "")


@pytest.mark.parametrize("sign_off", SIGN_OFFS)
def test_a_phones_signature_is_not_part_of_the_new_words(sign_off: str) -> None:
    assert split_reply(f"{NEW}\n\n{sign_off}\n") == SplitReply(NEW, "", sign_off)
    below = split_reply(f"{NEW}\n\n{sign_off}\n\nOn 16 Nov 2026, at 09:41, Desk <a@b.example> wrote:\n> Hi\n")
    assert (below.text, below.signature) == (NEW, sign_off)


def test_answers_between_the_lines_are_what_is_new() -> None:
    mail = "On Mon, 16 Nov 2026, Desk <a@b.example> wrote:\n> Which card?\nThe blue one.\n\n> Since when?\nMonday.\n"
    words = split_reply(mail)
    assert words.text == "The blue one.\n\nMonday."
    assert words.quoted.split("\n")[1:] == ["> Which card?", "> Since when?"]


@pytest.mark.parametrize(
    "attribution",
    [
        "---- Bob Smith wrote ----",
        "---- On Mon, 16 Nov 2026 09:41:00 +0800 Desk <support@wallet.example> wrote ----",
        "------On 11/16/2026 09:41 AM, Desk wrote-----",
        "Op 16-nov.-2026, om 09:41 heeft Desk <support@wallet.example> het volgende geschreven:",
    ],
)
def test_a_framed_or_parted_attribution_opens_a_quote(attribution: str) -> None:
    for old in (quoted(OLD), OLD):
        assert split_reply(f"{NEW}\n\n{attribution}\n\n{old}\n") == SplitReply(NEW, f"{attribution}\n\n{old}", "")


def test_when_and_who_alone_above_a_marked_quote_belong_to_it() -> None:
    head = "2026/11/16 Desk <support@wallet.example>"
    assert split_reply(f"{NEW}\n{head}\n\n{quoted(OLD)}") == SplitReply(NEW, f"{head}\n\n{quoted(OLD)}", "")
    assert split_reply(f"{NEW}\n{head}\nis what I found.").text.endswith("is what I found.")


@pytest.mark.parametrize("between", [" ", "  ", "--- ", " --- "])
def test_a_reply_on_the_line_of_an_attribution_is_not_lost(between: str) -> None:
    head = "On Mon, 16 Nov 2026 at 09:41, Desk <support@wallet.example> wrote:"
    words = split_reply(f"Hello,\nplease do it.{between}{head}\n{quoted(OLD)}")
    assert words.text == "Hello,\nplease do it."
    assert words.quoted.endswith(f"{head}\n{quoted(OLD)}")


def test_the_rest_of_a_link_that_a_mailer_broke_off_is_quoted() -> None:
    old = "> Post a response\n>\n (https://wallet.example/c/1) >\n> or call us"
    assert split_reply(f"{NEW}\n\n{old}") == SplitReply(NEW, old, "")
    answered = "> Which page?\nThis one: <https://wallet.example/c/1>\n> And when?\nNow."
    assert split_reply(answered).text == "This one: <https://wallet.example/c/1>\nNow."


def test_a_header_section_without_an_author_is_recognised_by_its_timestamp() -> None:
    section = "Date: Mon, 16 Nov 2026 09:41:00 +0800\nTo: bob@example.com"
    assert split_reply(f"{NEW}\n\n{section}\n\n{OLD}").text == NEW
    payment = "Date: 16 November\nTo: bob@example.com\nAmount: 20"
    assert split_reply(f"{NEW}\n\n{payment}").text == f"{NEW}\n\n{payment}"


def test_what_is_drawn_around_words_is_no_quote() -> None:
    mail = "See here:\n>>> >>> https://wallet.example <<<\nThank you"
    assert split_reply(mail) == SplitReply(mail)


@pytest.mark.parametrize("mark", [">", "＞", "> ", " >", ">>", "> >"])
def test_an_empty_line_of_a_quote_is_quoted(mark: str) -> None:
    old = f"{mark}\n> Dear customer,\n{mark}\n> your refund is on its way.\n{mark}"
    assert split_reply(f"{NEW}\n\nOn 16 Nov 2026, Desk <a@b.example> wrote:\n\n{old}").text == NEW
    assert split_reply(f"{old}\n\n{NEW}").text == NEW


def test_the_end_of_a_quoted_line_that_a_mailer_wrapped_is_quoted() -> None:
    mail = f"{NEW}\n\n> {'a long line of the desk ' * 3}\nthat was wrapped\n> and goes on\n"
    assert split_reply(mail).text == NEW


def test_a_signature_is_kept_apart() -> None:
    assert split_reply(f"{NEW}\n-- \nBob Smith\n+86 10 1234") == SplitReply(NEW, "", "-- \nBob Smith\n+86 10 1234")
    assert split_reply(f"{NEW}\n--\nBob Smith") == SplitReply(NEW, "", "--\nBob Smith")


def test_the_name_card_of_netease_mail_master_is_a_signature() -> None:
    card = "| |\n张三\n|\n|\nzhangsan@163.example\n|\n签名由网易邮箱大师定制"
    below = "在2026年11月16日 09:41，客服<support@wallet.example> 写道：\n您好"
    assert split_reply(f"请退款\n\n{card}\n\n{below}\n") == SplitReply("请退款", below, card)


@pytest.mark.parametrize(
    "mail",
    [
        "From: my account 6222\nTo: Zhang San\nDate: 2026-11-20\nAmount: 500",
        "Sent from my account to Bob 500 yuan",
        "Sent from my HSBC card yesterday",
        "On Monday I wrote to you:\nmy card is lost.",
        "Your agent wrote:\nplease wait three days. I waited.",
        "Note:\n- first open the app\n- then tap login",
        "我昨天写道：请退款。\n今天还没有收到",
        "从我的账户扣了500元",
        "发自内心的感谢！",
        "I sent 5 > 3 times\n1 > 0",
        ">From Monday on I could not pay.",
        "price: 5\n--------\ntotal: 10\nand more text below\n" + "line\n" * 30,
        "Date: Monday\nI lost my card\nSubject: none",
        "来自上海的转账没有到账",
    ],
)
def test_people_may_write_what_programs_write(mail: str) -> None:
    assert split_reply(mail) == SplitReply(mail.strip())


def test_a_forward_without_a_word_of_its_own_says_what_it_forwards() -> None:
    mail = "---------- Forwarded message ---------\nFrom: Bank <a@bank.example>\nSubject: Alert\n\nA login from Mars.\n"
    assert split_reply(mail) == SplitReply(mail.strip())


def test_a_reply_without_a_word_of_its_own_says_nothing() -> None:
    assert split_reply(f"On Mon, 16 Nov 2026, Desk <a@b.example> wrote:\n{quoted(OLD)}\n").text == ""


def test_nothing_is_lost_or_added() -> None:
    mail = f"{NEW}\n\nOn 16 Nov 2026, Desk <a@b.example> wrote:\n{quoted(OLD)}\n\nMore.\n-- \nBob"
    words = split_reply(mail)
    assert sorted(f"{words.text}\n{words.quoted}\n{words.signature}".split()) == sorted(mail.split())


_QQ_HEADERS = (
    '发件人: "客服" <support@wallet.example>;\n发送时间:&nbsp;2026年11月16日(星期一) 上午9:41\n主题:&nbsp;退款\n\n'
)


@pytest.mark.parametrize(
    "ruler",
    [
        "------------------&nbsp;原始邮件&nbsp;------------------",
        "------------------&nbsp;Original&nbsp;------------------",
        "------------------ 原始邮件 ------------------",
    ],
)
def test_the_ruler_of_qq_mail_is_quoted_with_its_written_blanks(ruler: str) -> None:
    assert split_reply(f"{NEW}\n\n\n{ruler}\n{_QQ_HEADERS}{OLD}").text == NEW


@pytest.mark.parametrize(
    ("card", "below"),
    [
        (
            "| |\n李娜\n|\n|\nlina@163.example\n|",
            "---- 回复的原邮件 ----\n| 发件人 | 客服<a@b.example> |\n| 主题 | 退款 |",
        ),
        (
            "| |\nLi Na\n|\n|\n13800138000\n|\n",
            "---- Replied Message ----\n| From | Desk<a@b.example> |\n| Subject | Refund |",
        ),
        ("| |\n李娜\n|", "在2026年11月16日 09:41，客服<support@wallet.example> 写道："),
    ],
)
def test_the_name_card_of_mail_master_is_a_signature_without_its_sign_off_too(card: str, below: str) -> None:
    words = split_reply(f"{NEW}\n\n{card}\n{below}\n{OLD}")
    assert words.text == NEW
    assert words.signature.startswith("|")


@pytest.mark.parametrize(
    "own",
    [
        "From: Fred Hall\nTo: Corner Shop\nSubject: rent\nAmount: 450\nIt is pending.",
        "寄件人：张三\n收件人：李四\n主题：货款\n金额：450 元，一直没到账。",
        "The payment:\nTo: Corner Shop\nFrom: my wallet\nSubject: rent, November\nIt is pending.",
        "From: Fred Hall\nTo: Corner Shop\nDate: 16 Nov 2026\nSubject: rent\nIt is pending.",
        "发件人：我的钱包\n收件人：李四\n时间：2026-11-16 09:41\n主题：货款\n账号被盗了，快冻结！",
    ],
)
def test_payer_payee_and_purpose_without_a_time_or_an_address_are_own_words(own: str) -> None:
    assert split_reply(f"See below.\n\n{own}").text == f"See below.\n\n{own}"


@pytest.mark.parametrize(
    "head",
    [
        "From: Desk\nDate: Monday, November 16, 2026 at 9:41 AM\nTo: Li Na\nSubject: Refund",
        "From: Desk\nSent: 16 November 2026 09:41\nTo: Li Na\nSubject: Refund",
        "发件人：客服\n日期：2026年11月16日 周一 09:41\n收件人：李娜\n主题：退款",
    ],
)
def test_a_quoted_head_with_names_alone_is_known_by_its_date(head: str) -> None:
    assert split_reply(f"{NEW}\n\n{head}\n\n{OLD}").text == NEW


@pytest.mark.parametrize("pasted", ["| |\n订单号 2026111609\n|\n|\n金额 450，被骗了\n|", "|\n账号被盗了，快冻结\n|"])
def test_a_table_above_a_quote_is_no_name_card(pasted: str) -> None:
    words = split_reply(f"{NEW}\n\n{pasted}\n在2026年11月16日 09:41，客服<support@wallet.example> 写道：\n{OLD}")
    assert words.text == f"{NEW}\n\n{pasted}"
