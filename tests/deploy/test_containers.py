"""The image, the compose file and the Kubernetes manifests: valid by their schemas, and true to the desk.

`python -m benchmarks.image` builds and runs the image; that needs root and is no test of `make test`.
"""

from __future__ import annotations

import configparser
import importlib.resources
import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks.pip_settings import build_options, parse_settings
from cli.processes.procfile import read_procfile

ROOT = Path(__file__).parents[2]
MANIFESTS = sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))
KUBERNETES = "1.32"

yaml = pytest.importorskip("yaml", reason="PyYAML is a part of the development lock: make setup")


def read_compose() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8")))


def manifests() -> Iterator[tuple[str, dict[str, Any]]]:
    for file in MANIFESTS:
        for document in yaml.safe_load_all(file.read_text(encoding="utf-8")):
            yield f"{file.name}: {document['kind']}", document


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each pod's name and its specification."""
    for _, document in manifests():
        if document["kind"] in {"Deployment", "Job"}:
            yield document["metadata"]["name"], document["spec"]["template"]["spec"]


def build_steps() -> list[str]:
    """The Containerfile's instructions, each on one line."""
    text = re.sub(r"(?m)^\s*#.*\n", "", (ROOT / "Containerfile").read_text(encoding="utf-8"))
    return [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def test_compose_follows_its_specification() -> None:
    schemas = pytest.importorskip("check_jsonschema", reason="check-jsonschema holds the schema: make setup")
    jsonschema = pytest.importorskip("jsonschema")
    folder = importlib.resources.files(schemas) / "builtin_schemas" / "vendor"
    schema = json.loads((folder / "compose-spec.json").read_text(encoding="utf-8"))
    jsonschema.validate(read_compose(), schema)


@pytest.mark.parametrize(("name", "document"), [each for each in manifests() if each[1]["kind"] != "Kustomization"])
def test_each_manifest_follows_its_schema(name: str, document: dict[str, Any]) -> None:
    schemas = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate holds the schemas: make setup")
    assert schemas.validate(document, KUBERNETES, strict=True), name


def test_the_kustomization_names_every_manifest() -> None:
    listed = yaml.safe_load((ROOT / "deploy" / "kubernetes" / "kustomization.yaml").read_text())["resources"]
    assert sorted([*listed, "kustomization.yaml"]) == [file.name for file in MANIFESTS]


def test_every_process_of_the_procfile_runs_in_compose_and_in_kubernetes() -> None:
    wanted = {entry.name: [*entry.arguments] for entry in read_procfile(ROOT / "Procfile")}
    services, specifications = read_compose()["services"], dict(pods())
    assert {name: services[name]["command"] for name in wanted} == wanted
    assert {name: specifications[name]["containers"][0]["command"] for name in wanted} == wanted


def test_no_process_has_privileges_or_writes_into_its_image() -> None:
    for name, pod in pods():
        container = pod["containers"][0]
        assert pod["securityContext"]["runAsNonRoot"], name
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert {"/var/lib/omniyard", "/tmp"} <= {mount["mountPath"] for mount in container["volumeMounts"]}, name
    for name, service in read_compose()["services"].items():
        if service["image"] == "omniyard":
            assert service["read_only"], name
            assert service["cap_drop"] == ["ALL"], name
    user = next(line for line in build_steps()[::-1] if line.startswith("USER"))
    assert user == "USER 10001:10001"


def test_the_scaled_metric_is_one_of_ours() -> None:
    scaler = next(document for _, document in manifests() if document["kind"] == "HorizontalPodAutoscaler")
    metric = scaler["spec"]["metrics"][0]["external"]["metric"]["name"]
    assert f'"{metric}"' in (ROOT / "api" / "monitoring" / "metrics.py").read_text(encoding="utf-8")


def test_the_image_changes_each_line_of_the_shipped_configuration_that_it_names() -> None:
    shipped = (ROOT / "config" / "channels.toml").read_text(encoding="utf-8")
    edits = [step for line in build_steps() for step in re.findall(r"'s/(\^.*?)/", line.replace("\\/", ""))]
    assert len(edits) == len(re.findall("-e 's", " ".join(build_steps()))) > 0
    for pattern in edits:
        assert len(re.findall(pattern, shipped, re.MULTILINE)) == 1, pattern


def test_the_build_context_has_every_room_of_the_wheel() -> None:
    import tomllib  # noqa: PLC0415

    project: Mapping[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert {*wheel["packages"], *wheel["force-include"], "requirements.lock", "README.md", "LICENSE"} <= kept


def test_compose_runs_the_proxy_of_the_guide() -> None:
    guide = (ROOT / "docs" / "proxy.md").read_text(encoding="utf-8")
    block = re.search(r"```caddy\n(.*?)```", guide, re.DOTALL)
    assert block is not None
    ours = (ROOT / "deploy" / "Caddyfile").read_text(encoding="utf-8")
    assert ours.partition("\n")[2] == block[1].replace("desk.example.com", "{$DESK_NAME}")


def test_the_build_gets_what_pip_of_this_machine_is_set_to(tmp_path: Path) -> None:
    # Given an index in a folder, whose pages name files next to it, and a certificate of the machine
    index, certificate = tmp_path / "index" / "simple", tmp_path / "own.crt"
    index.mkdir(parents=True)
    (index.parent / "a.whl").write_bytes(b"a wheel")
    certificate.touch()
    listed = "\n".join([
        f":env:.cert='{certificate}'",
        ":env:.timeout='7'",
        "global.cert='/nowhere.crt'",
        "global.index-url='https://packages.example/simple'",
        f"global.extra-index-url='file://{index}\\nfile:///nowhere'",
        "install.timeout='5'",
        "download.timeout='3'",
    ])  # fmt: skip

    # When
    with build_options(parse_settings(listed), tmp_path) as options:
        written = configparser.RawConfigParser()
        written.read(tmp_path / "pip.conf")
        found = dict(written["global"])
        served = found.pop("extra-index-url").splitlines()
        with urllib.request.urlopen(f"{served[0]}../a.whl", timeout=60) as answer:
            wheel = answer.read()
        outside = [f"{served[0]}../../{certificate.name}", f"{served[0]}../../7/{certificate.name}"]
        refused = [status_of(address) for address in outside]

    # Then
    assert found == {"cert": "/etc/pip.crt", "index-url": "https://packages.example/simple", "timeout": "7"}
    assert (wheel, served[1], refused) == (b"a wheel", "file:///nowhere", [404, 404])
    assert options == [
        "--secret",
        f"id=pip.crt,src={certificate}",
        "--secret",
        f"id=pip.conf,src={tmp_path / 'pip.conf'}",
    ]
    fetching = next(step for step in build_steps() if "--requirement requirements.lock" in step)
    assert all(f"id={name},target=/etc/{name}" in fetching for name in ("pip.conf", "pip.crt"))


def status_of(address: str) -> int:
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_machine_without_settings_of_pip_gives_none_to_the_build(tmp_path: Path) -> None:
    with build_options(parse_settings(""), tmp_path) as options:
        assert options == []
