"""The customer's language: declared, else voted by small words, else unknown."""

import pytest

from tests.unit.parsers.mails import parsed


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("Não consigo acessar o sistema desde ontem, podem verificar?", "pt"),
        ("Por que minhas mensagens voltam? Segue o que recebi.", "pt"),
        ("No puedo entrar en el sistema, gracias por su ayuda", "es"),
        ("I cannot log in since this morning, please help", "en"),
        ("Ich kann mich nicht anmelden, bitte um Hilfe", "de"),
        ("Je ne peux pas me connecter, merci de votre aide", "fr"),
        ("Не могу войти в систему, пожалуйста помогите", "ru"),
        ("ok", None),
        ("500", None),
        ("", None),
    ],
)
def test_small_words_vote(text, tag):
    """A sentence is enough; a word is not."""
    assert parsed(body=text).language == tag


def test_the_mail_program_says_it_with_its_region():
    """Outlook's language counts where the words do not speak against it."""
    assert parsed("Accept-Language: pt-BR, en-US", body="ok").language == "pt-BR"
    assert parsed("Content-Language: en-US", body="Não consigo acessar o sistema, está"
                  " fora do ar e não abre").language == "pt"  # fmt: skip
