"""An answer that repeats our letter without a mark is shown without it."""

from tests.support.casework import Desk, words_of
from tests.support.house import House


def test_our_unmarked_letter_is_history(home: House) -> None:
    """The new words are shown, the whole text is kept."""
    desk = Desk(home)
    number = desk.opens()
    desk.reply(number, "Por favor, limpe os cookies do navegador e tente outra vez.")
    letter = words_of(desk.letters(number, to="ana@example.com")[-1])
    desk.answers(number, f"Fiz isso e nada mudou.\n\n{letter}")
    entry = desk.entries(number)[-1]
    assert entry["reply"] == "Fiz isso e nada mudou.\n"
    assert "limpe os cookies" in entry["quoted"]
    assert "limpe os cookies" in entry["text"]


def test_words_like_ours_stay_with_the_customer(home: House) -> None:
    """Nothing is cut that we did not write to this person."""
    desk = Desk(home)
    number = desk.opens()
    desk.reply(number, "Por favor, limpe os cookies do navegador e tente outra vez.")
    said = "Vocês disseram: limpe os cookies do navegador.\nFiz isso e nada mudou.\n"
    desk.answers(number, said)
    assert desk.entries(number)[-1]["reply"] == said
