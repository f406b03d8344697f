"""How easily a newcomer finds their way: counts of modules, folders, names and words, at any revision.

`python -m benchmarks.house [--rev REV] [--json]`. The limits are held by `tests/unit/test_house.py`.
"""

from __future__ import annotations

import argparse
import ast
import io
import json
import re
import statistics
import subprocess
import tarfile
import tempfile
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
ROOMS: Final = ("router", "connectors", "store", "workers", "api", "cli")
# Words that a reader whose second language is English must decode; the list is the style guide's.
ARCHAIC: Final = re.compile(
    r"\b(somebody|nobody|whoever|reckon\w*|anew|beside|told|knock\w*|shall)\b|is none of ours", re.IGNORECASE
)
# File names that stand in several folders, and the one noun that each of them means.
SHARED_NAMES: Final = {
    "__main__": "the process that `python -m FOLDER` runs",
    "agents": "people who may use the desk",
    "answer_files": "files of an agent's answer",
    "assignment": "which agent gets a conversation",
    "audit": "the audit trail",
    "base": "what all kinds in a folder have",
    "calendar": "business hours",
    "calibration": "scores into probabilities",
    "changes": "what an agent changes about a conversation",
    "channels": "channels",
    "client": "speaks a provider's protocol",
    "connector": "fetches pages from a provider",
    "cursor": "how far a channel has been read",
    "desk": "what every command or request of a desk needs",
    "drafts": "what an agent has written and not sent",
    "emergencies": "cases in which someone may be in danger",
    "explain": "why a message went where it went",
    "files": "files that a person downloads or an operator writes",
    "html": "HTML of a mail",
    "limits": "upper bounds",
    "lines": "lines of a text",
    "mail": "mail",
    "merge": "merges two of them into one",
    "messages": "messages of a conversation, or of a provider into envelopes",
    "migrate": "brings the tables up to date",
    "model": "a trained model, or the settings as a model",
    "normalise": "foreign bytes into an Envelope",
    "originals": "the bytes as a channel gave them",
    "outbound": "messages that leave",
    "phrases": "sentences in two languages",
    "probe": "what doctor says of a channel",
    "provider_agents": "agents who sign in at a provider",
    "provider_webhooks": "what providers call",
    "quarantine": "messages that could not be routed",
    "ratings": "what customers say of a closed case",
    "readers": "agents who have a conversation open or have read it",
    "ready_texts": "texts that agents use with a press",
    "receipts": "what a provider's answer says about a message that was sent",
    "replies": "answers of agents",
    "retention": "how long data is kept",
    "routes": "which addresses or rules lead where",
    "saved_views": "lists that an agent or a team keeps",
    "search": "search",
    "sender": "sends by a provider",
    "session": "one connection to a server",
    "signatures": "what agents sign with",
    "similar": "messages that say the same",
    "simulate": "replays stored messages under another configuration",
    "sla": "deadlines of answers",
    "supervisor": "who watches: the processes, or the desk",
    "telegram": "Telegram",
    "tokens": "what a program or an agent shows to be let in",
    "trainer": "learns from examples",
    "webhook": "verifies and reads what a provider calls",
    "webhook_deliveries": "events on their way to a tool",
    "webhooks": "events that leave for tools",
    "x": "X, the network that was Twitter",
}
# Channel settings, by the ends of their names: only the registry may ask which kind a channel is.
_KIND_TESTS: Final = re.compile(r"isinstance\([^()]*\b\w*(?:Imap|Smtp|Web|HttpSms|Telegram|Twilio|X)Settings\b")
_FEATURE_LINES: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The counts. *_list: where each one is, for repair."""

    modules: int
    lines: int
    median_lines: int
    longest_module: str
    largest_folder: str
    imports_inside_largest_folder: int
    under_40_lines: int
    gerund_names: list[str]
    names_in_several_folders: dict[str, list[str]]
    unexplained_names: list[str]
    classes_defined_twice: dict[str, list[str]]
    kind_tests: list[str]
    archaic_words_per_1000_lines: float
    archaic_words: int
    median_files_of_a_feature: float | None


def count(root: Path, *, history: Path | None = None) -> Counts:
    """Count the modules below `root`. history: a checkout whose log gives the files of a feature."""
    modules = [path for room in ROOMS for path in sorted((root / room).rglob("*.py")) if _counts(path)]
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules}
    folders = Counter(path.parent for path in modules)
    largest, most = folders.most_common(1)[0]
    longest = max(lengths, key=lambda path: lengths[path])
    names = _places(root, ((path.stem, path) for path in modules))
    words, lines = _archaic(root)
    return Counts(
        modules=len(modules),
        lines=sum(lengths.values()),
        median_lines=round(statistics.median(lengths.values())),
        longest_module=f"{longest.relative_to(root)}: {lengths[longest]}",
        largest_folder=f"{largest.relative_to(root)}: {most}",
        imports_inside_largest_folder=_imports_inside(root, largest),
        under_40_lines=sum(length < 40 for length in lengths.values()),
        gerund_names=[str(path.relative_to(root)) for path in modules if _is_gerund(path.stem)],
        names_in_several_folders=names,
        unexplained_names=sorted(names.keys() - SHARED_NAMES.keys()),
        classes_defined_twice=_places(root, _classes(modules)),
        kind_tests=[
            f"{path.relative_to(root)}: {found[0]}"
            for path in modules
            if path.name != "registry.py"
            for found in _KIND_TESTS.finditer(path.read_text(encoding="utf-8"))
        ],
        archaic_words_per_1000_lines=round(1000 * words / lines, 2),
        archaic_words=words,
        median_files_of_a_feature=_files_of_a_feature(history) if history else None,
    )


def _counts(path: Path) -> bool:
    return path.name != "__init__.py" and "migrations" not in path.parts


def _is_gerund(stem: str) -> bool:
    # A folder may be the field's noun, such as `routing`; a file's name says which part of it the file is.
    return stem.rsplit("_", maxsplit=1)[-1].endswith("ing")


def _places(root: Path, named: Iterator[tuple[str, Path]]) -> dict[str, list[str]]:
    places: dict[str, list[str]] = defaultdict(list)
    for name, path in named:
        places[name].append(str(path.relative_to(root)))
    return {name: found for name, found in sorted(places.items()) if len(found) > 1}


def _classes(modules: list[Path]) -> Iterator[tuple[str, Path]]:
    for path in modules:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and not _is_table(node):
                yield node.name, path


def _is_table(node: ast.ClassDef) -> bool:
    return any(keyword.arg == "table" for keyword in node.keywords)


def _imports_inside(root: Path, folder: Path) -> int:
    package = ".".join(folder.relative_to(root).parts)
    stems = {path.stem for path in folder.glob("*.py")}
    found = set()
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                if node.module == package:
                    found |= {(path.stem, alias.name) for alias in node.names if alias.name in stems}
                elif node.module.startswith(f"{package}.") and node.module.removeprefix(f"{package}.") in stems:
                    found.add((path.stem, node.module.removeprefix(f"{package}.")))
    return len(found)


def _archaic(root: Path) -> tuple[int, int]:
    """Return how many archaic words are in comments, strings and docs, and the number of lines searched."""
    words = lines = 0
    for room in ROOMS:
        for path in sorted((root / room).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            lines += text.count("\n")
            words += sum(len(ARCHAIC.findall(part)) for part in _texts_in(text))
    for path in [*sorted((root / "docs").glob("*.md")), root / "README.md", *sorted((root / "config").glob("*.toml"))]:
        text = path.read_text(encoding="utf-8")
        lines += text.count("\n")
        words += len(ARCHAIC.findall(text))
    return words, lines


def _texts_in(source: str) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in {tokenize.COMMENT, tokenize.STRING}:
            yield token.string


def _files_of_a_feature(checkout: Path) -> float | None:
    """Return the median number of modules that the last 200 commits of at least 60 added lines touched."""
    log = subprocess.run(
        ["git", "log", "-200", "--no-merges", "--no-renames", "--numstat", "--format=%x40"],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    touched = []
    for commit in log.split("@")[1:]:
        rows = [row.split("\t") for row in commit.splitlines() if row.count("\t") == 2]
        modules = [row for row in rows if row[2].endswith(".py") and row[2].split("/")[0] in ROOMS]
        if sum(int(row[0]) for row in modules if row[0].isdigit()) >= _FEATURE_LINES:
            touched.append(len(modules))
    return statistics.median(touched) if touched else None


def _checkout(rev: str, into: Path) -> None:
    packed = subprocess.run(["git", "archive", rev], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(into, filter="data")


def main() -> None:
    """Print the counts of the working tree, or of a revision."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rev", help="a revision instead of the working tree")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.rev:
            _checkout(arguments.rev, Path(folder))
        counts = asdict(count(Path(folder) if arguments.rev else ROOT, history=ROOT))
    if arguments.json:
        print(json.dumps(counts, indent=2))
        return
    for name, value in counts.items():
        print(f"{name.replace('_', ' '):34} {len(value) if isinstance(value, list | dict) else value}")


if __name__ == "__main__":
    main()
