"""The words of mail systems that report in prose, one table a place; all in lower case.

Sources: qmail's QSBMF, Exim, sendmail, Postfix, Exchange, Domino, Yahoo, Google, Mail.ru, NetEase (163, 126), QQ Mail,
Coremail, Aliyun, Sina and the Japanese carriers, as they write in mail.
"""

from __future__ import annotations

from typing import Final

# In a subject. A person's own subject rarely has one; together with a sender or a sentence below it is sure.
SUBJECTS: Final = (
    "undeliver", "delivery status", "delivery failure", "delivery failed", "delivery has failed", "delivery report",
    "delivery notification", "delivery problem", "delivery error", "delivery delayed", "delivery warning",
    "returned mail", "returned to sender", "returning to sender", "returning message", "failure notice",
    "mail failure", "mail system error", "mail error", "not delivered", "non-delivery", "nondeliver", "non delivery",
    "could not be delivered", "cannot be delivered", "couldn't be delivered", "message delivery has failed",
    "unable to deliver", "processing error", "mail failed", "delayed mail", "delivery attempts", "not be sent",
    "email delivery", "mail delivery", "has not yet been delivered", "returned email", "rejected mail", "bounce",
    "user unknown", "unknown user", "no such user", "failed mail",
    "address not found", "message blocked", "message rejected", "loop alert", "are not member",
    "退信", "投递失败", "无法投递", "未送达", "发送失败", "无法送达", "被退回", "投递状态", "邮件系统", "系统通知",
    "傳遞失敗", "無法傳遞", "退件", "未傳遞", "無法寄送", "投遞失敗", "寄送失敗",
    "メールエラー", "配信できません", "配信不能", "配信失敗", "送信できません", "不達",
    "未達", "配達不能", "エラーメール",
    "반송", "전송 실패", "배달 실패", "전달되지", "보낼 수 없", "배달되지",
    "unzustellbar", "zustellung", "nicht zugestellt", "rückläufer", "nicht zustellbar",
    "non remis", "non distribu", "échec de la remise", "non délivr", "n'a pas été remis", "échec d'envoi",
    "no se puede entregar", "no entregado", "no se pudo entregar", "devuelto", "devolución", "fallo en la entrega",
    "não entregue", "não foi possível entregar", "falha na entrega", "devolvid", "não entreg",
    "non recapitabile", "mancata consegna", "mancato recapito", "impossibile consegnare", "non consegnat",
    "onbestelbaar", "niet bezorgd", "niet afgeleverd", "kan niet worden bezorgd", "kunne ikke leveres", "ikke levert",
    "kan ikke leveres", "ikke leveret", "olevererbart", "kunde inte levereras", "kan inte levereras",
    "kan ej levereras", "ei voitu toimittaa", "toimitus epäonnistui", "toimittaminen epäonnistui",
    "nie można dostarczyć",
    "nie dostarczono", "niedostarczon", "niedoręczon", "zwrot wiadomości", "nedoručiteln", "nelze doručit",
    "nedoručen", "nedoručiteľn", "kézbesíthetetlen", "kézbesítési", "не доставлено", "недоставлен",
    "не может быть доставлен", "не удалось доставить", "сбой доставки", "не вдалося доставити",
    "недоставлено", "iletilemedi", "teslim edilemedi",
    "αδυναμία παράδοσης", "δεν παραδόθηκε", "nu a putut fi livrat", "nelivrat", "не може да бъде доставено",
    "לא נמסרה", "לא ניתן למסור", "تعذر تسليم", "لم يتم تسليم", "ไม่สามารถส่ง", "không gửi được", "không thể gửi",
    "tidak terkirim", "tidak dapat dikirim", "gagal dikirim",
)  # fmt: skip

# In the local part of an address that programs write from. Only beside a subject and a sentence is it a sign.
MACHINES: Final = (
    "mail", "smtp", "daemon", "system", "admin", "server", "service", "reply", "notif", "gateway", "mta", "report",
    "error", "delivery", "exchange", "root",
)  # fmt: skip

# In the text: what a mail system says of a message, in a sentence that opens its report.
SENTENCES: Final = (
    "could not be delivered", "couldn't be delivered", "cannot be delivered", "can not be delivered",
    "unable to deliver", "wasn't able to deliver", "was not able to deliver", "were not able to deliver",
    "weren't able to deliver", "delivery to the following", "delivery of the following", "delevery to the following",
    "did not reach the following", "did not reach some or all", "could not be reached", "did not receive",
    "has not yet been delivered", "was not delivered", "has not been delivered", "not been delivered",
    "not delivered to the following", "had permanent fatal", "had transient non-fatal", "failed recipients",
    "failed addresses", "failed permanently", "delivery failed", "delivery has failed", "delivery failure",
    "error delivering your mail", "failed to deliver", "delivery problems", "delivery attempts",
    "error was detected while processing", "error occurred while trying to deliver", "encountered an error",
    "undeliverable to", "undeliverable address", "returned because", "returned to sender", "mail has been returned",
    "automatically rejected", "rejected by a remote", "user unknown", "unknown user", "no such user",
    "invalid recipient", "invalid final delivery", "has been postponed", "has been delayed",
    "delivery of email to this address",
    "intended recipient:", "error-for:", "incorrectly constructed", "blocked by our", "mailbox is full",
    "account is disabled", "recipient address rejected", "mailbox unavailable", "message you sent",
    "non-delivery report", "was undeliverable",
    "couldn't find or gain access", "wasn't delivered to", "couldn't deliver", "there was a problem delivering",
    "not a member of this mailing list", "are not member", "duplicated message-id", "loop alert",
    "no valid recipients", "does not have a final email delivery point", "addressee unknown", "mta-blocked",
    "无法投递", "无法送达", "投递失败", "退回", "退信", "未能送达", "无法发送", "发送失败", "收件人不存在",
    "邮箱已满", "拒收", "未能投递", "未送达", "無法傳遞", "無法送達", "無法投遞", "退件", "寄送失敗", "被退回",
    "送信できません", "配信できません", "配信されません", "届けることができません", "送信に失敗", "お届けでき",
    "宛先不明", "配送できません", "전송하지 못", "배달하지 못", "전달하지 못", "보내지 못", "배달되지 않",
    "konnte nicht zugestellt", "nicht zugestellt werden", "n'a pas pu etre delivre", "n'a pas pu être",
    "n'existe pas", "no se pudo entregar", "no ha podido ser entregado", "não pôde ser entregue", "não foi entregue",
    "impossibile recapitare", "non è stato possibile", "kon niet worden bezorgd", "kon niet worden afgeleverd",
    "kunne ikke leveres", "kunde inte levereras", "ei voitu toimittaa", "nie mogła zostać dostarczona",
    "nie można dostarczyć", "nemohla být doručena", "nelze doručit", "не может быть доставлено",
    "не удалось доставить",
    "не было доставлено", "iletilemedi", "teslim edilemedi",
)  # fmt: skip

# What says that the system has not given up (RFC 3464 section 2.3.3: delayed).
DELAYS: Final = (
    "has not yet been delivered", "not yet been delivered", "been delayed", "will be retried", "will be attempted",
    "warning message only", "just a warning", "only a warning", "continue to try", "continue to attempt",
    "will keep trying", "keep trying", "been postponed", "still trying", "transient non-fatal", "delivery delayed",
    "message delayed", "temporary failure:", "will try again", "将继续尝试", "会继续尝试", "稍后重试", "延迟送达",
    "延遲", "继续投递", "再送します", "再試行",
)  # fmt: skip
# What says that a passing condition lasted too long: RFC 3463 section 3.5, X.4.7.
EXPIRED: Final = ("retry timeout exceeded", "retry time not reached")

# Lines that name addresses other than the one that was not reached.
ASIDES: Final = (
    "mail from", "contact", "please", "postmaster", "http:", "https:", "assistance", "question", "help@", "abuse@",
    "support@", "to unsubscribe", "message-id", "reporting-mta", "return-path", "gave this error",
    "the original message was received", "was generated during", "mailer-daemon", "noreply", "no-reply",
)  # fmt: skip
ASIDE_LABELS: Final = ("from:", "to:", "cc:", "subject:", "reply-to:", "references:", "sender:", "list-", "received:")

# What mail systems write above the message that they return.
RETURNED: Final = (
    "is a copy of the message", "is a copy of your message", "copy of the original message",
    "original message follow",
    "original message below", "original message header", "header of the original message", "message headers follow",
    "message header follow", "unsent message below", "returned mail follows", "returned mail ---",
    "returned message ---", "original message ---", "message text follows", "original mail as follows",
    "start of returned message", "lines of your original message", "old message:", "copy of the message header",
    "undelivered message you sent", "your message reads", "message body suppressed", "forwarded message ---",
    "--- 原始邮件", "---原始邮件", "--- 原邮件", "original message---", "-original message",
    "below the next line is a copy",
    "message header is", "text of your message", "-------original message", "summary of the undelivered",
)  # fmt: skip
