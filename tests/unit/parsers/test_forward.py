"""The message inside a forward, in many languages and shapes."""

import pytest

from chamado.parsers.forward import bare_subject, is_forward
from chamado.parsers.message import parse
from tests.unit.parsers.mails import multipart, parsed

WORDS = "Não consigo acessar o painel desde ontem, aparece erro 500 na tela.\n"


def gmail(phrase, sender="De", date="Date", subject="Subject", to="To"):
    """A forward as Gmail writes it."""
    return (
        f"Vejam isto.\n\n---------- {phrase} ---------\n"
        f"{sender}: Ana Souza <ana@cliente.example>\n"
        f"{date}: qua., 25 de nov. de 2026 às 09:00\n"
        f"{subject}: Painel fora\n{to}: <bia@acme.example>\n\n\n{WORDS}"
    )


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("Fwd: Painel fora", gmail("Forwarded message", "From")),
        ("Painel fora", gmail("Forwarded message", "From")),
        ("Enc: Painel fora", gmail("Mensagem encaminhada", subject="Assunto")),
        ("RV: Painel fora", gmail("Mensaje reenviado", subject="Asunto", to="Para")),
        ("WG: Painel fora", gmail("Weitergeleitete Nachricht", "Von", to="An")),
        (
            "ENC: Painel fora",
            "De: Ana Souza <ana@cliente.example>\nEnviado: quarta-feira, 25 de "
            "novembro de 2026 09:00\nPara: Bia <bia@acme.example>\n"
            "Assunto: Painel fora\n\n" + WORDS,
        ),
        (
            "FW: Painel fora",
            "FYI\n\n________________________________\nFrom: Ana Souza "
            "[mailto:ana@cliente.example]\nSent: Wednesday, November 25, 2026 9:00 AM"
            "\nTo: Bia\nSubject: Painel fora\n\n" + WORDS,
        ),
        (
            "Fwd: Painel fora",
            "Begin forwarded message:\n\n> From: Ana Souza <ana@cliente.example>\n"
            "> Subject: Painel fora\n> Date: 25 November 2026 at 09:00:00 GMT\n"
            "> To: bia@acme.example\n> \n> " + WORDS,
        ),
        (
            "转发: Painel fora",
            "发件人: Ana Souza <ana@cliente.example>\n发送时间: 2026年11月25日 9:00\n"
            "收件人: bia@acme.example\n主题: Painel fora\n\n" + WORDS,
        ),
    ],
    ids=["en", "no mark", "pt", "es", "de", "pt outlook", "outlook", "apple", "zh"],
)
def test_a_forward_tells_who_wrote_what(subject, body):
    """Sender, subject and the words of the original, whatever wrote the forward."""
    found = parsed(f"Subject: {subject}", body=body).forwarded
    assert found is not None
    assert (found.sender.name, found.sender.address) == (
        "Ana Souza",
        "ana@cliente.example",
    )
    assert found.subject == "Painel fora"
    assert found.text == WORDS
    assert found.language == "pt"


def test_an_attached_message_is_a_forward_too():
    """One that came alone, with the original's own header."""
    inner = (
        "Content-Type: message/rfc822\n\nFrom: Ana <ana@cliente.example>\n"
        "Date: Wed, 25 Nov 2026 09:00:00 -0300\nSubject: Painel fora\n\n" + WORDS
    )
    found = parse(multipart("mixed", "\n", inner)).forwarded
    assert found is not None
    assert found.sender.address == "ana@cliente.example"
    assert found.date is not None
    assert found.date.hour == 12
    assert found.text == WORDS
    assert parse(multipart("mixed", "\nVeja o anexo.", inner)).forwarded is None
    assert parse(multipart("mixed", "\n", inner, inner)).forwarded is None


def test_an_answer_is_no_forward():
    """Copied headers below an answer, and quoted lines, are history."""
    block = (
        "Resolvido, obrigada.\n\n-----Mensagem original-----\nDe: Suporte "
        "<suporte@acme.example>\nEnviada em: quarta-feira, 25 de novembro de 2026 "
        "09:00\nPara: Ana\nAssunto: Painel\n\nTexto nosso.\n"
    )
    assert parsed("Subject: RES: Painel", body=block).forwarded is None
    quote = "Obrigada\n\nOn 25 Nov 2026, Bia <bia@acme.example> wrote:\n> oi\n"
    assert parsed("Subject: Re: Painel", body=quote).forwarded is None
    assert parsed("Subject: Fwd: nada", body="Sem nada dentro.\n").forwarded is None


def test_a_forward_without_an_address_credits_nobody():
    """Outlook leaves addresses out inside a company."""
    body = "De: Ana Souza\nEnviado: 25/11/2026 09:00\nPara: Bia\nAssunto: x\n\n" + WORDS
    assert parsed("Subject: ENC: x", body=body).forwarded is None


@pytest.mark.parametrize(
    ("subject", "bare"),
    [
        ("Fwd: Fw: ENC: Painel", "Painel"),
        ("[Fwd: Painel]", "Painel"),
        ("Re: Fwd: Painel", "Painel"),
        ("Painel [urgente]", "Painel [urgente]"),
        ("Encontro: hoje", "Encontro: hoje"),
    ],
)
def test_marks_of_forwarding_come_off_a_subject(subject, bare):
    """All that are in front, and nothing of the subject itself."""
    assert bare_subject(subject) == bare
    assert is_forward(subject) == (bare != subject)


@pytest.mark.timeout(30)
def test_hostile_forwards_cost_little():
    """Thousands of copied headers, and endless labels, come to an end."""
    for body in (
        gmail("Original message", "From") * 500,
        "De: " * 50_000,
        "From: a@b.example\n" * 5_000,
        "-" * 60_000 + "\n" + "> From: x\n" * 5_000,
    ):
        assert parsed("Subject: Fwd: x", body=body).text
