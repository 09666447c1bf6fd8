"""Lines of keys in TOML, in every way TOML lets one write them."""

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chamado.config.lines import flatten, lines

TEXT = '''\
# a comment
top = 1

[service]          # with a remark
name = """
[not.a.table]
fake = 1
"""
"quoted" = 'x'
dotted.key = 1

[[mailbox]]
name = "a"
list = [
    "one",  # in between
    "two",
]
[[mailbox]]
[mailbox.sub]
deep = 1
[[mailbox]]
inline = { a = 1, b = { c = 2 } }

[ spaced . out ]
last = 1
'''


def test_every_way_of_writing_a_key_has_its_line() -> None:
    """Comments, long strings, lists over lines and inline tables do not confuse it."""
    assert lines(TEXT) == {
        "top": 2,
        "service": 4,
        "service.name": 5,
        "service.quoted": 9,
        "service.dotted.key": 10,
        "mailbox.0": 12,
        "mailbox.0.name": 13,
        "mailbox.0.list": 14,
        "mailbox.1": 18,
        "mailbox.1.sub": 19,
        "mailbox.1.sub.deep": 20,
        "mailbox.2": 21,
        "mailbox.2.inline.a": 22,
        "mailbox.2.inline.b.c": 22,
        "spaced.out": 24,
        "spaced.out.last": 25,
    }


def test_a_list_of_inline_tables_counts_its_items() -> None:
    """`address = [{…}, {…}]` is the same as two tables."""
    text = 'address = [{ address = "a" }, { address = "b" }]\n'
    assert lines(text) == {"address.0.address": 1, "address.1.address": 1}


def test_line_ends_of_windows_and_odd_characters_do_not_shift_lines() -> None:
    """Only real line ends count, not the separators that may stand in a string."""
    text = "a = 'x\u2028y'\r\nb = 1\r\n"
    assert lines(text) == {"a": 1, "b": 2}


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,5}", fullmatch=True),
        st.dictionaries(
            st.from_regex(r"[a-z]{1,5}", fullmatch=True),
            st.integers() | st.booleans() | st.lists(st.integers(), max_size=3),
            min_size=1,
        ),
    )
)
def test_every_key_of_a_file_gets_a_line(tables: dict[str, dict[str, object]]) -> None:
    """Whatever the file, no key that tomllib sees is without a line that names it."""
    text = "".join(
        f"[{name}]\n" + "".join(f"{key} = {_toml(v)}\n" for key, v in table.items())
        for name, table in tables.items()
    )
    written = text.splitlines()
    found = lines(text)
    for dotted, _ in flatten(tomllib.loads(text)):
        name = dotted.rpartition(".")[2]
        assert written[found[dotted] - 1].startswith(f"{name} = ")


def _toml(value: object) -> str:
    return str(value).lower()


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment"])
def test_an_empty_file_has_no_lines(text: str) -> None:
    """Nothing comes out of nothing."""
    assert lines(text) == {}
