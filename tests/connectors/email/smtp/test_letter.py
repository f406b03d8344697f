"""The HTML twin of an automatic mail: the same words, escaped, with our links and the customer's quote apart."""

from __future__ import annotations

from connectors.email.smtp.letter import letter_html

TEXT = """Hello,
we have it. See how far we are: https://desk.example/case/abc.

You wrote on Friday 27 November 2026 at 18:42:
> <b>My</b> payment failed, see https://evil.example
> please
"""


def test_words_links_and_quote_are_there_and_nothing_is_markup() -> None:
    page = letter_html(TEXT, name="Desk & Co")
    assert 'href="https://desk.example/case/abc"' in page
    assert "&lt;b&gt;My&lt;/b&gt;" in page
    assert 'href="https://evil.example' not in page
    assert page.count("<blockquote") == 1
    assert "<title>Desk &amp; Co</title>" in page
    assert "<script" not in page
    assert "<img" not in page


def test_a_text_without_a_quote_has_none() -> None:
    assert "<blockquote" not in letter_html("Hello\n\nthere", name="Desk")
