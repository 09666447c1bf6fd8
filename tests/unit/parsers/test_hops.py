"""The header that a customer shows: pasted, attached, broken, hostile."""

import pytest

from chamado.parsers.contract import as_contract
from chamado.parsers.hops import MOST_HOPS, MOST_TRACES, pasted, read_hop
from chamado.parsers.message import parse
from chamado.parsers.understand import understand
from tests.unit.parsers.mails import envelope, mail, multipart, parsed

HEADER = """Delivered-To: ana@cliente.example
Received: by 2002:a05:6402:1 with SMTP id x1csp1;
        Wed, 25 Nov 2026 03:00:41 -0800 (PST)
Return-Path: <news@shop.example>
Received: from out.shop.example (out.shop.example. [192.0.2.7])
        by mx.cliente.example with ESMTPS id a1si
        for <ana@cliente.example>
        (version=TLS1_3 cipher=X by nobody);
        Wed, 25 Nov 2026 03:00:40 -0800 (PST)
Authentication-Results: mx.cliente.example;
       dkim=pass header.i=@shop.example;
       spf=softfail (reason by=x) smtp.mailfrom=news@shop.example;
       dmarc=fail (p=NONE) header.from=shop.example
Received: from app (localhost [127.0.0.1]) by out.shop.example (Postfix)
        with LMTP id 9; Wed, 25 Nov 2026 10:55:00 +0000
Message-ID: <7@shop.example>
From: =?utf-8?q?Loja_S=C3=A3o?= <news@shop.example>
To: ana@cliente.example
Subject: Promo
Date: Wed, 25 Nov 2026 10:54:58 +0000
"""


def _hops(found):
    return [(hop.source, hop.by, hop.protocol, hop.delay) for hop in found.hops]


EXPECTED = [
    ("app [127.0.0.1]", "out.shop.example", "LMTP", None),
    ("out.shop.example [192.0.2.7]", "mx.cliente.example", "ESMTPS", 340),
    ("", "2002:a05:6402:1", "SMTP", 1),
]


def test_a_pasted_header_becomes_a_table_in_the_order_of_time():
    """Servers, protocol and delays, what was checked, and whose message it was."""
    text = "Por que demorou?\n\n" + HEADER + "\nObrigada, Ana\n"
    (found,) = parsed("Message-ID: <own@x>", body=text).traces
    assert _hops(found) == EXPECTED
    verdicts = [(v.by, v.method, v.result) for v in found.verdicts]
    assert verdicts == [
        ("mx.cliente.example", "dkim", "pass"),
        ("mx.cliente.example", "spf", "softfail"),
        ("mx.cliente.example", "dmarc", "fail"),
    ]
    assert found.message_id == "7@shop.example"
    assert found.sender == "Loja São <news@shop.example>"
    assert (found.subject, found.found_in) == ("Promo", "")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "\n".join(f"> {line}" for line in text.split("\n")),
        lambda text: "\n".join(line.strip() for line in text.split("\n")),
        lambda text: text.replace("\n", "\n\n").replace("\n\n ", "\n "),
    ],
    ids=["quoted", "unfolded", "double-spaced"],
)
def test_a_header_survives_what_mail_programs_do_to_it(spoil):
    """Quote marks, lost indentation and doubled lines change nothing."""
    (found,) = parsed(body=spoil(HEADER)).traces
    assert _hops(found) == EXPECTED


@pytest.mark.parametrize(
    ("head", "content"),
    [
        ("Content-Type: message/rfc822", HEADER + "\nTexto.\n"),
        ("Content-Type: application/octet-stream; name=a.eml", HEADER + "\nTexto.\n"),
        ("Content-Type: text/plain; name=cabecalho.txt", "Segue\n\n" + HEADER),
    ],
)
def test_an_attached_message_or_text_is_read_too(head, content):
    """The row says in which file it was found."""
    disposition = "Content-Disposition: attachment"
    message = parse(
        multipart("mixed", "\nSegue.", f"{head}\n{disposition}\n\n{content}")
    )
    (found,) = message.traces
    assert _hops(found) == EXPECTED
    assert found.found_in == message.attachments[0].name != ""


def test_what_is_shown_never_becomes_the_message_s_own():
    """Ids, sender and results of evidence stay evidence."""
    message = parsed("Message-ID: <own@x>", "Subject: ajuda", body=HEADER)
    assert message.message_id == "own@x"
    assert message.in_reply_to == message.references == ()
    assert message.sender.address == "ana@example.com"


def test_prose_and_copied_reply_headers_are_no_evidence():
    """A header that any answer copies, and words with colons, make no table."""
    block = "De: Ana <a@x.example>\nFrom: b\nTo: c\nSubject: d\nDate: e\n"
    assert parsed(body=block).traces == ()
    assert parsed(body="Received: a parcel\nthanks\n").traces == ()


def test_received_lines_of_many_servers():
    """Exchange, qmail, Exim and the pickup of Postfix."""
    exchange = read_hop(
        "from A.prod.outlook.com (2603:10a6::1) by B.prod.outlook.com"
        " (2603:10a6::2) with Microsoft SMTP Server (version=TLS1_2, cipher=X) id"
        " 15.20.1 via Frontend Transport; Wed, 25 Nov 2026 10:55:00 +0000"
    )
    assert exchange.protocol == "Microsoft SMTP Server"
    assert exchange.source == "A.prod.outlook.com [2603:10a6::1]"
    qmail = read_hop("(qmail 1 invoked by uid 0); 25 Nov 2026 10:55:00 -0000")
    assert (qmail.by, qmail.at.hour) == ("", 10)
    pickup = read_hop("by a.example (Postfix, from userid 1000) id 1; nonsense")
    assert (pickup.by, pickup.at) == ("a.example", None)


def test_clocks_that_disagree_show_as_negative_delays():
    """A delay is what the lines say, even if it is impossible."""
    lines = (
        "Received: by b.example; Wed, 25 Nov 2026 10:00:00 +0000\n"
        "Received: by a.example; Wed, 25 Nov 2026 10:00:09 +0000\n"
        "Return-Path: <x@a.example>\nX-Y: z\n"
    )
    (found,) = parsed(body=lines).traces
    assert [hop.delay for hop in found.hops] == [None, -9]


@pytest.mark.timeout(30)
def test_hostile_headers_cost_little_and_stay_bounded():
    """Ten thousand hops, endless comments, lines and values come to an end."""
    many = "Received: by a.example; Wed, 25 Nov 2026 10:00:00 +0000\n" * 10_000
    deep = "Received: " + "(" * 200_000 + "by x\n" + "X-A: b\n" * 3
    folded = "Received: by x\n" + " by y with z\n" * 20_000
    spaced = "Received:" + " " * 200_000 + "by\nDelivered-To: x\nX-B: y\n"
    for text in (many + "Delivered-To: x\n", deep, folded, spaced):
        for found in parsed(body=text).traces:
            assert len(found.hops) <= MOST_HOPS
    (found,) = parsed(body="Delivered-To: x\n" + many).traces
    assert found.left_out > 0
    repeated = "\n\nfim\n\n".join([HEADER] * 9)
    assert len(parsed(body=repeated).traces) == MOST_TRACES
    assert len(list(pasted(repeated))) == 9


def test_the_contract_shows_the_table():
    """`parse --json` has one object a header, with RFC 3339 times."""
    understood = understand(mail("Subject: x", body=HEADER), envelope())
    (found,) = as_contract("x", understood)["traces"]
    assert found["hops"][1] == {
        "by": "mx.cliente.example",
        "from": "out.shop.example [192.0.2.7]",
        "with": "ESMTPS",
        "at": "2026-11-25T11:00:40.000Z",
        "delay": 340,
    }
    assert found["results"][0]["result"] == "pass"
