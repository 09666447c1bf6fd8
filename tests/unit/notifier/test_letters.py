"""Every kind of letter in every language, whatever names and words go into it."""

import email
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from itertools import product

import pytest
from jinja2 import DictLoader, meta

from chamado.config.address import Address
from chamado.notifier.addresses import UnusableAddress
from chamado.notifier.forms import OURS, PARTS, ours
from chamado.notifier.letter import UnusableId, automatic, bare_subject
from chamado.notifier.render import FILES_SHOWN, Templates, sample
from chamado.notifier.sandbox import Workshop
from chamado.notifier.selftest import misbuilt
from chamado.notifier.types import (
    TO_AGENTS,
    Enclosure,
    FlawedFile,
    Letter,
    LetterKind,
    Notification,
)

DOTS = b"\r\n.\r\n"
LANGUAGES = ("pt-BR", "en", "es")
KINDS = tuple(LetterKind)
MACHINES = tuple(k for k in KINDS if automatic(k))
TEMPLATES = Templates(timezone="America/Sao_Paulo")

EDGES = {
    "plain": "Ana Souza",
    "empty": "",
    "accents": "João Ñúñez",
    "right to left": "محمد عبد الله",
    "emoji": "Ana 👩🏽‍💻🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "chinese": "王小明",
    "300 chars": "Anastácia " * 30,
    "300 in a row": "x" * 300,
    "crlf": "a\r\nBcc: evil@example.com",
    "encoded crlf": "=?utf-8?Q?a=0D=0ABcc:_evil=40example.com?=",
    "line ends": "a\u2028b\x85c\x0bd\x0ce\u2029f\x1cg",
    "nul and surrogate": "a\x00b\ud800c\udfffd",
    "specials": 'a", <evil@example.com>, "b',
    "comment": "((((a\\",
    "markup": "<img src=x onerror=alert(1)>",
    "template": "{{7*7}} ${7*7} #{7*7} %(x)s {0.__class__} {% raw %}",
    "link": "Click http://evil.example now",
    "bidi": "\u202egnp.exe\u2066",
}


def compose(notification: Notification) -> tuple[Letter, EmailMessage]:
    """Compose and read back with the standard library's parser."""
    letter = TEMPLATES.compose(notification)
    assert misbuilt(letter.content) == ""
    message = email.message_from_bytes(letter.content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return letter, message


def said(message: EmailMessage, subtype: str) -> str:
    """Return the text of the plain or html body."""
    part = message.get_body((subtype,))
    assert part is not None
    content: str = part.get_content()
    return content.replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("kind", "language", "edge"),
    [pytest.param(*c, id="-".join(c)) for c in product(KINDS, LANGUAGES, EDGES)],
)
def test_o01_every_kind_language_and_edge_name_is_one_sound_message(
    kind: LetterKind, language: str, edge: str
) -> None:
    """O-01: hostile names everywhere: one recipient, no extra field, no placeholder
    left."""
    name = EDGES[edge]
    letter, message = compose(
        replace(
            sample(kind, language),
            recipient=Address(name=name, address="ana@example.com"),
            sender=Address(name=name, address="suporte@acme.example"),
            subject=name,
            text=name,
            received_files=(name, f"{name}.png"),
            enclosures=(Enclosure(name=name, content_type="a/b", content=DOTS),),
        )
    )
    assert letter.rcpt_to == "ana@example.com"
    assert [a.addr_spec for a in message["To"].addresses] == ["ana@example.com"]
    assert [a.addr_spec for a in message["From"].addresses] == ["suporte@acme.example"]
    assert "bcc" not in message
    # A digest speaks of many cases; one number in its subject would be a lie.
    assert ("[#1042]" in message["Subject"]) is (kind != LetterKind.DIGEST)
    for body in (said(message, "plain"), said(message, "html")):
        assert "1042" in body
        for placeholder in ("{{ ", " }}", "{% if", "Undefined", "None"):
            assert placeholder not in body
    html = said(message, "html")
    assert "<img" not in html
    (file,) = message.iter_attachments()
    assert file.get_payload(decode=True) == DOTS
    assert not set("/\\\r\n\x00\u202e") & set(file.get_filename())


ANSWERS = (LetterKind.ACK, LetterKind.CONFIRMED, LetterKind.RETURNED)


@pytest.mark.parametrize("kind", MACHINES)
def test_what_a_machine_writes_says_so_and_comes_back_to_nobody(
    kind: LetterKind,
) -> None:
    """Null sender, Auto-Submitted, suppression for Exchange, our loop mark."""
    letter, message = compose(sample(kind, "pt-BR"))
    answered = kind in ANSWERS
    expected = "auto-replied" if answered else "auto-generated"
    assert (letter.mail_from, letter.at_most_once) == ("", True)
    assert message["Auto-Submitted"] == expected
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["X-Chamado-Loop"] == "sample"
    assert "Precedence" not in message


def test_what_a_person_writes_carries_no_mark_of_a_machine() -> None:
    """A reply has the support address as its sender and may be sent again."""
    letter, message = compose(sample(LetterKind.REPLY, "pt-BR"))
    assert (letter.mail_from, letter.at_most_once) == ("suporte@acme.example", False)
    marks = ("Auto-Submitted", "X-Auto-Response-Suppress", "X-Chamado-Loop")
    assert not any(mark in message for mark in marks)
    assert said(message, "plain").startswith("Olá, Ana.\n\nO acesso voltou")


@pytest.mark.parametrize("kind", KINDS)
def test_a_letter_names_itself_and_what_it_answers(kind: LetterKind) -> None:
    """Identification, thread, date in the service's zone and the way back are there."""
    _, message = compose(
        replace(
            sample(kind, "pt-BR"),
            message_id="ack.1042.r.m@acme.example",
            in_reply_to="parent@example.com",
            references=("root@example.com",),
        )
    )
    assert message["Message-ID"] == "<ack.1042.r.m@acme.example>"
    assert message["In-Reply-To"] == "<parent@example.com>"
    assert message["References"] == "<root@example.com> <parent@example.com>"
    assert message["Date"] == "Sun, 22 Nov 2026 10:00:00 -0300"
    assert message["Reply-To"] == "Acme Suporte <suporte+token@acme.example>"
    assert message["MIME-Version"] == "1.0"
    assert message["Content-Language"] == "pt-BR"


def test_o07_exchange_ids_stay_whole_on_the_wire() -> None:
    """O-07: a parent's id of 900 characters is byte-equal in both fields, never
    encoded."""
    long = "<" + "y" * 880 + "@prod.outlook.com>"
    letter, _ = compose(
        replace(
            sample(LetterKind.ACK, "en"),
            in_reply_to=long[1:-1],
            references=("root@example.com", "a b", "x" * 2000 + "@y"),
        )
    )
    assert f"\r\nIn-Reply-To: {long}\r\n".encode() in letter.content
    chain = f"\r\nReferences: <root@example.com>\r\n {long}\r\n"
    assert chain.encode() in letter.content


def test_the_same_notification_is_the_same_bytes() -> None:
    """Nothing in a letter is random: what was decided is what every attempt sends."""
    notification = replace(
        sample(LetterKind.REPLY, "es"),
        enclosures=(Enclosure(name="a", content_type="a/b", content=b"x"),),
    )
    again = Templates(timezone="America/Sao_Paulo").compose(notification)
    assert again == TEMPLATES.compose(notification)


TO_CUSTOMERS = [kind for kind in MACHINES if kind not in TO_AGENTS]
ADVERT = "FREE NITRO http://evil.example/claim"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", TO_CUSTOMERS)
def test_l18_an_automatic_letter_repeats_no_word_of_a_stranger(
    kind: LetterKind, language: str
) -> None:
    """L-18: subject, name and file names of an unproven sender are nowhere in the
    bytes."""
    _, message = compose(
        replace(
            sample(kind, language),
            recipient=Address(name=ADVERT, address="victim@example.com"),
            subject=ADVERT,
            received_files=(ADVERT, f"{ADVERT}.png", "visit evil.example now.png"),
            flawed_files=(FlawedFile(name=f"{ADVERT}.log", why="empty"),),
            greet_by_name=False,
            text="",
        )
    )
    everything = (said(message, "plain"), said(message, "html"), *message.values())
    for words in everything:
        assert not re.search(r"nitro|evil|claim", words, re.IGNORECASE)


def test_l19_a_name_that_is_a_link_is_not_echoed_even_to_the_proven() -> None:
    """L-19: from "Click http://evil.example now" is greeted by nobody."""
    name = "Click http://evil.example now"
    _, message = compose(
        replace(
            sample(LetterKind.ACK, "en"),
            recipient=Address(name=name, address="ana@example.com"),
            greet_by_name=True,
        )
    )
    assert message["To"] == "ana@example.com"
    assert said(message, "plain").startswith("Hello,\n")
    assert "evil" not in said(message, "html")


def test_o08_template_code_in_a_subject_appears_literally() -> None:
    """O-08: a subject that is code in five languages is a subject."""
    code = "{{7*7}} ${7*7} #{7*7} %(x)s {0.__class__}"
    _, message = compose(
        replace(sample(LetterKind.REPLY, "en"), subject=code, text=code)
    )
    assert message["Subject"] == f"Re: [#1042] {code}"
    assert code in said(message, "plain")
    assert code in said(message, "html")


@pytest.mark.parametrize(
    "words",
    [
        "a\r\n.\r\nb",
        "a\n.\nb",
        "a\r.\rb",
        ".",
        ".\n..\n...x",
        "x" * 5000,
        "é" * 5000,
        "日" * 5000,
        "a\x00b",
        "From me\nFrom you",
        "trailing  \n\ttab \n",
        "",
    ],
)
def test_o05_any_text_arrives_and_ends_no_message(words: str) -> None:
    """O-05: dots, line ends of every kind, long lines and NUL leave a safe, faithful
    body."""
    letter, message = compose(replace(sample(LetterKind.REPLY, "en"), text=words))
    expected = words.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    assert said(message, "plain").startswith(expected.strip("\n"))
    assert b"\r\n.\r\n" not in letter.content
    assert b"\r\nFrom " not in letter.content.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize(
    ("subject", "bare"),
    [
        ("Não entra", "Não entra"),
        ("Re: RES: Re[2]: [#7] Não entra", "Não entra"),
        ("[#1042] [#7] RE: Não entra", "Não entra"),
        ("Reunião: amanhã", "Reunião: amanhã"),
        ("ENC: fatura", "ENC: fatura"),
        ("[#99999999999999999999] x", "[#99999999999999999999] x"),
        ("  ", ""),
    ],
)
def test_a_reply_has_one_prefix_and_one_tag(subject: str, bare: str) -> None:
    """Tags and "Re:" of earlier mails do not pile up."""
    assert bare_subject(subject) == bare
    _, message = compose(replace(sample(LetterKind.REPLY, "pt-BR"), subject=subject))
    assert message["Subject"] == f"Re: [#1042] {bare or 'Seu chamado'}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_acknowledgement_has_a_fixed_subject(language: str) -> None:
    """The subject says the number and nothing that the customer wrote."""
    _, one = compose(replace(sample(LetterKind.ACK, language), subject="One"))
    _, two = compose(replace(sample(LetterKind.ACK, language), subject="Two"))
    assert one["Subject"] == two["Subject"]
    assert one["Subject"].startswith("[#1042] ")


@pytest.mark.parametrize(
    ("hours", "language", "words"),
    [
        (24, "pt-BR", "em até 24 horas."),
        (1, "pt-BR", "em até 1 hora."),
        (1.5, "pt-BR", "em até 1 hora e 30 minutos."),
        (0.5, "pt-BR", "em até 30 minutos."),
        (48, "pt-BR", "em até 48 horas."),
        (96, "pt-BR", "em até 4 dias."),
        (100, "pt-BR", "em até 100 horas."),
        (24, "en", "within 24 hours."),
        (1.25, "en", "within 1 hour and 15 minutes."),
        (24, "es", "en un máximo de 24 horas."),
        (72, "es", "en un máximo de 3 días."),
    ],
)
def test_an_acknowledgement_promises_in_words(
    hours: float, language: str, words: str
) -> None:
    """The promised time stands in the text and in the HTML, in good language."""
    _, message = compose(
        replace(
            sample(LetterKind.ACK, language), promised_hours=hours, promised_by=None
        )
    )
    assert words in said(message, "plain")
    assert words in re.sub(r"</?strong>", "", said(message, "html"))


def test_an_acknowledgement_names_the_moment_in_the_services_zone() -> None:
    """A known end of the promise is told with weekday, hour and zone."""
    _, message = compose(sample(LetterKind.ACK, "pt-BR"))
    moment = "até segunda-feira, 23 de novembro de 2026, 10:00 (Horário de Brasília)."
    assert moment in said(message, "plain")
    assert moment in said(message, "html")


def test_no_promise_is_no_sentence() -> None:
    """Where nothing is promised the letter does not speak of it."""
    _, message = compose(replace(sample(LetterKind.ACK, "en"), promised_hours=0))
    assert "within" not in said(message, "plain")
    assert "That means" not in said(message, "html")


def test_an_acknowledgement_lists_what_arrived() -> None:
    """Files are named; what is no plain name is told by its type; many are counted."""
    odd = "see www.evil.example.pdf"
    files = ("tela.png", odd, *(f"f{n}.log" for n in range(FILES_SHOWN)))
    ack = replace(
        sample(LetterKind.ACK, "pt-BR"), received_files=files, greet_by_name=False
    )
    _, message = compose(ack)
    text = said(message, "plain")
    assert "\n- tela.png\n- um arquivo PDF\n- f0.log\n" in text
    assert "\n- e mais 2\n" in text
    assert "<li>e mais 2</li>" in said(message, "html")
    _, proven = compose(replace(ack, greet_by_name=True))
    assert f"\n- {odd}\n" in said(proven, "plain")


@pytest.mark.parametrize("came", [True, False])
def test_a_screenshot_is_asked_for_only_when_none_came(*, came: bool) -> None:
    """The tip is for those who can use it."""
    _, message = compose(replace(sample(LetterKind.ACK, "en"), screenshot_came=came))
    assert ("screenshot" in said(message, "plain")) is not came
    assert ("screenshot" in said(message, "html")) is not came


@pytest.mark.parametrize(
    ("wanted", "spoken"),
    [
        ("pt-BR", "pt-BR"),
        ("pt", "pt-BR"),
        ("pt-PT", "pt-BR"),
        ("es-MX", "es"),
        ("EN_us", "en"),
        ("fr", "pt-BR"),
        ("", "pt-BR"),
        ("../../etc", "pt-BR"),
    ],
)
def test_a_customer_is_answered_in_the_nearest_language(
    wanted: str, spoken: str
) -> None:
    """Kin of a language will do; for the others there is the service's own."""
    _, message = compose(sample(LetterKind.ACK, wanted))
    assert message["Content-Language"] == spoken


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_html_fetches_nothing_and_fits_every_screen(
    kind: LetterKind, language: str
) -> None:
    """No remote content, no table, no script; dark mode and phones are provided for."""
    _, message = compose(replace(sample(kind, language), text="palavras"))
    html = said(message, "html")
    remote = r"(?i)https?:|src=|url\(|@import|<link|<table|<script|<img"
    assert not re.search(remote, html)
    assert f'<html lang="{language}">' in html
    assert '<meta name="color-scheme" content="light dark">' in html
    assert "prefers-color-scheme: dark" in html
    assert "width=device-width" in html


def test_an_agents_lines_and_indentation_survive_in_html() -> None:
    """Line breaks, indentation and markup of a log are shown, not interpreted."""
    log = "passos:\n  1 < 2 & <b>\n\tfim"
    _, message = compose(replace(sample(LetterKind.REPLY, "pt-BR"), text=log))
    html = said(message, "html")
    assert "passos:<br>\n&nbsp; 1 &lt; 2 &amp; &lt;b&gt;<br>\n&nbsp; &nbsp; fim" in html


def test_a_long_letter_of_an_agent_is_sent_whole() -> None:
    """The bound against endless templates does not cut a megabyte of words."""
    words = "linha comprida de um registro <&>\n" * 30_000
    _, message = compose(replace(sample(LetterKind.REPLY, "pt-BR"), text=words))
    assert words.strip() in said(message, "plain")


@pytest.mark.parametrize(
    "name", ["relatório de erro.pdf", "日本語" * 30 + ".txt", "a.txt"]
)
def test_file_names_of_any_script_arrive(name: str) -> None:
    """Names go out by RFC 2231, in pieces where they are long."""
    file = Enclosure(name=name, content_type="application/pdf", content=b"%PDF" * 5000)
    letter, message = compose(
        replace(sample(LetterKind.REPLY, "en"), enclosures=(file,))
    )
    (part,) = message.iter_attachments()
    assert part.get_filename() == name
    assert part.get_content_type() == "application/pdf"
    assert part.get_content() == file.content
    assert max(map(len, letter.content.split(b"\r\n"))) <= 78


@pytest.mark.parametrize(
    "kind", ["message/rfc822", "multipart/mixed", "x", "a/b\r\nX: y"]
)
def test_an_enclosure_of_an_impossible_type_goes_as_bytes(kind: str) -> None:
    """What may not be base64, or is no type, is application/octet-stream."""
    file = Enclosure(name="m.eml", content_type=kind, content=b"Subject: x\r\n\r\n")
    _, message = compose(replace(sample(LetterKind.REPLY, "en"), enclosures=(file,)))
    (part,) = message.iter_attachments()
    assert part.get_content_type() == "application/octet-stream"
    assert part.get_content() == file.content


@pytest.mark.parametrize("field", ["recipient", "sender"])
@pytest.mark.parametrize("address", ["a@b\r\nRCPT TO:<e@x>", "josé@example.com"])
def test_o03_o15_no_letter_is_made_for_an_unusable_address(
    field: str, address: str
) -> None:
    """O-03, O-15: the mistake is told before anything is sent, as a ValueError with the
    address."""
    broken = replace(
        sample(LetterKind.ACK, "en"), **{field: Address(name="", address=address)}
    )
    with pytest.raises(UnusableAddress):
        TEMPLATES.compose(broken)


def test_o15_a_foreign_domain_goes_out_in_ascii() -> None:
    """O-15: envelope and header carry the A-label."""
    letter, message = compose(
        replace(
            sample(LetterKind.ACK, "pt-BR"),
            recipient=Address(name="Ana", address="ana@saúde.example"),
        )
    )
    assert letter.rcpt_to == "ana@xn--sade-rra.example"
    assert message["To"].addresses[0].addr_spec == letter.rcpt_to


def test_a_caller_without_an_id_or_a_zone_is_told() -> None:
    """Mistakes of our own code are ValueErrors, not letters."""
    good = sample(LetterKind.ACK, "en")
    with pytest.raises(UnusableId):
        TEMPLATES.compose(replace(good, message_id="<a@b>"))
    with pytest.raises(ValueError, match="time zone"):
        TEMPLATES.compose(replace(good, at=datetime(2026, 1, 1)))  # noqa: DTZ001 - the case


def test_summer_time_is_the_zones_own_business() -> None:
    """Date and promise follow the zone's rules at their own moments."""
    templates = Templates(timezone="Europe/Lisbon")
    at = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)
    letter = templates.compose(
        replace(
            sample(LetterKind.ACK, "en"), at=at, promised_by=at + timedelta(hours=24)
        )
    )
    message = email.message_from_bytes(letter.content, policy=policy.default)
    assert message["Date"] == "Sat, 28 Mar 2026 12:00:00 +0000"
    assert "Sunday, March 29, 2026, 1:00\u202fPM" in said(message, "plain")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_language_has_every_kind_and_says_the_same(
    kind: LetterKind, language: str
) -> None:
    """No folder is missing, and each file uses what its Portuguese original uses."""
    assert (language, kind) in ours()
    for part in PARTS:
        assert used(language, kind, part) == used("pt-BR", kind, part)


def used(language: str, kind: LetterKind, part: str) -> set[str]:
    """Return the words a template asks for."""
    source = (OURS / language / kind / part).read_text("utf-8")
    return meta.find_undeclared_variables(Workshop(DictLoader({})).parse(source))
