"""`omniyard classify`, `train` and `model` on a small desk with its own categories, as processes."""

from __future__ import annotations

import json

import pytest

from tests import forks

DESK = """
[omniyard]
data = "{data}"

[categories.refund]
keywords = ["退款"]
facts = ["amount"]
examples = {refund}

[categories.stolen]
emergency = true
keywords = ["stolen"]
examples = {stolen}

[[routes]]
name = "all"
team = "desk"
"""
REFUND = [
    "I want my refund", "where is my refund", "the refund has not arrived", "refund my order please",
    "the shop promised a refund and nothing came", "退款什么时候到", "我要退款", "退款还没有到账",
]  # fmt: skip
STOLEN = [
    "someone stole my phone", "there are payments I never made", "my money is gone", "a thief took my wallet",
    "someone else is using my account", "我的钱不见了", "手机被偷了", "有人盗用我的账户",
]  # fmt: skip
KEYS = [
    "category", "sub_intent", "probability", "runner_up", "abstained", "emergency", "possible_danger", "danger",
    "danger_threshold", "evidence", "language", "facts", "masked", "model",
]  # fmt: skip


@pytest.fixture
def desk(tmp_path):
    file = tmp_path / "desk.toml"
    written = {"refund": json.dumps(REFUND), "stolen": json.dumps(STOLEN)}
    file.write_text(DESK.format(data=tmp_path / "var", **written), encoding="utf-8")
    return file


def omniyard(*words, file, given=""):
    return forks.run(["-m", "cli", *words, "--config", str(file)], given=given.encode(), timeout=120)


def test_texts_are_classified_by_the_operators_own_examples_and_models_come_and_go(desk, tmp_path):
    # Without a model the keywords decide, and nothing is trained.
    readable = omniyard("classify", "my phone was stolen", file=desk)
    assert readable.returncode == 0
    assert "EMERGENCY" in readable.stdout
    assert "keyword of an emergency: stolen" in readable.stdout
    assert not (tmp_path / "var" / "models").exists()

    trained = json.loads(omniyard("train", "--json", "--activate", file=desk).stdout)
    assert trained["active"]
    assert set(trained["report"]["categories"]) == {"refund", "stolen"}
    lines = ['{"text": "where is my refund of 20 yuan"}', '{"txt": 1}', "", '{"text": "卡号 6222021234567894567"}']
    answered = omniyard("classify", "--jsonl", file=desk, given="\n".join(lines))
    rows = [json.loads(line) for line in answered.stdout.splitlines()]
    assert [list(row) for row in rows] == [KEYS, KEYS]
    assert (rows[0]["category"], rows[0]["emergency"], rows[0]["language"]) == ("refund", False, "en")
    assert rows[0]["facts"] == {"amount": ["20.00"], "currency": ["CNY"]}
    assert "6222021234567" not in answered.stdout
    assert answered.returncode == 1
    assert "line 2" in answered.stderr
    assert {row["model"] for row in rows} == {trained["version"]}
    # Other examples give another model; `model rollback` returns to the one before.
    desk.write_text(desk.read_text(encoding="utf-8").replace("my money is gone", "my money vanished"), encoding="utf-8")
    newer = json.loads(omniyard("train", "--json", "--activate", file=desk).stdout)
    assert newer["version"] != trained["version"]
    assert trained["version"] in omniyard("model", "rollback", file=desk).stdout
    listed = json.loads(omniyard("model", "list", "--json", file=desk).stdout)
    assert {each["version"]: each["active"] for each in listed} == {trained["version"]: True, newer["version"]: False}

    desk.write_text(desk.read_text(encoding="utf-8").replace(json.dumps(STOLEN[:1])[1:-1], '"x"'), encoding="utf-8")
    (tmp_path / "var" / "models" / f"{newer['version']}.npz").write_bytes(b"broken")
    refused = omniyard("model", "activate", newer["version"], file=desk)
    assert refused.returncode == 1
    assert "not a model of Omniyard" in refused.stderr
    listed = json.loads(omniyard("model", "list", "--json", file=desk).stdout)
    assert [each["version"] for each in listed if each["active"]] == [trained["version"]]


def test_too_few_examples_are_refused_in_one_sentence(desk):
    desk.write_text(
        desk.read_text(encoding="utf-8").replace(json.dumps(STOLEN), '["stolen", "gone"]'), encoding="utf-8"
    )
    refused = omniyard("train", file=desk)
    assert (refused.returncode, refused.stdout) == (3, "")
    assert "fewer than two categories have examples" in refused.stderr
    # Its keywords decide, so the file can be used; `check` warns.
    checked = omniyard("check", file=desk)
    assert (checked.returncode, "categories.stolen.examples: 2 examples" in checked.stdout) == (0, True)
