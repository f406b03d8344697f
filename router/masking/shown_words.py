"""The words of a message as people see them: each part masked, and what kinds of secrets were found in which."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from router.envelope import Envelope
from router.masking.mask import Masked, mask
from router.origin.correspondent import Correspondent


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownWords:
    """The masked words of a message; only these are stored.

    secrets: kinds of what was masked.  sent_now: those of them in the new words; a quote repeats older ones.
    """

    sender_name: str
    contact_name: str
    subject: str
    text: str
    quoted: str
    html: str
    file_names: tuple[str, ...]
    secrets: tuple[str, ...]
    sent_now: tuple[str, ...]


def mask_words(envelope: Envelope, head: tuple[Masked, Masked], *, correspondent: Correspondent) -> ShownWords:
    """Return all words of a message, masked. head: its subject and its text, masked already."""
    subject, text = head
    quoted, signature = mask(envelope.quoted), mask(envelope.signature)
    files = [mask(attachment.name) for attachment in envelope.attachments]
    speaker, party = correspondent.speaker(envelope).name, correspondent.party.name
    sender = mask(speaker)
    secrets = _kinds((*head, quoted, signature, *files, sender))
    # A reply's subject is a quote as well.
    written = (text,) if envelope.in_reply_to else head
    return ShownWords(
        sender_name=sender.text,
        contact_name=sender.text if party == speaker else mask(party).text,
        subject=subject.text,
        text=text.text,
        quoted="\n".join(filter(None, (signature.text, quoted.text))),
        # Tags may split a secret so that no pattern finds it: then the masked text is stored instead of the HTML.
        html="" if secrets or mask(envelope.html).kinds else envelope.html,
        file_names=tuple(name.text for name in files),
        secrets=secrets,
        sent_now=_kinds((*written, *files)),
    )


def _kinds(parts: Iterable[Masked]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(kind for part in parts for kind in part.kinds))
