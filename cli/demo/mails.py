"""The mails of the demo's customers, and the newsletter that a shop sends by a service for campaigns."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime, make_msgid
from typing import Final

from cli.demo.story import Line

# Python's library would write a long address in a header as encoded words, which no service for campaigns does.
_UNFOLDED: Final = SMTP.clone(max_line_length=998)
SUPPORT: Final = "support@wallet.example"
# As Mailchimp writes them, with hosts that are reserved for examples.
_CAMPAIGN: Final = {
    "Reply-To": "Example Shop <newsletter@shop.example>",
    "X-Mailer": "Mailchimp Mailer - **CIDa1b2c3d4e5f60718293a**",
    "X-Campaign": "mailchimp0f1e2d3c4b5a69788796a5b4c.a1b2c3d4e5",
    "X-campaignid": "mailchimp0f1e2d3c4b5a69788796a5b4c.a1b2c3d4e5",
    "X-Report-Abuse": "Please report abuse for this campaign here: https://campaigns.example/abuse/?u=0f1e2d3c4b",
    "X-MC-User": "0f1e2d3c4b5a69788796a5b4c",
    "Feedback-ID": "87654321:87654321.1234567:us21:mc",
    "List-ID": "0f1e2d3c4b5a69788796a5b4cmc list <0f1e2d3c4b5a69788796a5b4c.1234567.list-id.campaigns.example>",
    "X-Accounttype": "pr",
    "List-Unsubscribe": (
        "<https://shop.us21.campaigns.example/unsubscribe?u=0f1e2d3c4b&id=a1b2c3d4e5&c=a1b2c3d4e5>, "
        "<mailto:unsubscribe-mc.us21_0f1e2d3c4b.a1b2c3d4e5@unsubscribe.campaigns.example?subject=unsubscribe>"
    ),
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
}
_FOOTER: Final = (
    "\n\nYou get this mail because you opted in at our website. "
    "Unsubscribe: https://shop.us21.campaigns.example/unsubscribe?u=0f1e2d3c4b&id=a1b2c3d4e5\n"
)


def mail_of(line: Line, *, to: str) -> EmailMessage:
    """Return the line as a mail. to: the desk's address."""
    mail, is_campaign = EmailMessage(_UNFOLDED), line.who.startswith("newsletter")
    mail["From"] = f"Example Shop <{line.who}>" if is_campaign else line.who
    mail["To"], mail["Subject"], mail["Date"] = to, line.subject, format_datetime(localtime())
    mail["Message-ID"] = make_msgid(domain="campaigns.example" if is_campaign else "customer.example")
    for name, value in _CAMPAIGN.items() if is_campaign else ():
        mail[name] = value
    mail.set_content(line.text + (_FOOTER if is_campaign else ""))
    return mail
