"""How much of one mail we read; beyond it a mail is cut, or becomes a stub for an agent.

The figures are about ten times what the largest honest mail needs, and well within what the child process survives.
"""

from __future__ import annotations

from typing import Final

from router import message_limits

# Providers stop at 25 to 50 MB (RFC 1870 leaves it to them); larger mail is shown as a stub, never read.
RAW_BYTES: Final = 25 * 1024 * 1024
# Mailers nest fewer than ten levels; each level costs a parser a stack frame.
DEPTH: Final = 50
PARTS: Final = 500
HEADERS: Final = 1_000
HEADER_BYTES: Final = 256 * 1024
# One field, unfolded. RFC 5322 section 2.1.1 allows 998 characters a line; long References run to 10 KB.
FIELD_CHARACTERS: Final = 64 * 1024
ADDRESSES: Final = 200
REFERENCES: Final = 100
# RFC 5322 limits a Message-ID only by the limit of its line.
MESSAGE_ID_CHARACTERS: Final = 998
TEXT_CHARACTERS: Final = message_limits.WORDS_CHARACTERS
PAGE_CHARACTERS: Final = message_limits.PAGE_CHARACTERS
SUBJECT_CHARACTERS: Final = message_limits.SUBJECT_CHARACTERS
NAME_CHARACTERS: Final = 200
# Larger HTML is not parsed; its words are what is left without its tags.
HTML_CHARACTERS: Final = 2_000_000
# A machine header is a word or two; the bound keeps one sender from filling the table.
MACHINE_HEADER_CHARACTERS: Final = 1_000
MACHINE_HEADERS: Final = 60
# One for each hop that checks (RFC 8601 section 4.1), newest first; our server's is the first.
AUTHENTICATION_RESULTS: Final = 10
AUTHENTICATION_CHARACTERS: Final = 2_000
