"""How well mail is read, in one table: parsing, new words, reports, threads; ours and other readers in one run.

python -m benchmarks.mail --corpora ../shared/corpora --json
"""

from __future__ import annotations

import argparse
import json
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

# Each part of the benchmark measures itself by `measure(corpora: Path) -> dict`.
_ROOMS: Final = {
    "mail": "benchmarks.mail.mime",
    "contradictions": "benchmarks.mail.contradictions",
    "replies": "benchmarks.mail.replies",
    "bounces": "benchmarks.mail.bounces",
    "threads": "benchmarks.mail.threads",
}


def measure(corpora: Path, *, rooms: list[str]) -> dict[str, Any]:
    """Return what each part measures; a part that does not exist yet is reported as missing."""
    return {room: _measure(_ROOMS[room], corpora) for room in rooms}


def _measure(module: str, corpora: Path) -> dict[str, Any]:
    if find_spec(module) is None:
        return {"missing": f"{module} is not written yet"}
    result: dict[str, Any] = import_module(module).measure(corpora)
    return result


def _table(result: dict[str, Any], *, path: str = "") -> list[str]:
    """Return one line per figure and, below them, one per miss."""
    lines: list[str] = []
    for name, value in result.items():
        if isinstance(value, dict):
            lines += _table(value, path=f"{path}{name} | ")
        elif isinstance(value, list):
            lines += [f"    {path}{name}: {json.dumps(each, ensure_ascii=False)[:400]}" for each in value]
        else:
            lines.append(f"{path}{name}: {value}")
    return lines


def main() -> int:
    """Measure, print, and return 2 if the corpora are missing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mail", description=__doc__)
    parser.add_argument("--corpora", type=Path, default=Path("../shared/corpora"), help="folder of the corpora")
    parser.add_argument("--only", choices=_ROOMS, action="append", help="measure this part; repeatable")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    if not arguments.corpora.is_dir():
        print(f"The corpora are not at {arguments.corpora}: name their folder with --corpora.", file=sys.stderr)
        return 2
    result = measure(arguments.corpora, rooms=arguments.only or list(_ROOMS))
    print(json.dumps(result, ensure_ascii=False, indent=1) if arguments.json else "\n".join(_table(result)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
