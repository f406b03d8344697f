"""What this machine's pip is set to, for the pip that builds the image: where packages come from, and by which certificate."""

from __future__ import annotations

import ast
import contextlib
import functools
import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

_URL: Final = "file://"
# From what pip reads first to what counts most.
_SECTIONS: Final = ("global", "install", ":env:")
_CERTIFICATE: Final = "/etc/pip.crt"


def read_settings() -> dict[str, str]:
    """Return what this machine's files and environment say to `pip install`, by name, such as "index-url"."""
    pip = [sys.executable, "-m", "pip", "config", "list"]
    said = subprocess.run(pip, capture_output=True, text=True, check=True)
    return parse_settings(said.stdout)


def parse_settings(listed: str) -> dict[str, str]:
    """Return the settings in the words of `pip config list`; of two with one name, the one that pip obeys."""
    found: dict[str, dict[str, str]] = {section: {} for section in _SECTIONS}
    for line in listed.splitlines():
        name, separator, value = line.partition("=")
        section, dot, key = name.partition(".")
        if separator and dot and section in found:
            found[section][key] = str(ast.literal_eval(value))
    return {key: value for section in _SECTIONS for key, value in found[section].items()}


@contextlib.contextmanager
def build_options(settings: Mapping[str, str], folder: Path) -> Iterator[list[str]]:
    """Give a build these settings, by buildah's options; nothing of them stays in the image.

    folder: gets the file with the settings. The certificate is a secret like that file. Other files and folders of this
    machine that they name are served on loopback until the block ends: a mount would leave its place in the image.
    """
    certificate = Path(settings.get("cert", ""))
    options = ["--secret", f"id=pip.crt,src={certificate}"] if certificate.is_file() else []
    with _serving() as (base, served):
        lines = ["[global]"]
        for key, value in settings.items():
            words = [_moved(word, base, served) for word in value.split()]
            lines.append(f"{key} = " + "\n    ".join([_CERTIFICATE] if key == "cert" and options else words))
        file = folder / "pip.conf"
        file.write_text("\n".join([*lines, ""]), encoding="utf-8")
        yield [*options, "--secret", f"id=pip.conf,src={file}"] if settings else []


def _moved(word: str, base: str, served: list[Path]) -> str:
    """Return a word of a value; if it is a path of this machine, the address where that is served."""
    path = Path(word.removeprefix(_URL))
    if not path.is_absolute() or not path.exists():
        return word
    # The pages of an index may name files next to it.
    served.append(path.parent)
    return f"{base}/{len(served) - 1}/{path.name}" + ("/" if path.is_dir() else "")


@contextlib.contextmanager
def _serving() -> Iterator[tuple[str, list[Path]]]:
    """Serve the folders that are put into a list, each below its number; return the address and that list."""
    served: list[Path] = []
    handler = functools.partial(_Files, served=served)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, name="pip-files", daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", served
        finally:
            server.shutdown()
            thread.join()


class _Files(http.server.SimpleHTTPRequestHandler):
    """Files of the served folders, for programs of this machine that know the port."""

    def __init__(self, *arguments: Any, served: list[Path]) -> None:  # noqa: ANN401  (the server's own)
        self._served = served
        super().__init__(*arguments)

    def translate_path(self, path: str) -> str:
        """Return the file of a request's path; one that is not there if its number is none of the list's."""
        number, _, rest = urlsplit(path).path.lstrip("/").partition("/")
        if not number.isdigit() or int(number) >= len(self._served):
            return "/nonexistent"
        self.directory = str(self._served[int(number)])
        return super().translate_path(f"/{rest}")

    def log_message(self, *_: object) -> None:
        """Say nothing of each file."""
