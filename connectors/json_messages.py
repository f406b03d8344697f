"""Messages in JSON: stored as one document with their files, which can be parsed again at any time.

It contains the provider's record unchanged; files are fetched while the provider still has them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from router.envelope import Attachment
from router.errors import NotFound, PermanentError

UNKNOWN: Final = "application/octet-stream"

# Offset, bytes, media type. Only types that phones send; any other file is only offered as a download.
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
    # MPEG-2, as telephone recordings with their low rates are.
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"\xff\xf2", "audio/mpeg"),
    (8, b"WAVE", "audio/wav"),
    (0, b"BEGIN:VCARD", "text/vcard"),
)
_EXTENSIONS: Final = {
    "image/jpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "image/webp": ".webp", "image/heic": ".heic",
    "audio/mp4": ".m4a", "video/3gpp": ".3gp", "video/mp4": ".mp4", "application/pdf": ".pdf", "audio/ogg": ".ogg",
    "audio/amr": ".amr", "audio/mpeg": ".mp3", "audio/wav": ".wav", "text/vcard": ".vcf",
}  # fmt: skip


def sniff(content: bytes) -> str:
    """Return the media type that the bytes have."""
    for offset, magic, media_type in _MAGIC:
        if content.startswith(magic, offset):
            return media_type
    return UNKNOWN


def name_for(content: bytes, *, number: int) -> str:
    """Return a name for a file without one. number: counted from 1."""
    return f"file-{number}{_EXTENSIONS.get(sniff(content), '.bin')}"


# No provider's record nests deeper; a hostile one must not reach Python's own limit.
_LARGEST: Final = 64 * 1024 * 1024
_BEGINNING: Final = b'{"form":'


class UnreadableDocument(ValueError):
    """The document does not have its provider's format. The message says what is wrong, without repeating text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFile:
    """One file of a message. content: None if it is not available, and then `problem` says why."""

    name: str
    content: bytes | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """One message as stored. form: names its reader.  source: how it reached us, such as "poll" or "webhook"."""

    form: str
    source: str
    record: Mapping[str, object]
    files: tuple[MediaFile, ...]

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """The available files, described by their bytes and not by their sender's claims."""
        return tuple(
            Attachment(
                name=file.name,
                media_type=sniff(file.content),
                size=len(file.content),
                sha256=hashlib.sha256(file.content).hexdigest(),
                part=part,
            )
            for part, file in enumerate(self.files)
            if file.content is not None
        )

    @property
    def problems(self) -> tuple[str, ...]:
        """Why files are missing."""
        return tuple(file.problem for file in self.files if file.content is None)


def write_document(record: Mapping[str, object], *, form: str, source: str, files: Sequence[MediaFile] = ()) -> bytes:
    """Return the bytes to store as the original."""
    listed = [
        {
            "name": file.name,
            "problem": file.problem,
            "content": None if file.content is None else base64.b64encode(file.content).decode("ascii"),
        }
        for file in files
    ]
    document = {"form": form, "source": source, "record": record, "files": listed}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def read_document(content: bytes) -> Document:
    """Parse the output of `write_document`. Raises Unreadable for anything else."""
    if len(content) > _LARGEST:
        raise UnreadableDocument(f"The message has {len(content)} bytes; at most {_LARGEST} are read.")
    try:
        document = json.loads(content.decode("utf-8", "surrogatepass"))
        record = document["record"]
        files = tuple(_file(each) for each in document.get("files", ()))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UnreadableDocument(f"The stored message is not a document of ours ({type(error).__name__}).") from error
    if not isinstance(record, dict):
        raise UnreadableDocument("The provider's record is no object.")
    return Document(str(document.get("form", "")), str(document.get("source", "")), record, files)


def looks_like_document(content: bytes) -> bool:
    """Return whether an original may be such a document; a mail that imitates one gains nothing by it."""
    return content.startswith(_BEGINNING)


def attachment_content(original: bytes, part: int) -> bytes:
    """Return the bytes of one file of a stored document.

    Raises NotFound when it has no such file, PermanentError when it cannot be parsed.
    """
    try:
        file = read_document(original).files[part]
    except UnreadableDocument as error:
        raise PermanentError(str(error)) from error
    except IndexError:
        raise NotFound(f"The message has no file {part}.") from None
    if file.content is None:
        raise NotFound(file.problem or f"The message has no file {part}.")
    return file.content


def text_of(record: Mapping[str, object], key: str, *, needed: bool = False) -> str:
    """Return a text of the record without lone surrogates; empty when it is absent.

    Raises Unreadable when it is not text, or absent though `needed`.
    """
    value = record.get(key)
    if value is None and not needed:
        return ""
    if not isinstance(value, str):
        raise UnreadableDocument(f"The record's {key} is no text.")
    return value.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\N{REPLACEMENT CHARACTER}")


def lasting(*parts: str) -> bytes:
    """Return bytes to hash, equal for a message however it reached us."""
    return json.dumps(parts, ensure_ascii=True).encode("ascii")


def _file(each: Mapping[str, object]) -> MediaFile:
    content = each["content"]
    try:
        decoded = None if content is None else base64.b64decode(str(content), validate=True)
    except binascii.Error as error:
        raise ValueError("a file is not in base64") from error
    return MediaFile(name=str(each["name"]), content=decoded, problem=str(each.get("problem", "")))
