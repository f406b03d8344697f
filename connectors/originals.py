"""Keep the bytes of a mail as they came: packed small and fast, unpacked only up to the size that was noted."""

from __future__ import annotations

from typing import Final

from zstandard import ZstdCompressor, ZstdDecompressor, ZstdError, frame_content_size

from router.errors import PermanentError

# Level 1 packs text mail to a third at 300 MB/s; higher levels cost more time than they save disk.
_LEVEL: Final = 1


class Packer:
    """A reusable compressor: its tables are allocated once. Not to be shared between threads."""

    def __init__(self) -> None:
        self._compressor = ZstdCompressor(level=_LEVEL)

    def pack(self, content: bytes) -> bytes:
        """Compress the bytes."""
        return self._compressor.compress(content)


def pack(content: bytes) -> bytes:
    """Compress the bytes of an original."""
    return Packer().pack(content)


def unpack(packed: bytes, *, size: int) -> bytes:
    """Return the original again.

    size: its length before it was packed; a frame that claims more is refused before memory is taken for it.
    Raises PermanentError when the frame is damaged or is not of that size.
    """
    try:
        # The decompressor believes a size written in the frame over its own limit, so we look first.
        if frame_content_size(packed) not in (size, -1):
            raise PermanentError(f"The stored original says another size than the {size} bytes that were noted.")
        return ZstdDecompressor().decompress(packed, max_output_size=max(size, 1))
    except ZstdError as error:
        raise PermanentError(f"The stored original of {size} bytes cannot be unpacked: {error}.") from error
