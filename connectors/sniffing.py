"""What a file is, by its first bytes: what a sender or a provider declares is never believed."""

from __future__ import annotations

from typing import Final

UNKNOWN: Final = "application/octet-stream"

# Offset, bytes, media type. Only what phones send; anything else is a file to download and no more.
_MAGIC: Final = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftyp3gp", "video/3gpp"),
    (4, b"ftyp", "video/mp4"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"OggS", "audio/ogg"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (8, b"WAVE", "audio/wav"),
    (0, b"BEGIN:VCARD", "text/vcard"),
)
_EXTENSIONS: Final = {
    "image/jpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "image/webp": ".webp", "image/heic": ".heic",
    "audio/mp4": ".m4a", "video/3gpp": ".3gp", "video/mp4": ".mp4", "application/pdf": ".pdf", "audio/ogg": ".ogg",
    "audio/amr": ".amr", "audio/mpeg": ".mp3", "audio/wav": ".wav", "text/vcard": ".vcf",
}  # fmt: skip


def sniff(content: bytes) -> str:
    """Return the media type that the bytes show."""
    for offset, magic, media_type in _MAGIC:
        if content.startswith(magic, offset):
            return media_type
    return UNKNOWN


def name_for(content: bytes, *, number: int) -> str:
    """Return a name for a file that came without one. number: counted from 1."""
    return f"file-{number}{_EXTENSIONS.get(sniff(content), '.bin')}"
