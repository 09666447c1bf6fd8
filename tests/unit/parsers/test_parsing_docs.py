"""The page about parsing says what the parser does, to the letter."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from chamado.parsers.contract import as_contract
from chamado.parsers.types import Auth, ParseLimits
from chamado.parsers.understand import understand
from chamado.parsers.wordlists import LANGUAGES
from tests.unit.parsers.mails import CORPUS, corpus, envelope

PAGE = (Path(__file__).parents[3] / "docs" / "parsing.md").read_text("utf-8")
EXAMPLES = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.S)]


def within(shown: object, found: object) -> bool:
    """Tell whether everything that is shown is so; what is left out may be anything."""
    if isinstance(shown, Mapping):
        return isinstance(found, Mapping) and all(
            key in found and within(value, found[key]) for key, value in shown.items()
        )
    if isinstance(shown, Sequence) and not isinstance(shown, str):
        return (
            isinstance(found, Sequence)
            and len(found) == len(shown)
            and all(within(one, other) for one, other in zip(shown, found, strict=True))
        )
    return shown == found


@pytest.mark.parametrize("shown", EXAMPLES, ids=lambda one: str(one["file"]))
def test_an_example_on_the_page_is_what_the_parser_prints(shown):
    """Each JSON on the page is part of what `parse` prints for that mail."""
    found = as_contract(
        shown["file"], understand(corpus(shown["file"]), envelope(None))
    )
    assert within(shown, found), found


def test_every_example_mail_is_on_the_page():
    """A mail in the corpus that the page does not show is nobody's example."""
    assert {one["file"] for one in EXAMPLES} == {p.name for p in CORPUS.glob("*.eml")}


def test_the_limits_on_the_page_are_the_limits():
    """The numbers that people read are those that hold."""
    limits = ParseLimits()
    for number in (
        f"{limits.header_block_bytes // 1024} KiB, 1 000, ",
        f", {limits.header_bytes // 1024} KiB |",
        f"{limits.subject_chars} characters, {limits.addresses}",
        f"{limits.parts}, {limits.depth}, {limits.attachments}",
        f"{limits.html_bytes // 1024} KiB, {limits.html_depth} elements deep",
        f"| quote splitting | {limits.quote_bytes // 1024} KiB, 5,000 lines; ",
    ):
        assert number in PAGE
    assert f"in one of {len(LANGUAGES)} languages" in PAGE


def test_the_example_reply_is_vouched_for():
    """The page's border stands above the example's Received line."""
    found = understand(
        corpus("reply-gmail-pt.eml"),
        envelope(),
        trusted_authserv_ids=("mx.acme.example",),
    )
    assert found.auth is Auth.ALIGNED
