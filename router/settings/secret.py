"""A secret is a reference in the file, `env:NAME` or `file:PATH`, and is read when it is used."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from router.errors import ConfigError


class NotAReference(ValueError):
    """The value is not a reference: it may be the secret itself."""

    def __init__(self) -> None:
        super().__init__('expected "env:NAME" or "file:PATH", never the secret itself')


class Secret:
    """A reference to a secret. Its value is in no repr, log or error."""

    __slots__ = ("_kind", "_where")

    def __init__(self, reference: str) -> None:
        kind, colon, where = reference.partition(":")
        if not colon or kind not in {"env", "file"} or not where:
            raise NotAReference
        self._kind, self._where = kind, where

    def reveal(self) -> str:
        """Return the secret's value.

        Raises ConfigError with the name of the variable or the file, but not its content, when it is absent or empty.
        """
        value = os.environ.get(self._where, "") if self._kind == "env" else self._read_file()
        if not value:
            raise ConfigError(f"{self!r} is not set or is empty")
        return value

    def _read_file(self) -> str:
        try:
            return Path(self._where).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(f"{self!r} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError:
            # That error contains the file's bytes, so it must not be chained to ours.
            raise ConfigError(f"{self!r} cannot be read: it is not UTF-8 text") from None

    def __repr__(self) -> str:
        return f"Secret({self._kind}:{self._where})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and (self._kind, self._where) == (other._kind, other._where)

    def __hash__(self) -> int:
        return hash((self._kind, self._where))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401
        return core_schema.no_info_plain_validator_function(cls._checked)

    @classmethod
    def _checked(cls, reference: object) -> Secret:
        # The value may be a secret pasted into the file: no error may repeat it.
        if isinstance(reference, cls):
            return reference
        if not isinstance(reference, str):
            raise NotAReference
        return cls(reference)
