"""Check calls and replies against the published description of the Bot API, which has a form of its own."""

from __future__ import annotations

import json
from typing import Any

from tests.fakes.contract import specs_folder

_PLAIN: dict[str, type | tuple[type, ...]] = {"Integer": int, "String": str, "Boolean": bool, "Float": (int, float)}


def load() -> TelegramContract | None:
    folder = specs_folder()
    if folder is None:
        return None
    return TelegramContract(json.loads((folder / "telegram_bot_api_10.1.json").read_text(encoding="utf-8")))


class TelegramContract:
    """Appends to `violations`; the fixture that made the fake checks them."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._methods, self._types = document["methods"], document["types"]
        self.violations: list[str] = []
        self.checked = 0

    def request(self, method: str, parameters: dict[str, Any]) -> None:
        described = self._methods.get(method)
        if described is None:
            self.violations.append(f"{method}: no such method")
            return
        self.checked += 1
        self._fields(described.get("fields", []), parameters, where=method, closed=True)

    def result(self, method: str, result: Any) -> None:
        returns = self._methods[method]["returns"]
        if not any(self._is(result, each, where=method, quiet=len(returns) > 1) for each in returns):
            self.violations.append(f"{method}: the result is none of {returns}")

    def _fields(self, fields: list[dict[str, Any]], value: dict[str, Any], *, where: str, closed: bool) -> bool:
        before = len(self.violations)
        known = {field["name"]: field for field in fields}
        self.violations += [f"{where}: unknown field {name}" for name in value if closed and name not in known]
        for name, field in known.items():
            if name not in value:
                if field["required"]:
                    self.violations.append(f"{where}: {name} is missing")
                continue
            kinds = field["types"]
            if not any(self._is(value[name], kind, where=f"{where}.{name}", quiet=len(kinds) > 1) for kind in kinds):
                self.violations.append(f"{where}.{name}: none of {kinds}")
        return len(self.violations) == before

    def _is(self, value: Any, kind: str, *, where: str, quiet: bool) -> bool:
        if kind.startswith("Array of "):
            inner = kind.removeprefix("Array of ")
            return isinstance(value, list) and all(self._is(each, inner, where=where, quiet=quiet) for each in value)
        if kind in _PLAIN:
            return isinstance(value, _PLAIN[kind]) and (kind == "Boolean" or not isinstance(value, bool))
        described = self._types.get(kind)
        if described is None or not isinstance(value, dict):
            return False
        if described.get("subtypes"):
            return True
        before = list(self.violations)
        good = self._fields(described.get("fields", []), value, where=f"{where}:{kind}", closed=True)
        if quiet and not good:
            self.violations[:] = before
        return good
