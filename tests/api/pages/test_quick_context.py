"""Calls in templates: what a function is given does not depend on how Jinja is asked."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from jinja2 import Environment, pass_context, pass_environment, pass_eval_context
from jinja2.runtime import Context

from api.pages.quick_context import QuickContext
from api.text.phrases import Words


@pass_context
def of_context(context: Context, word: str) -> str:
    return f"{context['name']} {word}"


class Speaker:
    @pass_environment
    def __call__(self, environment: Environment, word: str) -> str:
        return f"{environment.autoescape} {word}"

    @pass_eval_context
    def marked(self, evaluation: Any, word: str) -> str:
        return f"{evaluation.autoescape} {word}"

    def plain(self, word: str, *, end: str = "") -> str:
        return f"<{word}>{end}"


@pytest.mark.parametrize(
    "template",
    [
        "{{ t('skip') }} {{ t('messages_many', count=3) }} {{ t('no_such_key') }}",
        "{{ of_context('x') }} {{ speaker('x') }} {{ speaker.marked('x') }} {{ speaker.plain('x', end='&') }}",
        "{{ bound('x') }} {{ '{:,}'.format(1234) }} {{ {'a': 1}.get('a') }}",
        "{% macro m(a) %}{{ caller() }}{{ t('skip') }}{{ a }}{% endmacro %}{% call m('<') %}{{ name }}{% endcall %}",
        "{% block b %}{{ of_context('y') }}{% for i in 'ab' %}{{ loop.cycle(t('skip')) }}{% endfor %}{% endblock %}",
        "{% block b %}{{ of_context('y') }}{% endblock %}{{ self.b() }}",
    ],
)
def test_a_template_says_the_same(template: str) -> None:
    speaker = Speaker()
    values = {"t": Words("zh"), "name": "Li", "of_context": of_context, "speaker": speaker}
    values["bound"] = partial(speaker.plain, end=".")
    quick, usual = Environment(autoescape=True), Environment(autoescape=True)
    quick.context_class = QuickContext
    assert quick.from_string(template).render(values) == usual.from_string(template).render(values)
