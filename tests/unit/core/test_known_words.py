"""Our own letter below an answer, found by its words alone."""

import time

import pytest

from chamado.daemon.core.known import cut_known

LETTER = (
    "Olá, Ana,\n\nrecebemos a sua mensagem e ela tem agora o número 1042. Um de nossos"
    " atendentes responde dentro de 24 horas.\n\nAcme Suporte\n"
)
ANSWER = "Continua falhando, e agora o erro é o 500.\n"


@pytest.mark.parametrize(
    "quoted",
    [
        LETTER,
        LETTER.replace(" e ela", "\ne ela").replace(" dentro", "\n   dentro"),
        LETTER.replace("\n\n", "\n"),
        "".join(f"> {line}\n" for line in LETTER.splitlines()),
        LETTER.partition("recebemos")[2],
    ],
    ids=["as sent", "wrapped anew", "close", "marked", "without its start"],
)
def test_our_letter_below_an_answer_is_cut(quoted: str) -> None:
    """Whatever became of its lines, the words are ours."""
    kept, cut = cut_known(f"{ANSWER}\n{quoted}\n\n", LETTER)
    assert kept == ANSWER
    assert cut.strip() == quoted.strip()


@pytest.mark.parametrize(
    "text",
    [
        ANSWER,
        LETTER,
        f"{LETTER}\n{ANSWER}",
        f"{ANSWER}\nAcme Suporte\n",
        f"{ANSWER}\nOlá, Ana,\n",
        f"{ANSWER}\n{LETTER.replace('agora', 'hoje')}",
        "",
    ],
    ids=["none", "all ours", "below", "a name", "a greeting", "changed", "empty"],
)
def test_what_is_not_surely_ours_stays(text: str) -> None:
    """Words of the customer are never cut, not even a few like ours."""
    kept, cut = cut_known(text, LETTER)
    if "hoje" in text:
        # The end, two lines of it, is ours or nothing is.
        assert kept.startswith(ANSWER)
        assert "hoje" in kept
    else:
        assert (kept, cut) == (text, "")


def test_hostile_texts_cost_little() -> None:
    """Thousands of lines that are nearly ours: at once."""
    started = time.perf_counter()
    for text, known in (
        ("a\n" * 30_000, "a " * 30_000),
        ("a " * 900 + "b\n" + "a " * 900 + "\n", "a " * 30_000),
        (" ".join("ab" * 500) + "\n", ("ab" * 499 + " ") * 60),
    ):
        cut_known("x\n" + text, known)
    assert time.perf_counter() - started < 2
