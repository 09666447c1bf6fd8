"""The header that a customer shows becomes a table on the case, and nothing else."""

from click.testing import CliRunner

from chamado.daemon import casefile
from chamado.daemon.cli import casepage, terminal
from chamado.daemon.shown import late
from chamado.daemon.store import schema
from tests.support.casework import Desk
from tests.support.house import House, message

HEADER = """Por que demorou?

Received: by mx.example.com with SMTP id 2; Wed, 25 Nov 2026 11:00:00 +0000
Received: from app (app [192.0.2.7]) by out.shop.example with ESMTP id 9;
        Wed, 25 Nov 2026 10:55:00 +0000
Authentication-Results: mx.example.com; spf=pass smtp.mailfrom=shop.example
Message-ID: <m1@example.com>
References: <m1@example.com>
From: news@shop.example
Subject: [#1] Promo
"""


def test_a_shown_header_is_a_table_on_the_case(home: House) -> None:
    """In the JSON field by field, and in words for people."""
    desk = Desk(home)
    number = desk.opens(HEADER)
    with home.store.read() as work:
        case = casefile.read(work, number, "Acme")
    assert case is not None
    (event,) = [e for e in case["entries"] if "trace" in e]
    assert [hop["delay"] for hop in event["trace"]["hops"]] == [None, 300]
    assert event["text"].split("\n") == [
        "header of a mail, from news@shop.example, “[#1] Promo”, <m1@example.com>",
        "2026-11-25 10:55:00Z             app [192.0.2.7] → out.shop.example (ESMTP)",
        "2026-11-25 11:00:00Z     +5m 0s  mx.example.com (SMTP)",
        "checked by mx.example.com: spf=pass",
    ]
    with CliRunner().isolation() as (out, *_):
        casepage.print_case(case, terminal.clock("UTC"), "UTC", full=False)
        assert "   checked by mx.example.com: spf=pass\n" in out.getvalue().decode()


def test_ids_in_a_shown_header_lead_nowhere(home: House) -> None:
    """A stranger who shows the header of somebody's mail opens an unlinked case."""
    desk = Desk(home)
    first = desk.opens()
    raw = message(HEADER, sender="eve@evil.example", message_id="<e@evil.example>")
    fate = home.mail(raw, mail_from="eve@evil.example")
    assert fate["outcome"] == "ticket_opened"
    assert fate["ticket"] != first
    assert home.rows(schema.relation) == []


def test_an_answer_with_a_header_keeps_its_table_too(home: House) -> None:
    """Evidence mostly comes when it was asked for."""
    desk = Desk(home)
    number = desk.opens()
    desk.answers(number, HEADER)
    (facts,) = desk.happened(number, "hops")
    assert facts["results"] == [
        {"by": "mx.example.com", "method": "spf", "result": "pass"}
    ]


def test_delays_read_like_people_say_them() -> None:
    """Seconds to days, and clocks that disagree."""
    said = [late(s) for s in (None, 0, 59, 340, 7_260, 93_600, -9)]
    assert said == ["", "+0s", "+59s", "+5m 40s", "+2h 1m", "+1d 2h", "-9s"]
