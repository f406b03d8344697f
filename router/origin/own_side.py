"""Who is our side: the desk's own addresses, colleagues, and the form services that write for customers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# Anybody may have an address there: such a domain is neither ours nor a customer's own.
SHARED_DOMAINS: Final = frozenset({
    "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "yahoo.com", "ymail.com",
    "icloud.com", "me.com", "mac.com", "aol.com", "gmx.de", "gmx.net", "gmx.com", "web.de", "t-online.de", "mail.com",
    "proton.me", "protonmail.com", "zoho.com", "fastmail.com", "yandex.ru", "yandex.com", "mail.ru", "naver.com",
    "qq.com", "vip.qq.com", "foxmail.com", "163.com", "126.com", "yeah.net", "vip.163.com", "188.com", "sina.com",
    "sina.cn", "sohu.com", "139.com", "189.cn", "wo.cn", "aliyun.com", "21cn.com", "tom.com", "hotmail.co.uk",
    "yahoo.co.jp", "yahoo.co.uk", "yahoo.com.hk", "yahoo.com.tw", "orange.fr", "free.fr", "laposte.net", "libero.it",
})  # fmt: skip


class OwnVoice(StrEnum):
    """What a message of our own side is. claim: nothing proves that it is from us.

    machine: an automatic text of another program of ours, as of an app that greets or says that we are away.
    """

    ANSWER = "answer"
    CLAIM = "claim"
    MACHINE = "machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormService:
    """A service whose forms write to us for customers.

    senders: addresses, or domains with their @, in lower case.  field: the line of the text that names the customer;
    empty for Reply-To.
    """

    senders: frozenset[str]
    field: str = ""

    def sends_as(self, handle: str) -> bool:
        """Return whether a mail from this address is the service's."""
        return handle in self.senders or f"@{domain_of(handle)}" in self.senders


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSide:
    """Our side's addresses, in lower case.

    desk: of channels and programs.  colleagues: of single persons.  domains: whose mail is a colleague's.
    """

    desk: frozenset[str] = frozenset()
    colleagues: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    forms: tuple[FormService, ...] = ()

    def is_desk(self, handle: str) -> bool:
        """Return whether the address is the desk's own."""
        return is_own(handle, self.desk)

    def includes(self, handle: str) -> bool:
        """Return whether the address is the desk's or a colleague's."""
        if is_own(handle, self.desk) or handle in self.colleagues:
            return True
        return is_within(domain_of(handle), self.domains)

    def form_of(self, handle: str) -> FormService | None:
        """Return the form service that writes from this address."""
        return next((form for form in self.forms if form.sends_as(handle)), None)


def is_own(handle: str, own_addresses: frozenset[str]) -> bool:
    """Return whether a mail address is one of ours, with or without a +detail (RFC 5233)."""
    if handle in own_addresses:
        return True
    local, _, domain = handle.partition("@")
    return "+" in local and f"{local.partition('+')[0]}@{domain}" in own_addresses


def is_within(domain: str, domains: frozenset[str]) -> bool:
    """Return whether a domain is one of them, or below one."""
    return domain in domains or any(domain.endswith(f".{each}") for each in domains)


def domain_of(handle: str) -> str:
    """Return the domain of a mail address, in lower case."""
    return handle.rpartition("@")[2].lower()
