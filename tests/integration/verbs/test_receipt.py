"""The acknowledgement proves receipt: what came, what came badly, and why."""

import struct
from email.message import EmailMessage

import pytest

from chamado.daemon.store import schema
from tests.support.casework import parsed, words_of
from tests.support.house import SUPPORT, House

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\5\0\0\0\2\xd0\x08\2\0\0\0"
#: More objects than we look at.
WINMAIL = struct.pack("<IH", 0x223E9F78, 1) + (
    (struct.pack("<BHHI", 1, 0x8010, 1, 0) + b"\0\0") * 100_000
)
BODIES = {
    "pt-BR": "Bom dia. Não consigo enviar a mensagem, vocês podem verificar o log?",
    "en": "Good morning. I cannot send the message, could you please check the log?",
    "es": "Buenos días. No puedo enviar el mensaje, ¿pueden revisar el registro?",
}
SAID = {
    "pt-BR": (
        "Seu arquivo também chegou:\n- tela.png\n",
        "Alguns arquivos não chegaram bem:\n- vazio.log: chegou vazio\n"
        "- dados.zip: chegou incompleto\n- winmail.dat: não conseguimos abrir\n"
        "Se puder, envie de novo em resposta a este e-mail.\n",
    ),
    "en": (
        "Your file arrived too:\n- tela.png\n",
        "Some files did not arrive well:\n- vazio.log: arrived empty\n"
        "- dados.zip: arrived incomplete\n- winmail.dat: we could not open it\n"
        "If you can, please send them again by replying to this email.\n",
    ),
    "es": (
        "También llegó su archivo:\n- tela.png\n",
        "Algunos archivos no llegaron bien:\n- vazio.log: llegó vacío\n"
        "- dados.zip: llegó incompleto\n- winmail.dat: no pudimos abrirlo\n"
        "Si puede, envíelos de nuevo en respuesta a este correo.\n",
    ),
}


def _mail(text: str, *files: tuple[str, str, bytes]) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "Ana <ana@example.com>", SUPPORT, "oi"
    made["Message-ID"] = "<files@example.com>"
    made.set_content(text)
    for name, kind, content in files:
        main, _, sub = kind.partition("/")
        made.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return made


def _raw(mail: EmailMessage) -> bytes:
    return bytes(mail).replace(b"\n", b"\r\n")


def _ack(home: House) -> EmailMessage:
    (row,) = [r for r in home.rows(schema.outbox) if r["kind"] == "ack"]
    return parsed(row["content"])


def _html(letter: EmailMessage) -> str:
    part = letter.get_body(("html",))
    assert part is not None
    return str(part.get_content())


@pytest.mark.parametrize("language", BODIES)
def test_each_file_that_came_badly_is_named_with_the_reason(
    home: House, language: str
) -> None:
    """In the customer's language, in both bodies, apart from what came well."""
    raw = _raw(
        _mail(
            BODIES[language],
            ("tela.png", "image/png", PNG + b"x" * 50_000),
            ("vazio.log", "application/octet-stream", b""),
            ("dados.zip", "application/zip", b"0123456789abcdef"),
            ("winmail.dat", "application/ms-tnef", WINMAIL),
        )
    )
    # A letter of the encoding is lost on the way.
    broken = raw.replace(b"MDEyMzQ1Njc4OWFiY2RlZg==", b"MDEyMzQ1Njc4OWFiY")
    assert broken != raw
    home.mail(broken)
    ack = _ack(home)
    came, badly = SAID[language]
    assert ack["Content-Language"] == language
    assert came in words_of(ack)
    assert badly in words_of(ack)
    for line in badly.splitlines():
        assert line.removeprefix("- ") in _html(ack)


def test_more_files_than_can_be_taken_apart_are_told_of(home: House) -> None:
    """The rest is in the message that is kept whole, and no file of ours is named."""
    files = [(f"f{n}.txt", "text/x-log", b"x") for n in range(140)]
    home.mail(_raw(_mail("Veja os arquivos, por favor.", *files)))
    said = words_of(_ack(home))
    assert "mais arquivos do que conseguimos separar" in said
    assert "mais arquivos do que conseguimos separar" in _html(_ack(home))
    assert "message.eml" not in said


def test_files_that_came_well_are_not_doubted(home: House) -> None:
    """An ordinary mail has an ordinary acknowledgement."""
    home.mail(_raw(_mail("oi", ("erro.log", "application/octet-stream", b"x"))))
    said = words_of(_ack(home))
    assert "- erro.log\n" in said
    assert "não chegou bem" not in said
    assert "separar" not in said
