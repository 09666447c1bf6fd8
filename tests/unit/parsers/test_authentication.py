"""Whose word about the sender counts, and where it must stand."""

import pytest

from chamado.parsers.authentication import authenticate
from chamado.parsers.message import parse
from chamado.parsers.types import Auth

FROM = "From: Ana <ana@customer.example>"
BORDER = (
    "Received: from mail.customer.example (mail.customer.example [192.0.2.7])"
    " by mx.acme.example (Postfix) with ESMTPS id 1; Sun, 22 Nov 2026 10:00:00 +0000"
)
INSIDE = (
    "Received: from mx.acme.example by store.acme.example with LMTP id 2;"
    " Sun, 22 Nov 2026 10:00:01 +0000"
)
FILTER = (
    "Received: from localhost (localhost [127.0.0.1]) by mx.acme.example with ESMTP"
    " id 3; Sun, 22 Nov 2026 10:00:01 +0000"
)
FOREIGN = (
    "Received: from pc (pc [198.51.100.9]) by mail.customer.example with ESMTPSA id 4;"
    " Sun, 22 Nov 2026 09:59:58 +0000"
)
PASS = (
    "Authentication-Results: mx.acme.example; dkim=pass header.d=customer.example;"
    " dmarc=pass header.from=customer.example"
)
TRUSTED = ("mx.acme.example",)


def judged(*headers: str, trusted: tuple[str, ...] = TRUSTED) -> Auth:
    """Judge a message made of header lines."""
    raw = "\r\n".join(headers).encode() + b"\r\n\r\nx"
    return authenticate(parse(raw), trusted)


def test_results_above_the_borders_line_count():
    """The usual place: results on top of the Received line of the same server."""
    assert judged(PASS, BORDER, FOREIGN, FROM) is Auth.ALIGNED


def test_results_of_a_border_that_adds_no_received_line_count():
    """A source that hands mail over with results on top alone is trusted as named."""
    assert judged(PASS, FROM) is Auth.ALIGNED


@pytest.mark.parametrize("hops", [(INSIDE,), (FILTER,), (INSIDE, FILTER)])
def test_hops_inside_the_house_are_passed_over(hops):
    """LMTP delivery and a local content filter stand above the border's block."""
    assert judged(*hops, PASS, BORDER, FOREIGN, FROM) is Auth.ALIGNED


def test_h18_results_below_the_borders_line_are_the_senders():
    """H-18: a forgery among the sender's own headers is ignored."""
    assert judged(BORDER, FOREIGN, PASS, FROM) is Auth.NONE
    fail = PASS.replace("dmarc=pass", "dmarc=fail").replace("dkim=pass", "dkim=fail")
    assert judged(fail, BORDER, PASS, FOREIGN, FROM) is Auth.NONE


def test_h19_a_forgery_counts_for_nothing_when_the_border_wrote_none():
    """H-19: directly below the border's own line is where a forgery would stand."""
    assert judged(BORDER, PASS, FOREIGN, FROM) is Auth.NONE
    assert judged(BORDER, PASS, FROM) is Auth.NONE


@pytest.mark.parametrize(
    "written",
    [
        "(mx.acme.example) evil.example; dmarc=pass header.from=customer.example",
        "evil.example (mx.acme.example); dmarc=pass header.from=customer.example",
        "MX.ACME.EXAMPLE; dmarc=pass header.from=customer.example",
        "mx.acme.example 1; dmarc=pass header.from=customer.example",
        "mx.acme.example.evil.example; dmarc=pass header.from=customer.example",
        "dmarc=pass header.from=customer.example",
        "; dmarc=pass",
        "",
    ],
)
def test_h19_the_name_must_be_written_as_the_border_writes_it(written):
    """H-19: comments, case, versions and other names do not pass for the border."""
    assert judged(f"Authentication-Results: {written}", BORDER, FROM) is Auth.NONE


def test_a_peer_that_calls_itself_localhost_is_no_hop_of_ours():
    """The address that the border saw decides, not the name that was said."""
    liar = BORDER.replace("mail.customer.example (mail", "[127.0.0.1] (mail")
    assert judged(liar, PASS, FROM) is Auth.NONE
    ident = (
        "Received: from unknown (HELO [127.0.0.1]) (me@192.0.2.7) by mx.acme.example"
    )
    assert judged(ident, PASS, FROM) is Auth.NONE


def test_a_border_may_be_named_as_one_that_writes_below():
    """`below:` trusts the first header under the border's line, and that one only."""
    below = ("below:mx.acme.example",)
    assert judged(BORDER, PASS, FOREIGN, FROM, trusted=below) is Auth.ALIGNED
    fail = PASS.replace("dmarc=pass", "dmarc=fail")
    assert judged(BORDER, fail, PASS, FROM, trusted=below) is Auth.NONE
    other = "Authentication-Results: other.example; dmarc=pass"
    assert judged(BORDER, other, PASS, FROM, trusted=below) is Auth.NONE
    assert judged(BORDER, FOREIGN, PASS, FROM, trusted=below) is Auth.NONE


@pytest.mark.parametrize(
    ("sender", "said", "auth"),
    [
        ("ana@café.example", "xn--caf-dma.example", Auth.ALIGNED),
        ("ana@straße.de", "xn--strae-oqa.de", Auth.ALIGNED),
        ("ana@straße.de", "strasse.de", Auth.NONE),
        ("ana@ｃustomer.example", "customer.example", Auth.ALIGNED),
        ("ana@сustomer.example", "customer.example", Auth.NONE),
        ("josé@customer.example", "customer.example", Auth.NONE),
    ],
)
def test_a_foreign_domain_is_vouched_for_by_its_a_label(sender, said, auth):
    """Borders write A-labels; one for other letters vouches for somebody else."""
    results = f"Authentication-Results: mx.acme.example; dmarc=pass header.from={said}"
    assert judged(results, f"From: Ana <{sender}>") is auth


def test_google_is_known_to_write_below():
    """Mail read out of a Gmail mailbox is judged by Google's own block."""
    google = (
        "Received: by 2002:a05:7300:d1 with SMTP id 5; Sun, 22 Nov 2026 02:00:00 -0800",
        "X-Received: by 2002:a05:6000 with SMTP id 6; Sun, 22 Nov 2026 02:00:00 -0800",
        "ARC-Authentication-Results: i=1; mx.google.com; dmarc=pass",
        "Return-Path: <ana@customer.example>",
        "Received: from mail.customer.example (mail.customer.example. [192.0.2.7])"
        " by mx.google.com with ESMTPS id 7; Sun, 22 Nov 2026 02:00:00 -0800 (PST)",
        "Received-SPF: pass (google.com: domain of ana@customer.example)",
        "Authentication-Results: mx.google.com; dkim=pass header.i=@customer.example"
        " header.s=s header.b=abc; spf=pass (google.com: domain of ana@customer.example"
        " designates 192.0.2.7 as permitted sender) smtp.mailfrom=ana@customer.example;"
        " dmarc=pass (p=NONE sp=NONE dis=NONE) header.from=customer.example",
    )
    assert judged(*google, FOREIGN, FROM, trusted=("mx.google.com",)) is Auth.ALIGNED


MICROSOFT = (
    "Received: from A.eurprd08.prod.outlook.com (2603:10a6::1) by"
    " B.eurprd08.prod.outlook.com with HTTPS; Sun, 22 Nov 2026 10:00:03 +0000",
    "Received: from C.eop-eur05.prod.protection.outlook.com (2603:10a6::2) by"
    " D.outlook.office365.com (2603:10a6::3) with Microsoft SMTP Server id 8",
    "Authentication-Results: spf=pass (sender IP is 192.0.2.7)"
    " smtp.mailfrom=customer.example; dkim=pass (signature was verified)"
    " header.d=customer.example;dmarc=pass action=none"
    " header.from=customer.example;compauth=pass reason=100",
    "Received-SPF: Pass (protection.outlook.com: domain of customer.example)",
    "Received: from mail.customer.example (192.0.2.7) by"
    " E.mail.protection.outlook.com (10.13.21.8) with Microsoft SMTP Server id 9",
)


@pytest.mark.parametrize("name", ["", "microsoft365"])
def test_microsoft_365_writes_no_name(name):
    """Exchange Online's results have no authserv-id and stand behind its own hops."""
    assert judged(*MICROSOFT, FROM, trusted=(name,)) is Auth.ALIGNED


def test_microsofts_form_is_believed_only_when_named():
    """Without the name in the configuration a nameless header is nobody's."""
    assert judged(*MICROSOFT, FROM) is Auth.NONE
    forged = (MICROSOFT[4], MICROSOFT[2], FROM)
    assert judged(*forged, trusted=("microsoft365",)) is Auth.NONE


@pytest.mark.parametrize(
    ("results", "auth"),
    [
        ("dmarc=pass header.from=customer.example", Auth.ALIGNED),
        ("dmarc=pass", Auth.ALIGNED),
        ("dmarc=pass header.from=other.example", Auth.NONE),
        ("dmarc=fail header.from=customer.example; spf=pass", Auth.NONE),
        (
            "dmarc=none header.from=customer.example; spf=pass smtp.mailfrom=x",
            Auth.PARTIAL,
        ),
        ("spf=pass smtp.mailfrom=other.example", Auth.PARTIAL),
        ("dkim=pass header.d=other.example", Auth.PARTIAL),
        ("spf=fail; dkim=none", Auth.NONE),
        ("spf=softfail; dmarc=none", Auth.NONE),
        ("dmarc=temperror; dkim=pass header.d=customer.example", Auth.PARTIAL),
        ("dmarc=pass; dmarc=fail", Auth.NONE),
        ("none", Auth.NONE),
        ("dmarc=", Auth.NONE),
        ("dmarc=pass (((((" + "(" * 5000, Auth.NONE),
        ("arc=pass", Auth.NONE),
    ],
)
def test_what_each_result_is_worth(results, auth):
    """DMARC's pass aligns, another's pass is partial, a failure is nothing."""
    header = f"Authentication-Results: mx.acme.example; {results}"
    assert judged(header, BORDER, FROM) is auth


def test_results_may_come_in_several_headers():
    """A border's programs write one header each."""
    dkim = (
        "Authentication-Results: mx.acme.example; dkim=pass header.d=customer.example"
    )
    dmarc = "Authentication-Results: mx.acme.example; dmarc=pass"
    assert judged(dmarc, dkim, BORDER, FROM) is Auth.ALIGNED


def test_h21_a_signature_over_part_of_the_body_counts_for_nothing():
    """H-21: DKIM's `l=` lets anybody write on."""
    signature = "DKIM-Signature: v=1; a=rsa-sha256; d=customer.example; l=10; b=abc"
    assert judged(PASS, BORDER, signature, FROM) is Auth.NONE


@pytest.mark.parametrize(
    "sender",
    [
        "From: ana@customer.example, bob@customer.example",
        "From: ana@customer.example\r\nFrom: bob@customer.example",
        "Subject: no sender",
        "From: Ana <ana@customer.example",
    ],
)
def test_nobody_vouches_for_several_senders_or_none(sender):
    """Results speak of one mailbox; with any other number they say nothing."""
    assert judged(PASS, BORDER, sender) is Auth.NONE


def test_nobody_is_trusted_by_default():
    """An empty list of borders trusts none."""
    assert judged(PASS, BORDER, FROM, trusted=()) is Auth.NONE
