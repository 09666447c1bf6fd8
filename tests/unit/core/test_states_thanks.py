"""A mere thank-you is told from a word that a person has to read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chamado.daemon.core.thanks import BESIDE, LONGEST, THANKS, only_thanks

NAMES = ("Ana Souza", "Bruno", "Acme Suporte")


@pytest.mark.parametrize(
    "text",
    [
        "Obrigado!",
        "obrigada",
        "Muito obrigada pela ajuda, Bruno!\n\nAbraços,\nAna Souza",
        "Boa tarde,\n\nFuncionou, obrigado!\n\nAtt,\nAna",
        "Valeu demais!! 👍🏽",
        "Obg :)",
        "Perfeito, muito obrigado pelo retorno.",
        "Agradeço a todos pela rapidez.",
        "Thanks!",
        "Thank you so much for your help, Bruno.\n\nBest regards,\nAna",
        "Hi Bruno,\n\nGreat, thanks a lot.",
        "It works now, many thanks",
        "thx",
        "¡Muchas gracias por su ayuda!",
        "Gracias, un saludo",
        "Hola, listo, mil gracias 🙏",
        "🙏",
        "👍🏿",
        "OBRIGADO",
    ],
)
def test_l22_a_thank_you_is_recognised(text: str) -> None:
    """L-22: thanks with greeting, contentment and name, in three languages."""
    assert only_thanks(text, NAMES)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "Obrigado, mas ainda não funciona",
        "Não funcionou, obrigado",
        "Obrigado. E agora?",
        "Thanks, but the error is back",
        "Thanks for nothing",
        "Obrigado por nada",
        "Gracias, pero sigue igual",
        "Obrigado! Meu telefone é 11 98888-7777",
        "Obrigado. Podem cancelar minha conta",
        "Perfeito.",
        "ok",
        "Bom dia",
        "Ana Souza",
        "Thanks https://evil.example",
        "Thank you\n\n> error: disk full",
        "👎",
        "obrigado {{7*7}}",
        "obrigado " * 200,
    ],
)
def test_every_other_word_is_a_word(text: str) -> None:
    """One word, digit or question mark too many, and an agent has to look."""
    assert only_thanks(text, NAMES) is None


def test_accents_and_case_do_not_matter_however_they_are_encoded() -> None:
    """A Mac sends "atenção" as letters with accents behind them."""
    assert only_thanks("OBRIGADO PELA ATENC\u0327A\u0303O")
    assert only_thanks("Obrigado pela atenção")


def test_a_name_that_is_thanked_must_be_known() -> None:
    """Any unknown word could be the one that matters."""
    assert only_thanks("Obrigado, Bruno", ("Bruno",))
    assert only_thanks("Obrigado, Bruno") is None


def test_what_was_found_is_named() -> None:
    """`why` can say which word it was."""
    assert only_thanks("Boa tarde, muito obrigada!") == "muito obrigada"
    assert only_thanks("👍") == "👍"


@given(st.text(max_size=400))
def test_any_text_gets_an_answer(text: str) -> None:
    """No text raises, and a long one is never a mere thank-you."""
    found = only_thanks(text)
    assert found is None or len(text) <= LONGEST


@given(
    st.lists(st.sampled_from(THANKS + BESIDE), min_size=1, max_size=6),
    st.sampled_from(["mas", "not", "pero", "erro", "fails", "ainda", "cancel"]),
    st.integers(0, 6),
)
def test_one_foreign_word_anywhere_is_enough(
    phrases: list[str], other: str, at: int
) -> None:
    """Wherever the "but" stands, it is heard."""
    assert only_thanks(" ".join((*phrases[:at], other, *phrases[at:]))) is None


def test_the_lists_are_plain() -> None:
    """Entries are as the comparison makes them: lower case, without accents."""
    for phrase in THANKS + BESIDE:
        assert phrase == phrase.lower()
        assert phrase.isascii()
