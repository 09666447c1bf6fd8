"""New words, quoted history and signature, for the clients people write with."""

import tomllib

import pytest

from chamado.parsers.message import parse
from chamado.parsers.types import ParsedMessage
from tests.unit.parsers.mails import corpus, mail, multipart

QUOTES = tomllib.loads(corpus("quotes.toml").decode())
ATTRIBUTIONS: dict[str, str] = QUOTES["attributions"]
HEADERS: dict[str, str] = QUOTES["header_blocks"]
SEPARATORS: list[str] = QUOTES["separators"]["lines"]
HTML: dict[str, str] = QUOTES["html"]
NEW = "Continua sem funcionar.\nPode verificar?"


def read(text: str) -> ParsedMessage:
    """Parse a message with a plain body; nothing of it may be lost."""
    message = parse(mail("Content-Type: text/plain; charset=utf-8", body=text))
    assert "".join(message.text.split()) == "".join(text.split())
    return message


@pytest.mark.parametrize("client", ATTRIBUTIONS)
@pytest.mark.parametrize("mark", ["> ", ""], ids=["marked", "unmarked"])
def test_an_attribution_begins_the_history(client, mark):
    """What stands below `X wrote:` is quoted, with marks in front or without."""
    quoted = f"{mark}Olá Ana,\n{mark}\n{mark}reinicie o serviço.\n"
    message = read(f"{NEW}\n\n{ATTRIBUTIONS[client]}\n\n{quoted}")
    assert message.reply == NEW + "\n"
    assert "reinicie o serviço" in message.quoted


@pytest.mark.parametrize("client", HEADERS)
@pytest.mark.parametrize("rule", ["", "________________________________\n"])
def test_a_copied_header_begins_the_history(client, rule):
    """Outlook copies header lines, with or without a drawn line above them."""
    message = read(f"{NEW}\n\n{rule}{HEADERS[client]}\n\nOlá Ana,\nreinicie.\n")
    assert message.reply == NEW + "\n"
    assert "reinicie." in message.quoted


@pytest.mark.parametrize("line", SEPARATORS)
def test_a_separator_begins_the_history(line):
    """Lines that say `original message` in any language cut."""
    message = read(f"{NEW}\n\n{line}\n\nOlá Ana,\nreinicie.\n")
    assert message.reply == NEW + "\n"


def test_an_answer_below_the_quote_is_the_reply():
    """Who answers at the bottom wrote the bottom."""
    text = f"{ATTRIBUTIONS['gmail-pt']}\n\n> reinicie o serviço.\n> obrigado\n\n{NEW}\n"
    message = read(text)
    assert message.reply == NEW + "\n"
    assert "reinicie" in message.quoted


def test_answers_between_quoted_lines_keep_what_they_answer():
    """An interleaved answer makes no sense without the question."""
    text = (
        f"{ATTRIBUTIONS['gmail-en']}\n> Which version?\n\n4.2\n\n> Which browser?\n\n"
        "Firefox\n"
    )
    message = read(text)
    assert message.reply == text
    assert message.quoted == ""


@pytest.mark.parametrize(
    "text",
    [
        "---------- Forwarded message ---------\nDe: Rui <rui@x.example>\n"
        "Date: 1 Jan 2026 10:00\nSubject: erro\n\nO sistema caiu.\n",
        "> O sistema caiu.\n> De novo.\n",
        "De: Rui <rui@x.example>\nEnviado: 1/1/2026 10:00\nAssunto: erro\n\n"
        "O sistema caiu.\n",
    ],
)
def test_a_bare_forward_keeps_its_content(text):
    """Where nothing is new, everything stays."""
    assert read(text).reply == text


@pytest.mark.parametrize(
    "text",
    [
        "De: São Paulo\nPara: Rio\nData: 10/11/2026\n\nPreciso da passagem.\n",
        "Nome: Ana\nData: 16/11/2026 10:00\nErro: 500\n",
        "On your server I can run:\n\n    telnet 127.0.0.1 25\n",
        "Em 2026 escrevi:\nnada mudou.\n",
        "Em 20/06/2026 o cliente escreveu\nassunto: fatura\ne nada mais.\n",
        "Visit us\n>>> http://x.example <<<\nnow\n",
        "- um\n- dois\n- três\n",
        "A tela diz:\nErro 10:30 de 16/11/2026\nO que faço?\n",
        "# comentário\n#\n# código\n####\nfim\n",
        "Abra From: e To: no cabeçalho.\nDepois envie.\n",
    ],
)
def test_ordinary_text_is_left_whole(text):
    """Lists, tables and lines that only look like a header are the customer's words."""
    message = read(text)
    assert message.reply == text
    assert message.quoted == ""


@pytest.mark.parametrize(
    "line",
    [
        "Enviado do meu iPhone",
        "Enviada do meu iPad",
        "Enviado desde mi iPhone",
        "Sent from my iPhone",
        "Sent from Yahoo Mail on Android",
        "Get Outlook for iOS<https://aka.ms/o0ukef>",
        "Obter o Outlook para Android",
        "Von meinem iPhone gesendet",
        "Envoyé de mon iPhone",
        "Inviato da iPhone",
        "Verstuurd vanaf mijn iPhone",
        "Wysłane z iPhone'a",
        "Skickat från min iPhone",
        "Отправлено с iPhone",
        "发自我的 iPhone",
        "iPhoneから送信",
        "나의 iPhone에서 보냄",
        "Lähetetty iPhonesta",
        "From my old Galaxy S5",
        "via celular",
        "Ana Souza\nEnviado do meu iPhone",
        "Ana Souza\nvia mobile",
    ],
)
def test_what_phones_append_is_the_signature(line):
    """The line of the mail program is no word of the customer."""
    message = read(f"{NEW}\n\n{line}\n")
    assert message.reply == NEW + "\n"
    assert message.signature == line + "\n"


def test_a_letter_below_the_line_of_a_phone_begins_with_its_first_word():
    """Who writes below what the phone had put there wrote the letter all the same."""
    message = read(f"Sent from my iPhone\n\n{NEW}\n\nAtenciosamente,\nAna\n")
    assert message.reply == NEW + "\n"
    assert message.signature == "Sent from my iPhone\nAtenciosamente,\nAna\n"
    alone = read("Sent from my iPhone\n")
    assert (alone.reply, alone.signature) == ("Sent from my iPhone\n", "")


def test_a_copied_header_without_an_address_is_told_by_the_line_above():
    """Phones write an attribution without a colon, and what hides addresses a name."""
    history = (
        "Am 20.06.26 um 16:20 schrieb Acme Suporte\nVon: Acme Suporte\n"
        "Datum: 20. Juni 2026\nAn: Ana\n\nNeu starten.\n"
    )
    message = read(f"{NEW}\nVielen Dank im Voraus.\n{history}")
    assert message.reply == f"{NEW}\nVielen Dank im Voraus.\n"
    assert message.quoted == history


@pytest.mark.parametrize(
    "ending",
    [
        "-- \nAna Silva\nGerente\n",
        "--\nAna Silva\n+55 11 99999-0000\n",
        "Atenciosamente,\nAna Silva\n",
        "Att.\n\nAna Silva\nTel. 11 99999-0000\n",
        "Obrigada,\nAna\n",
        "Best regards,\nAna Silva\nACME Ltd.\n",
        "Saludos cordiales,\nAna\n",
        "Mit freundlichen Grüßen\nAna Silva\n",
        "Cordialement,\n\nAna Silva\n",
        "Met vriendelijke groet,\nAna\n",
        "С уважением,\nАна\n",
        "____________________\nAna Silva\nana@example.com\n",
        "Ana Silva\nana@example.com\nwww.example.com\n",
        "-Ana Silva\n",
    ],
)
def test_a_sign_off_with_a_name_is_the_signature(ending):
    """Everything from the sign-off on is folded away, and kept."""
    message = read(f"{NEW}\n\n{ending}")
    assert message.reply == NEW + "\n"
    assert message.signature.strip() == ending.strip()


@pytest.mark.parametrize(
    "text",
    [
        "Obrigado!\n",
        "Obrigada, Ana\n",
        "Thanks\n",
        "Regards,\nAna\n",
        "Não funciona.\n\nObrigado\n",
        "Sent from my desk, it works. From my phone it does not.\n",
        "It works on the desk.\n\nFrom my phone it does not work\n",
        "No computador abre.\n\nDo meu celular a tela trava sempre\n",
        "Veja a tela.\n\nMuito obrigada.\nAtenciosamente\n",
        "Faltam:\n- tela\n- log\n",
        "Meus dados:\n\nAna Silva\nana@example.com\n",
        "Thanks, but the problem is the same.\nIt says 500?\n",
        "Abri o chamado.\nObrigado,\nmas o problema continua: a tela fica branca.\n",
    ],
)
def test_words_that_only_look_like_a_sign_off_stay(text):
    """A message is never all signature, and a list never is one."""
    message = read(text)
    assert message.reply == text
    assert message.signature == ""


def test_a_signature_below_the_history_is_found():
    """Some programs put it under the quote."""
    text = f"{NEW}\n\n{ATTRIBUTIONS['gmail-pt']}\n\n> oi\n\n-- \nAna\n"
    message = read(text)
    assert message.reply == NEW + "\n"
    assert message.signature == "-- \nAna\n"


def test_a_thousand_lines_of_phones_above_a_letter_cost_nothing_else():
    """One of them is its signature; the mail is read whole, with its file."""
    text = "Sent from my iPhone\n\n" * 1_100 + "oi\n"
    raw = multipart("mixed", f"\n{text}", "Content-Type: a/b; name=a.bin\n\nx")
    message = parse(raw)
    assert message.defects == ()
    assert [file.name for file in message.attachments] == ["a.bin"]
    assert message.reply.endswith("oi\n")


def test_a_text_past_64_kib_is_left_whole():
    """The splitter does not look at huge texts."""
    text = "linha\n" * 11_000 + f"\n{ATTRIBUTIONS['gmail-en']}\n> x\n"
    message = read(text)
    assert message.reply == message.text


@pytest.mark.parametrize("client", HTML)
def test_html_history_is_told_by_what_programs_mark(client):
    """Classes, ids and styles of mail programs say where the quote begins."""
    page = f"<html><body>{HTML[client]}</body></html>"
    message = parse(mail("Content-Type: text/html; charset=utf-8", body=page))
    assert message.reply == "Novo texto\n"
    assert "velho" in message.quoted
    assert "velho" in message.text
    assert message.html is not None
    assert "velho" in message.html


def test_a_block_quote_in_the_middle_is_part_of_the_message():
    """Indented text between one's own words is one's own."""
    page = "<p>Veja:</p><blockquote>erro 500</blockquote><p>O que faço?</p>"
    message = parse(mail("Content-Type: text/html; charset=utf-8", body=page))
    assert "erro 500" in message.reply
    assert "O que faço?" in message.reply


def test_the_plain_alternative_is_split_where_there_is_one():
    """With both views the words come from the plain one."""
    plain = f"Content-Type: text/plain\n\n{NEW}\n\nOn 16/11/2026 10:00, S wrote:\n> x\n"
    raw = multipart("alternative", plain, "Content-Type: text/html\n\n<p>x</p>")
    assert parse(raw).reply == NEW + "\n"
