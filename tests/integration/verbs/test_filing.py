"""What mail becomes: the way from the door to case, entry and letter."""

from email import message_from_bytes
from pathlib import Path

import pytest

from chamado.config.settings import Ack, Listener
from chamado.daemon.store import schema
from chamado.daemon.store.engine import Store
from chamado.parsers.pool import ParserPool
from tests.support.house import SUPPORT, House, house, message

VOUCHED = (
    b"Authentication-Results: mx.acme.example; dmarc=pass header.from=example.com\r\n"
)


def test_a_mail_becomes_one_case_with_one_acknowledgement(home: House) -> None:
    """The main job: case, entry, deadline, history and a queued letter at once."""
    fate = home.mail(message())
    assert (fate["state"], fate["outcome"], fate["ack"]) == (
        "done",
        "ticket_opened",
        "queued",
    )
    (ticket,) = home.rows(schema.ticket)
    assert ticket["number"] == fate["ticket"]
    assert ticket["subject"] == "Tela azul"
    assert ticket["status"] == "new"
    assert ticket["opened_at"] == home.clock()
    (entry,) = home.rows(schema.entry)
    assert entry["inbox_id"] == fate["id"]
    assert entry["reply"].startswith("A tela fica azul")
    (letter,) = home.rows(schema.outbox)
    assert letter["rcpt_to"] == "ana@example.com"
    assert letter["mail_from"] == ""
    sent = message_from_bytes(letter["content"])
    assert sent["In-Reply-To"] == "<m1@example.com>"
    assert f"[#{ticket['number']}]" in sent["Subject"]
    assert sent["Auto-Submitted"] == "auto-replied"


def test_a_reply_to_the_acknowledgement_joins_the_case(home: House) -> None:
    """By our Message-ID, or by the address that the letter asks to reply to."""
    number = home.mail(message())["ticket"]
    (letter,) = home.rows(schema.outbox)
    by_id = message(
        "Agora também no celular.",
        subject="Re: Tela azul",
        message_id="<m2@example.com>",
        In_Reply_To=f"<{letter['message_id']}>",
    )
    fate = home.mail(by_id)
    assert (fate["outcome"], fate["ticket"]) == ("reply_appended", number)
    reply_to = message_from_bytes(letter["content"])["Reply-To"]
    by_token = message("E no tablet.", subject="oi", message_id="<m3@example.com>")
    fate = home.mail(by_token, rcpt=reply_to)
    assert (fate["outcome"], fate["ticket"]) == ("reply_appended", number)
    assert len(home.rows(schema.outbox)) == 1


def test_h06_a_stranger_with_our_message_id_opens_a_linked_case(home: House) -> None:
    """H-06: knowing our Message-ID does not let anyone into a case."""
    number = home.mail(message())["ticket"]
    (letter,) = home.rows(schema.outbox)
    fate = home.mail(
        message(
            "Quero ver esse caso.",
            sender="eve@evil.example",
            message_id="<e1@evil.example>",
            In_Reply_To=f"<{letter['message_id']}>",
        ),
        mail_from="eve@evil.example",
    )
    assert fate["outcome"] == "ticket_opened"
    assert fate["ticket"] != number
    told = [row["rcpt_to"] for row in home.rows(schema.outbox)]
    assert told.count("ana@example.com") == 1
    (relation,) = home.rows(schema.relation)
    assert (relation["ticket"], relation["other"], relation["kind"]) == (
        fate["ticket"],
        number,
        "possibly_related",
    )


def test_a_sender_is_the_same_in_capital_letters(home: House) -> None:
    """Ana@Example.com answers what was sent to ana@example.com, and SUPORTE@ is us."""
    number = home.mail(message())["ticket"]
    (letter,) = home.rows(schema.outbox)
    fate = home.mail(
        message(
            "Agora também no celular.",
            sender="ANA@Example.COM",
            message_id="<m2@example.com>",
            In_Reply_To=f"<{letter['message_id']}>",
        )
    )
    assert (fate["outcome"], fate["ticket"]) == ("reply_appended", number)
    fate = home.mail(message("eco", sender=SUPPORT.upper(), message_id="<s@x.example>"))
    assert str(fate["ack"]).startswith("suppressed:")


def test_the_same_mail_by_two_ways_is_one_case(home: House) -> None:
    """By SMTP and by IMAP, with other trace headers and line ends: one entry."""
    first = home.mail(message())
    again = b"Received: from x by y; Wed, 25 Nov 2026 12:00:00 +0000\r\n" + message()
    second = home.mail(again, source="imap:support", mail_from=None)
    third = home.mail(again.replace(b"\r\n", b"\n"), source="file", mail_from=None)
    assert second["outcome"] == third["outcome"] == "duplicate"
    assert second["ticket"] == third["ticket"] == first["ticket"]
    assert len(home.rows(schema.entry)) == 1


def test_the_same_mail_twice_in_one_batch_is_one_case(home: House) -> None:
    """Two copies that wait together are told apart before either is written."""
    ids = [home.take(message(), key="one"), home.take(message(), key="two")]
    home.processor.process_all(ids)
    assert sorted(str(home.fate(i)["outcome"]) for i in ids) == [
        "duplicate",
        "ticket_opened",
    ]


def test_a_reply_in_the_same_batch_joins_the_case_of_its_parent(
    store: Store, pool: ParserPool, tmp_path: Path
) -> None:
    """Vouched for by the border, a follow-up joins even if both waited together."""
    door = Listener(trusted_authserv_ids=("mx.acme.example",))
    source = "smtp:127.0.0.1:2525"
    follow_up = message(
        "mais uma coisa",
        message_id="<m2@example.com>",
        In_Reply_To="<m1@example.com>",
    )
    with house(store, pool, tmp_path, listener=(door,)) as home:
        ids = [
            home.take(VOUCHED + message(), source=source),
            home.take(VOUCHED + follow_up, source=source),
        ]
        home.processor.process_all(ids)
        first, second = (home.fate(i) for i in ids)
        assert (first["outcome"], first["auth"]) == ("ticket_opened", "aligned")
        assert second["outcome"] == "reply_appended"
        assert second["ticket"] == first["ticket"]


def test_l16_where_the_border_tells_a_forged_sender_is_not_answered(
    store: Store, pool: ParserPool, tmp_path: Path
) -> None:
    """L-16: bystanders whose addresses were forged hear nothing from us."""
    door = Listener(trusted_authserv_ids=("mx.acme.example",))
    with house(store, pool, tmp_path, listener=(door,)) as home:
        forged = VOUCHED.replace(b"dmarc=pass", b"dmarc=fail") + message()
        fate = home.mail(forged, source="smtp:127.0.0.1:2525")
        assert fate["outcome"] == "ticket_opened"
        assert fate["ack"] == "suppressed:sender_not_authenticated"


def test_a_follow_up_nobody_vouches_for_is_linked(home: House) -> None:
    """A foreign Message-ID is known to anyone: without proof it only suggests."""
    first = home.mail(message())
    second = home.mail(
        message(
            "mais uma coisa",
            message_id="<m2@example.com>",
            In_Reply_To="<m1@example.com>",
        )
    )
    assert second["outcome"] == "ticket_opened"
    (relation,) = home.rows(schema.relation)
    assert relation["other"] == first["ticket"]


def test_one_message_id_on_two_contents_makes_two_entries(home: House) -> None:
    """A second mail under a Message-ID that was seen is kept and flagged."""
    home.mail(message())
    fate = home.mail(message("Outro texto, mesmo identificador."))
    assert fate["outcome"] == "ticket_opened"
    entries = home.rows(schema.entry)
    assert len(entries) == 2
    assert "message_id_seen_before" in entries[1]["flags"]


def test_d09_two_mails_without_an_id_in_the_same_second_are_two_cases(
    home: House,
) -> None:
    """D-09: only the same content is a duplicate."""
    one = home.mail(message("um", message_id=""))
    two = home.mail(message("dois", message_id="", sender="bob@example.com"))
    assert one["ticket"] != two["ticket"]


def test_l07_a_bounce_of_our_reply_is_recorded_and_is_no_answer(home: House) -> None:
    """L-07: the letter is failed, the first response is open again, nothing is sent."""
    home.mail(message())
    (letter,) = home.rows(schema.outbox)
    home.deliver()
    report = (
        b"From: MAILER-DAEMON@example.com\r\nTo: suporte@acme.example\r\n"
        b"Subject: Undelivered Mail\r\nMessage-ID: <b1@example.com>\r\n"
        b"MIME-Version: 1.0\r\nAuto-Submitted: auto-replied\r\n"
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n"
        b"\r\n--b\r\nContent-Type: text/plain\r\n\r\nfailed\r\n--b\r\n"
        b"Content-Type: message/delivery-status\r\n\r\n"
        b"Reporting-MTA: dns; mx.example.com\r\n\r\n"
        b"Final-Recipient: rfc822; ana@example.com\r\nAction: failed\r\n"
        b"Status: 5.1.1\r\nDiagnostic-Code: smtp; 550 no such user\r\n\r\n--b\r\n"
        b"Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <"
        + letter["message_id"].encode()
        + b">\r\nSubject: x\r\n\r\n--b--\r\n"
    )
    fate = home.mail(report, mail_from="")
    assert fate["outcome"] == "bounce_recorded"
    (letter,) = home.rows(schema.outbox)
    assert letter["state"] == "failed"
    assert "5.1.1" in letter["last_reply"]
    assert home.rows(schema.entry)[-1]["public"] is False


def test_l14_our_own_letter_coming_back_is_an_echo(home: House) -> None:
    """L-14: an archive mailbox that feeds our mail back opens nothing."""
    home.mail(message())
    (letter,) = home.rows(schema.outbox)
    fate = home.mail(letter["content"], mail_from="")
    assert fate["outcome"] == "echo"
    assert len(home.rows(schema.ticket)) == 1


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Auto-Submitted", "auto-replied"),
        ("List-Id", "<lista.example.com>"),
        ("Precedence", "bulk"),
        ("X-Auto-Response-Suppress", "All"),
    ],
)
def test_l02_machine_mail_is_filed_and_not_answered(
    home: House, header: str, value: str
) -> None:
    """L-02…L-06: the case is there, the acknowledgement is not, and why is said."""
    fate = home.mail(message(**{header.replace("-", "_"): value}))
    assert fate["outcome"] == "ticket_opened"
    assert fate["ack"] == "suppressed:machine"
    assert fate["why"]["hits"]
    assert home.rows(schema.outbox) == []


def test_l01_the_null_sender_is_filed_and_not_answered(home: House) -> None:
    """L-01: nothing is ever sent to where nothing can come back."""
    fate = home.mail(message(), mail_from="")
    assert fate["outcome"] == "ticket_opened"
    assert str(fate["ack"]).startswith("suppressed:")


def test_an_address_is_acknowledged_once_within_the_pause(home: House) -> None:
    """A second case within the hour is filed, and its sender is not answered again."""
    home.mail(message())
    second = home.mail(message("outra coisa", message_id="<m2@example.com>"))
    assert second["ack"] == "suppressed:answered_recently"
    home.clock.move(hours=2)
    third = home.mail(message("e mais outra", message_id="<m3@example.com>"))
    assert third["ack"] == "queued"


def test_l17_a_domain_gets_only_so_many_acknowledgements_an_hour(
    store: Store, pool: ParserPool, tmp_path: Path
) -> None:
    """L-17: the cap holds within one batch as well as across batches."""
    with house(store, pool, tmp_path, ack=Ack(per_domain_hour=3)) as home:
        ids = [
            home.take(
                message(
                    f"texto {n}",
                    sender=f"p{n}@example.com",
                    message_id=f"<{n}@example.com>",
                ),
                mail_from=f"p{n}@example.com",
            )
            for n in range(6)
        ]
        home.processor.process_all(ids)
        acks = [home.fate(i)["ack"] for i in ids]
    assert acks.count("queued") == 3
    assert acks.count("suppressed:domain_hour_cap") == 3


def test_the_loop_breaker_files_into_one_case_and_falls_silent(home: House) -> None:
    """A robot without headers gets one answer, then all its mail lies in one case."""
    fates = []
    for n in range(9):
        fates.append(
            home.mail(
                message(
                    "Recebemos seu pedido e vamos responder em breve, aguarde.",
                    message_id=f"<{n}@robot.example>",
                    subject=f"Ticket {n}",
                    sender="robo@robot.example",
                ),
                mail_from="robo@robot.example",
            )
        )
        home.clock.move(seconds=20)
    assert [f["ack"] for f in fates].count("queued") == 1
    assert len({f["ticket"] for f in fates}) <= 3
    assert len(home.rows(schema.entry)) == 9
    (contact,) = home.rows(schema.contact)
    assert contact["quiet_until"] > home.clock()


def test_no_ack_is_honoured(home: House) -> None:
    """An import acknowledges nobody."""
    assert home.mail(message(), no_ack=True)["ack"] == "suppressed:asked_not_to"


def test_a_blind_copy_is_filed_and_not_answered(home: House) -> None:
    """RFC 3834 §2: who does not name us gets no automatic answer."""
    fate = home.mail(message(to="someone@example.org"))
    assert fate["ack"] == "suppressed:not_addressed_to_us"


def test_screenshots_and_files_are_kept_byte_by_byte(home: House) -> None:
    """Small files lie in the database, large ones in the blob store, both whole."""
    from email.message import EmailMessage
    from hashlib import sha256

    small = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x10\x00\x00\x00\x10" * 3
    large = bytes(range(256)) * 1000
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "ana@example.com", SUPPORT, "tela"
    made.set_content("segue a tela")
    made.add_attachment(small, "image", "png", filename="tela não.png")
    made.add_attachment(large, "application", "zip", filename="logs.zip")
    home.mail(bytes(made).replace(b"\n", b"\r\n"))
    files = home.rows(schema.attachment)
    assert [f["name"] for f in files] == ["tela não.png", "logs.zip"]
    assert [f["sha256"] for f in files] == [
        sha256(small).hexdigest(),
        sha256(large).hexdigest(),
    ]
    kept = {row["sha256"]: row["content"] for row in home.rows(schema.blob)}
    assert kept[files[0]["sha256"]] == small
    assert kept[files[1]["sha256"]] is None
    assert home.blobs.get(files[1]["sha256"]) == large


@pytest.mark.parametrize("raw", [b"", b"\r\n", b"\x00" * 50, b"\xff\xfe garbage"])
def test_p14_what_is_hardly_a_message_still_becomes_a_case(
    home: House, raw: bytes
) -> None:
    """P-14: nothing is too broken to be filed."""
    fate = home.mail(raw, mail_from=None)
    assert fate["outcome"] == "ticket_opened"


def test_p30_nul_and_half_surrogates_are_stored_on_both_databases(home: House) -> None:
    """P-30: the sanitiser makes one text that both databases take."""
    raw = (
        b"From: a@b.example\r\nTo: suporte@acme.example\r\nX-\x00: 1\r\n"
        b"Subject: =?utf-8?q?a=00b=ED=B0=80?=\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n\r\nx\x00y\xed\xb0\x80z\r\n"
    )
    fate = home.mail(raw)
    assert fate["outcome"] == "ticket_opened"
    assert "\x00" not in home.rows(schema.entry)[0]["text"]


def test_the_other_team_gets_its_own_cases(home: House) -> None:
    """The support address a mail reached says which team it is for."""
    fate = home.mail(message(to="vendas@acme.example"), rcpt="vendas@acme.example")
    (ticket,) = home.rows(schema.ticket)
    assert (ticket["team"], ticket["address"]) == ("sales", "vendas@acme.example")
    assert fate["ack"] == "queued"
