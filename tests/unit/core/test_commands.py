"""What an agent's mail asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chamado.daemon.core.commands import read_order
from chamado.daemon.core.types import Command, Order, Verb


@pytest.mark.parametrize(
    ("text", "commands", "words"),
    [
        ("Olá, Ana.\nTente de novo.", (), "Olá, Ana.\nTente de novo."),
        ("#note\nIsto fica aqui.", (Command(verb=Verb.NOTE),), "Isto fica aqui."),
        ("\n\n#nota\nfica", (Command(verb=Verb.NOTE),), "fica"),
        (
            "#priority p1\n#assign me\nVejo já.",
            (
                Command(verb=Verb.PRIORITY, argument="p1"),
                Command(verb=Verb.ASSIGN, argument="me"),
            ),
            "Vejo já.",
        ),
        (
            "#RESOLVE answered",
            (Command(verb=Verb.RESOLVE, argument="answered"),),
            "",
        ),
        ("Veja #note no meio", (), "Veja #note no meio"),
        ("", (), ""),
    ],
)
def test_commands_end_at_the_first_line_that_is_none(
    text: str, commands: tuple[Command, ...], words: str
) -> None:
    """Only the top of a mail commands."""
    assert read_order(text) == Order(commands=commands, text=words)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("#close\ntchau", "unknown_command"),
        ("#note: o cliente mentiu", "unknown_command"),
        ("#note.\no cliente mentiu", "unknown_command"),
        ("# note\no cliente mentiu", "unknown_command"),
        ("#\u00a0nota o cliente mentiu", "unknown_command"),
        ("#wait\n**#assign** bia@acme.example", "unknown_command"),
        ("#note\n#closed", "unknown_command"),
        ("#priority urgent", "no_priority"),
        ("#resolve done", "no_resolution"),
        ("#assign", "lacks_argument"),
        ("#wait até amanhã", "takes_nothing"),
        ("#note\n#note\nx", "twice"),
        ("#note\n#reply\nx", "contradiction"),
        ("#note", "no_words"),
        ("#wait\n" * 11, "too_many"),
        ("Olá, tudo certo.\n#resolve answered", "below"),
        ("#note\nfica\n\n#Resolver ANSWERED  \nabraço", "below"),
        ("#priority p1\nVejo já.\n#assign me", "below"),
        ("Oi\n#atribuir bia@acme.example", "below"),
        ("Oi\n#note", "below"),
    ],
)
def test_one_wrong_command_undoes_the_whole_mail(text: str, why: str) -> None:
    """Nothing is done by halves, and the agent is told what was wrong."""
    order = read_order(text)
    assert order.wrong is not None
    assert order.wrong.code == why
    # The whole mail comes back, so that nobody has to write it again.
    assert (order.commands, order.text) == ((), text.strip())


@pytest.mark.parametrize(
    "line",
    [
        *("*#note*", "**#note**", "__#note__", "`#note`", "\uff03note"),
        *("\u200b#note", "#no\u200dte", "\u200f#nota\u200e", "\ufeff  #NOTE "),
    ],
)
def test_a_command_is_known_whatever_programs_put_around_it(line: str) -> None:
    """Bold turned into stars, full-width signs, characters that nobody sees."""
    note = Command(verb=Verb.NOTE)
    assert read_order(f"{line}\nmentiu") == Order(commands=(note,), text="mentiu")
    below = read_order(f"Bom dia.\n{line.strip()}\nmentiu")
    assert below.wrong is not None
    assert below.wrong.code == "below"


@pytest.mark.parametrize(
    "line",
    [
        "#include <stdio.h>",
        "#define WAIT 1",
        "# note",
        "#note: isto",
        "#nota fiscal 123",
        "#wait for it",
        "#assign",
        "#assign x = 1",
        "#priority alta",
        "#resolve",
        "#5",
        "> #resolve answered",
        "    #resolve answered",
        "use #resolve answered",
        "#closed",
    ],
)
def test_what_only_begins_with_a_mark_below_the_first_words_is_text(line: str) -> None:
    """Code, quotations and numbers go to the customer as they are written."""
    text = f"Olá.\n{line}\nAbraço"
    assert read_order(text) == Order(commands=(), text=text)


@given(text=st.text(max_size=300))
def test_any_text_is_an_order_or_says_what_is_wrong(text: str) -> None:
    """Reading never fails, and words without commands are kept whole."""
    order = read_order(text)
    if order.wrong is None and not order.commands:
        assert order.text == text.strip()
