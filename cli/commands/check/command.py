"""`omniyard check`: report the errors of the configuration, or its content."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import typer
from rich.console import Console
from rich.text import Text

from cli.commands.check.summary import describe, print_summary
from cli.commands.check.surroundings import check_surroundings
from cli.main import FAILED
from cli.terminal import ConfigOption, JsonOption
from router.answers.faq import examine_faq
from router.errors import ConfigError
from router.settings.files import find_settings, load_channels, load_danger_words, read_file, shipped_file
from router.settings.findings import Finding
from router.settings.intents import examine_examples, load_intents
from router.settings.lines import locate
from router.settings.model import Settings
from router.settings.validation import examine_settings
from workers.answering.faq_files import faq_folder, intents_next_to, read_faq_folder
from workers.answering.silence import why_silent
from workers.training.lessons import EXAMPLES_CHANGED, examples_changed

_SHIPPED_ANSWERS: Final = (
    "/help shows the shipped answers, which are an e-wallet's: make a folder faq next to this file for your own; "
    "an empty one shows none"
)
_SHIPPED_DANGER: Final = (
    'people are called by the shipped danger.toml too, whose words are an e-wallet\'s ("I did not order this"): '
    "write your own next to this file; with an empty one only your keywords and examples count"
)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of `check`. settings: None if the file itself cannot be used.  findings: by line."""

    file: Path
    settings: Settings | None
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether the desk can run with this file on this machine; warnings do not count."""
        return not any(finding.level == "error" for finding in self.findings)


def check(path: Path, *, now: datetime) -> CheckResult:
    """Check the file and everything that it refers to on this machine. now: aware, for the holidays."""
    try:
        text = read_file(path)
    except ConfigError as error:
        return CheckResult(path, None, (Finding(place=(), message=str(error).removeprefix(f"{path}: ")),))
    examination = examine_settings(text)
    findings = list(examination.findings)
    if examination.settings:
        today = now.astimezone(examination.settings.omniyard.timezone).date()
        findings += check_surroundings(examination.settings, today=today)
        findings += _examples(examination.settings, path)
        findings += _danger(path) or _foreign_danger(examination.settings, path)
        findings += _answers(examination.settings, path, today=today)
    return CheckResult(path, examination.settings, locate(findings, text=text) if findings else ())


def _examples(settings: Settings, path: Path) -> list[Finding]:
    """Return the findings about the examples, including sub-intents, and whether the model has learnt them."""
    try:
        # The words of danger are learnt with the examples; what is wrong with them is said apart.
        changed = not _danger(path) and examples_changed(settings.with_danger(load_danger_words(path)), path)
        said = [Finding(place=("categories",), message=EXAMPLES_CHANGED, level="warning")] if changed else []
        return examine_examples(settings, load_intents(path, settings)) + said
    except ConfigError as error:
        return [Finding(place=("categories",), message=str(error))]


def _answers(settings: Settings, path: Path, *, today: date) -> list[Finding]:
    """Return what is wrong with the files of the FAQ, and what keeps the machine silent; none stops the desk."""
    found = examine_faq(
        read_faq_folder(faq_folder(path)),
        intents=intents_next_to(path, settings),
        categories=settings.categories,
        today=today,
    )
    if not (path.parent / "faq").is_dir():
        # The shipped answers are written for the shipped categories, and have no mistakes of the operator's.
        found = [_SHIPPED_ANSWERS] if settings.categories and not _has_shipped_categories(settings) else []
    lines = [*found, *why_silent(settings)]
    return [Finding(place=("answers",), message=line, level="warning") for line in lines]


def _has_shipped_categories(settings: Settings) -> bool:
    return load_channels(shipped_file()).categories.keys() <= settings.categories.keys()


def _foreign_danger(settings: Settings, path: Path) -> list[Finding]:
    """Return a warning where the shipped words of danger, an e-wallet's, decide for another business."""
    own, shipped = path.parent / "danger.toml", shipped_file().parent / "danger.toml"
    emergencies = {name for name, category in settings.categories.items() if category.emergency}
    known = {name for name, category in load_channels(shipped_file()).categories.items() if category.emergency}
    is_shipped = not own.is_file() or (shipped.is_file() and own.read_bytes() == shipped.read_bytes())
    if not emergencies or emergencies & known or not is_shipped:
        return []
    return [Finding(place=("emergency",), message=_SHIPPED_DANGER, level="warning")]


def _danger(path: Path) -> list[Finding]:
    """Return what is wrong with the file of danger's words, which has lines of its own."""
    try:
        load_danger_words(path)
    except ConfigError as error:
        return [Finding(place=("emergency",), message=line) for line in str(error).splitlines()]
    return []


def check_command(*, json_output: JsonOption = False, config: ConfigOption = None) -> None:
    """Print every error of the configuration: file, line, key, value, and what was expected.

    Without errors it prints a summary: channels, the hours of this week, routes. Nothing is started or changed.
    Exit code 1 if there is an error; warnings do not count.

    Example: omniyard check --config new.toml
    """
    now = datetime.now(UTC)
    result = check(find_settings(config), now=now)
    if json_output:
        print(json.dumps(_report(result, now=now), ensure_ascii=False))
    else:
        _print(result, now=now)
    if not result.ok:
        raise typer.Exit(FAILED)


def _report(result: CheckResult, *, now: datetime) -> dict[str, object]:
    findings = [
        {"level": each.level, "line": each.line, "key": each.key, "value": each.value, "message": each.message}
        for each in result.findings
    ]
    summary = describe(result.settings, now=now) if result.settings and result.ok else {}
    return {"file": str(result.file), "ok": result.ok, "findings": findings, **summary}


def _print(result: CheckResult, *, now: datetime) -> None:
    console = Console(highlight=False, soft_wrap=True)
    # Errors stand last, next to the verdict: of a hundred warnings above them only these are still on the screen.
    for finding in sorted(result.findings, key=lambda each: each.level == "error"):
        style = "bold red" if finding.level == "error" else "yellow"
        console.print(Text.assemble((f"{finding.level}: ", style), finding.sentence(str(result.file))))
    if result.settings and result.ok:
        print_summary(result.settings, now=now)
    console.print(_verdict(result))


def _verdict(result: CheckResult) -> Text:
    errors = sum(finding.level == "error" for finding in result.findings)
    warnings = len(result.findings) - errors
    counted = [
        f"{count} {noun}{'s' if count > 1 else ''}"
        for count, noun in ((errors, "error"), (warnings, "warning"))
        if count
    ]
    verdict = ("is in order", "bold green") if result.ok else ("cannot be used here", "bold red")
    return Text.assemble(f"{result.file} ", verdict, f" ({', '.join(counted)})" if counted else "", ".")
