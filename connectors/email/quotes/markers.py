"""The words with which mail programs introduce quotes, one table per kind: forty languages, no code.

Sources: the interface texts of Outlook, Apple Mail, Gmail, Thunderbird, Yahoo, Lotus Notes, QQ Mail, Foxmail, NetEase
(163, 126, Mail Master), Aliyun, Sina, Huawei and Xiaomi phones, Zimbra, Proton and Mail.ru, as found in mail.
Everything is in lower case (`str.casefold`). Labels are written without blanks, because programs insert some.
"""

from __future__ import annotations

from typing import Final

# The words before the colon in a quoted header section, by the field that they mean (RFC 5322 section 3.6).
LABELS: Final[dict[str, tuple[str, ...]]] = {
    "from": (
        "from", "von", "van", "de", "da", "fra", "från", "od", "lähettäjä", "feladó", "от", "від", "от", "kimden",
        "gönderen", "από", "发件人", "寄件者", "寄件人", "發件人", "发信人", "差出人", "送信者", "送信元", "보낸사람",
        "보낸이", "발신", "발신인", "จาก", "từ", "ngườigửi", "dari", "dela", "expéditeur", "mittente", "remitente",
        "remetente", "nadawca", "מאת", "من", "از", "saatja", "kellelt", "no", "nuo", "frá", "प्रेषक", "pošiljatelj",
        "šalje", "expeditor", "odesílatel", "odosielateľ", "отправитель", "відправник", "подател", "afzender",
        "absender", "avsändare", "avsender", "afsender", "pengirim", "daripada", "от:", "发自", "寄信人", "来自",
    ),
    "sent": (
        "sent", "date", "gesendet", "gesendetam", "datum", "verzonden", "verzondenop", "envoyé", "envoyéle", "date",
        "envoyéà", "enviado", "enviadoel", "enviadoem", "enviadaem", "enviada", "enviatel", "data", "fecha", "inviato",
        "datainvio", "sendt", "dato", "skickat", "lähetetty", "päivämäärä", "päiväys", "wysłano", "wysłane",
        "odesláno", "odoslané", "dátum", "küldve", "elküldve", "отправлено", "дата", "датаотправки", "надіслано",
        "изпратено", "gönderildi", "göndermetarihi", "gönderilmetarihi", "tarih", "στάλθηκε", "ημερομηνία",
        "απεστάλη", "发送时间", "发送日期", "日期", "时间", "发件时间", "傳送時間", "寄件日期", "寄送時間", "寄信時間",
        "發送時間", "傳送日期", "時間", "送信日時", "日時", "送信", "日付", "보낸날짜", "보낸시간", "날짜", "발송일",
        "일시", "보낸일시", "ส่ง", "ส่งเมื่อ", "วันที่", "đãgửi", "ngày", "gửi", "dikirim", "tanggal", "tarikh",
        "dihantar", "trimis", "נשלח", "תאריך", "تاريخالإرسال", "التاريخ", "تمالإرسال", "أُرسلت", "تاریخ", "saadetud",
        "kuupäev", "nosūtīts", "datums", "išsiųsta", "dagsetning", "poslano", "poslato", "दिनांक", "dateandtime",
        "messagedu",
    ),
    "to": (
        "to", "an", "aan", "à", "a", "para", "per", "til", "till", "vastaanottaja", "do", "dla", "komu", "címzett",
        "кому", "до", "kime", "alıcı", "προς", "收件人", "收件者", "收信人", "宛先", "받는사람", "받는이", "수신",
        "수신인", "ถึง", "đến", "tới", "ngườinhận", "kepada", "untuk", "către", "אל", "إلى", "به", "saaja", "kellele",
        "kam", "kam:", "prima", "za", "destinataire", "destinatario", "destinatário", "empfänger", "до:", "प्रति",
        "destinatari", "mottagare", "mottaker", "modtager", "geadresseerde", "adresat", "viðtakandi",
    ),
    "cc": (
        "cc", "bcc", "kopie", "kopia", "copie", "copia", "kopi", "kopio", "másolatotkap", "másolat", "копия", "копія",
        "bilgi", "κοινοποίηση", "κοιν", "抄送", "副本", "참조", "สำเนา", "dw", "kópia", "cópia", "ccn", "cci", "עותק",
        "kopija", "tembusan", "salinan", "reply-to", "replyto", "antwortan", "répondreà", "respondera", "responderà",
        "rispondia", "回复", "答复", "importance", "wichtigkeit", "attachments", "anlagen", "附件", "organization",
        "organisation", "priority", "priorität", "重要性",
    ),
    "subject": (
        "subject", "betreff", "betr", "onderwerp", "objet", "oggetto", "asunto", "assunto", "assumpte", "emne",
        "ämne", "aihe", "temat", "předmět", "predmet", "tárgy", "тема", "тема", "относно", "konu", "θέμα", "主题",
        "主旨", "主題", "标题", "標題", "件名", "제목", "เรื่อง", "หัวข้อ", "chủđề", "tiêuđề", "subjek", "perihal",
        "subiect", "נושא", "הנדון", "الموضوع", "موضوع", "teema", "temats", "tēma", "tema", "efni", "naslov", "zadeva",
        "विषय", "sujet", "onderwerp", "gaia",
    ),
}  # fmt: skip

# The words for "wrote", at the end of an attribution or in its middle. Matched as words where the script has words.
VERBS: Final = (
    "wrote", "writes", "schrieb", "schreibt", "geschrieben", "schreef", "geschreven", "a écrit", "écrit",
    "a ecrit", "escribió", "escribio", "ha escrito", "escreveu", "ha scritto", "scrive", "scrisse", "va escriure",
    "ha escrit", "a scris", "skrev", "skrifaði", "kirjoitti", "napisał(a)", "napisał", "napisała", "pisze",
    "napsal(a)", "napsal", "napsala", "napísal(a)", "napísal", "napísala", "írta", "napisao", "napisala",
    "je napisao", "je napisal", "написал(а)", "написал", "написала", "пишет", "писал", "написав", "написала(в)",
    "пише", "написа", "έγραψε", "yazdı", "写道", "写到", "寫道", "寫到", "撰写", "撰寫", "来信", "书写", "の書き込み",
    "書きました", "のメール", "のメッセージ", "님이 작성", "작성", "썼습니다", "씀", "님의 말", "เขียน", "đã viết",
    "viết", "menulis", "כתב", "כתבה", "כתב/ה", "كتب", "كتبت", "نوشت", "kirjutas", "rakstīja", "parašė", "rašė",
    "लिखा", "লিখেছেন", "schreven", "idatzi zuen", "scríobh",
)  # fmt: skip

# How an attribution begins if not with a date or a name.
STARTERS: Final = (
    "on", "at", "in a message dated", "am", "den", "le", "el", "il", "em", "op", "på", "pada", "dne", "dňa", "dana",
    "w dniu", "dnia", "в", "ngày", "vào", "la", "στις", "στην", "на", "от", "od", "u", "kl", "den", "þann", "pe data",
    "quoting", "kuupäeval", "a les", "dia", "no dia", "na", "zo dne", "fra", "da", "de", "from", "van", "von", "al",
    "pe", "în data", "ב-", "בתאריך", "ביום", "في", "بتاريخ", "در", "เมื่อ", "在", "於", "于", "自",
)  # fmt: skip

# The words between dashes above a quoted or forwarded mail.
ORIGINAL: Final = frozenset({
    "original message", "original", "original mail", "original email", "original e-mail", "original appointment",
    "replied message", "reply message", "previous replies", "previous message", "quoted message", "message",
    "ursprüngliche nachricht", "originalnachricht", "original-nachricht", "urspr. nachricht", "ursprüngliche mail",
    "message d'origine", "message d’origine", "message original", "message initial", "mensaje original",
    "mensagem original", "missatge original", "messaggio originale", "messaggio originario", "mesaj original",
    "mesajul original", "oorspronkelijk bericht", "origineel bericht", "oorspronkelijke bericht",
    "oprindelig meddelelse", "oprindelig besked", "original besked", "original meddelelse", "opprinnelig melding",
    "opprinnelig e-post", "opprinnelig epost", "originalmeddelande", "ursprungligt meddelande", "originalmeddelelse",
    "alkuperäinen viesti", "wiadomość oryginalna", "oryginalna wiadomość", "pierwotna wiadomość", "původní zpráva",
    "původní e-mail", "pôvodná správa", "eredeti üzenet", "исходное сообщение", "исходное письмо",
    "оригинальное сообщение", "оригинал сообщения", "вихідне повідомлення", "оригінальне повідомлення",
    "початкове повідомлення", "оригинално съобщение", "оригинална порука", "αρχικό μήνυμα", "orijinal mesaj",
    "özgün ileti", "orijinal ileti", "izvorna poruka", "originalna poruka", "izvirno sporočilo",
    "izvorno sporočilo", "originaalkiri", "algne kiri", "oriģinālais ziņojums", "sākotnējais ziņojums",
    "pradinis laiškas", "originalus laiškas", "upprunaleg skilaboð", "原始邮件", "原始郵件", "原邮件", "原郵件",
    "回复的原邮件", "回覆的原郵件", "原始信件", "原信", "原文", "元のメッセージ", "オリジナルメッセージ", "元のメール",
    "original message (元のメッセージ)", "원본 메시지", "원본 메일", "원본메일", "원본메시지", "ข้อความต้นฉบับ",
    "ข้อความเดิม", "tin nhắn gốc", "thư gốc", "pesan asli", "pesan asal", "mesej asal", "הודעה מקורית",
    "ההודעה המקורית", "الرسالة الأصلية", "رسالة أصلية", "پیام اصلی", "मूल संदेश",
})  # fmt: skip
FORWARDED: Final = frozenset({
    "forwarded message", "forwarded mail", "forwarded email", "begin forwarded message", "forward message",
    "weitergeleitete nachricht", "anfang der weitergeleiteten nachricht", "anfang der weitergeleiteten e-mail",
    "message transféré", "message transmis", "début du message transféré", "début du message réexpédié",
    "mensaje reenviado", "inicio del mensaje reenviado", "mensagem encaminhada", "mensagem reencaminhada",
    "início da mensagem encaminhada", "início da mensagem reencaminhada", "messaggio inoltrato",
    "inizio messaggio inoltrato", "doorgestuurd bericht", "begin doorgestuurd bericht", "videresendt besked",
    "videresendt melding", "videresendt meddelelse", "start på videresendt besked", "vidarebefordrat meddelande",
    "vidarebefordrat brev", "vidarebefordrat mejl", "välitetty viesti", "edelleenlähetetty viesti",
    "przekazana wiadomość", "wiadomość przekazana", "przeposlaná zpráva", "přeposlaná zpráva", "preposlaná správa",
    "továbbított üzenet", "továbbított levél", "пересылаемое сообщение", "пересланное сообщение",
    "начало переадресованного сообщения", "конец переадресованного сообщения", "переслане повідомлення",
    "препратено съобщение", "προωθημένο μήνυμα", "iletilen ileti", "iletilen mesaj", "yönlendirilen ileti",
    "mesaj redirecționat", "proslijeđena poruka", "prosleđena poruka", "posredovano sporočilo", "edastatud kiri",
    "pārsūtītais ziņojums", "persiųstas laiškas", "áframsend skilaboð", "转发邮件", "转发邮件信息", "转发的邮件",
    "已转发邮件", "转发的消息", "转发信息", "下面是被转发的邮件", "以下是转发的邮件", "開始轉寄郵件", "轉寄郵件",
    "轉寄的郵件", "已轉寄的郵件", "以下は転送メール", "転送されたメッセージ", "転送メッセージ", "転送メール",
    "전달된 메시지", "전달된 메일", "전달된 이메일", "ข้อความที่ส่งต่อ", "thư chuyển tiếp", "tin nhắn chuyển tiếp",
    "pesan terusan", "pesan yang diteruskan", "mesej dimajukan", "הודעה שהועברה", "רسالة معاد توجيهها",
    "رسالة معاد توجيهها", "پیام هدایت شده", "अग्रेषित संदेश",
})  # fmt: skip
# What help desks print above their mails: the words below it are the desk's.
ABOVE_THIS_LINE: Final = (
    "above this line", "antwort oberhalb dieser", "oberhalb dieser zeile", "über dieser zeile", "au-dessus de cette",
    "encima de esta l", "por sobre esta l", "acima desta linha", "sopra questa riga", "sopra questa linea",
    "boven deze", "över denna", "over denne linje", "ovenfor denne", "yläpuolelle", "powyżej tej", "nad touto",
    "nad týmto", "выше этой", "над этой", "вище цього", "bu satırın üst", "以上回复", "上方回复", "此行之上",
    "此行以上", "分割线以上", "この行の上", "この線より上", "이 줄 위", "이 선 위",
)  # fmt: skip

# The signatures of phones and programs. A short line that begins with one ends the new words.
SIGN_OFFS: Final = (
    "sent from ", "sent via ", "sent with ", "sent using ", "sent on the go", "get outlook for",
    "get bluemail", "sent by mail.ru", "from my iphone", "from my ipad", "gesendet von ", "gesendet mit ",
    "gesendet aus ", "diese nachricht wurde von meinem", "holen sie sich outlook", "outlook für ",
    "envoyé de mon ", "envoyé depuis ", "envoyé à partir de", "envoyé via ", "envoyé avec ",
    "téléchargez outlook", "obtenir outlook", "obtenez outlook", "enviado desde ", "enviado a través de",
    "enviado con ", "enviado do ", "enviado de ", "enviado pelo ", "enviado a partir d", "enviado via ",
    "obtener outlook", "obter o outlook", "obtenha o outlook", "inviato da ", "inviato dal ",
    "inviata da ", "scarica outlook", "ottieni outlook", "verzonden vanaf ", "verzonden via ",
    "verzonden met ", "verstuurd vanaf ", "verstuurd vanop ", "outlook voor ", "sendt fra ", "sendt med ",
    "hent outlook", "skickat från ", "skickat med ", "hämta outlook", "lähetetty minun",
    "lähetetty iphone", "lähetetty ipad", "lähetetty android", "lähetetty yahoo", "lähetetty windows",
    "lähetetty outlook", "hanki outlook", "wysłane z ", "wysłano z ", "pobierz outlook", "odesláno z ",
    "odoslané z ", "odeslané z ", "získat outlook", "elküldve ", "отправлено с ", "отправлено из ",
    "отправлено от ", "надіслано з ", "відправлено з ", "изпратено от ", "στάλθηκε από", "iphone'umdan ",
    "ipad'imden ", "trimis de pe ", "poslano s ", "poslano iz ", "poslato sa ", "saadetud minu",
    "nosūtīts no ", "išsiųsta iš ", "发自", "发送自", "来自outlook", "从 windows", "发送从", "發自", "傳送自", "寄自",
    "获取 outlook", "获取outlook", "下载适用于", "取得 outlook", "下載 outlook", "由网易邮箱大师",
    "签名由网易邮箱大师定制", "通过网易邮箱大师",
    "来自 outlook", "来自网易", "iphoneから", "ipadから", "iphone から", "ipad から", "androidから",
    "スマートフォンから",
    "outlook for ", "나의 iphone", "내 iphone", "나의 ipad", "내 ipad", "나의 갤럭시", "내 갤럭시", "내 삼성",
    "ส่งจาก",
    "đã gửi từ", "gửi từ ", "dikirim dari ", "dihantar dari ", "נשלח מ", "أرسلت من", "تم الإرسال من",
    "مرسل من", "ارسال شده از", "bidalita",
)  # fmt: skip
# The same where the verb comes last: how the line begins, and how it must end.
FRAMED_SIGN_OFFS: Final = (
    ("von meinem", "gesendet"), ("von unterwegs", "gesendet"), ("从我的", "发送"), ("从我的", "发出"),
    ("從我的", "傳送"), ("來自我的", "傳送"), ("来自我的", "发送"), ("来自我的", "手机"),
    ("az én", "küldve"), ("iphone", "gönderildi"),
    ("ipad", "gönderildi"), ("samsung", "gönderildi"), ("android", "gönderildi"), ("मेरे", "भेजा गया"),
    ("mijn", "verzonden"), ("bu ileti", "gönderildi"),
)  # fmt: skip
# What such a signature names; a sentence of other words that goes on after a comma is the customer's own.
DEVICES: Final = (
    "iphone", "ipad", "ipod", "android", "phone", "mobil", "galaxy", "samsung", "huawei", "honor", "xiaomi", "redmi",
    "oppo", "vivo", "nokia", "pixel", "oneplus", "htc", "sony", "motorola", "lenovo", "blackberry", "tablet", "macbook",
    "handy", "portable", "téléphone", "teléfono", "móvil", "celular", "telefon", "outlook", "mail", "windows",
    "thunderbird", "proton", "my mac", "手机", "手機", "邮箱", "郵箱", "平板", "电脑", "電腦", "联想", "华为", "小米",
)  # fmt: skip
# In a customer's own sentence these words may follow the same openings: "Sent from my account to Bob".
NO_DEVICES: Final = (
    "account", "wallet", "bank", "card", "balance", "konto", "compte", "cuenta", "conta", "账户", "帐户", "賬戶",
    "钱包", "銀行", "银行", "卡", "余额", " to ", "payment", "paid", "transfer", "内心", "yuan", "usd", "rmb",
)  # fmt: skip
