"""Which case a message belongs to, and what the evidence permits."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chamado.config.address import Address
from chamado.daemon.core.answers import Caps, SentBefore
from chamado.daemon.core.decide import (
    JOINS,
    NOT_PARTICIPANT,
    PASSED_ON,
    UNVERIFIED,
    Case,
    Policy,
    Standing,
    decide,
)
from chamado.daemon.core.loops import SenderHistory
from chamado.daemon.core.thread import keys_of, match, subaddress
from chamado.daemon.core.tokens import Keyring, make_message_id, make_token
from chamado.daemon.core.types import (
    AppendReply,
    Decision,
    LinkDuplicate,
    MatchedBy,
    OpenTicket,
    Proof,
    RecordBounce,
    RecordEcho,
    Relation,
    Status,
    ThreadMatch,
    TicketFacts,
)
from chamado.parsers.types import (
    Auth,
    Bounce,
    BounceRecipient,
    Classification,
    Envelope,
    Forwarded,
    Kind,
    ParsedMessage,
)

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
RING = Keyring({1: b"k" * 32})
ANA, BIA, EVE = "ana@example.com", "bia@example.com", "eve@evil.example"
TICKET = TicketFacts(
    number=1042,
    status=Status.OPEN,
    team="support",
    participants=frozenset({ANA, BIA}),
)
POLICY = Policy(own=frozenset({"suporte@acme.example"}), caps=Caps())


def found(
    message: ParsedMessage,
    sender: str,
    *,
    rcpt: str = "suporte@acme.example",
    tickets: tuple[TicketFacts, ...] = (TICKET,),
    by_id: dict[str, int] | None = None,
) -> ThreadMatch:
    """Run the two halves of threading over what a database would hold."""
    envelope = Envelope(mail_from=sender, rcpt_tos=(rcpt,), received_at=NOW)
    keys = keys_of(message, envelope, "acme.example")
    return match(keys, sender, RING, {t.number: t for t in tickets}, by_id or {})


def decided(
    thread: ThreadMatch,
    sender: str,
    auth: Auth,
    *,
    classification: Classification | None = None,
    message: ParsedMessage | None = None,
    history: SenderHistory | None = None,
    duplicate_of: tuple[int, int | None] | None = None,
    reports_on: tuple[int, str] | None = None,
    echo_of: int | None = None,
    team: str = "support",
    forwarded: Forwarded | None = None,
) -> Decision:
    """Decide for a sender and an identity."""
    message = message or ParsedMessage(sender=Address(address=sender), from_count=1)
    return decide(
        Case(
            message=message,
            classification=classification or Classification(),
            envelope=Envelope(mail_from=sender, rcpt_tos=(), received_at=NOW),
            auth=auth,
            match=thread,
            address="suporte@acme.example",
            team=team,
            language="pt-BR",
            require_auth=Auth.NONE,
            names_us=True,
            history=history or SenderHistory(),
            before=SentBefore(),
            duplicate_of=duplicate_of,
            reports_on=reports_on,
            echo_of=echo_of,
            forwarded=forwarded,
        ),
        POLICY,
        NOW,
    )


def test_the_address_token_leads_to_the_case() -> None:
    """A reply to LOCAL+TOKEN@ is proven by the token made for its sender."""
    rcpt = f"suporte+{make_token(RING, 1042, ANA)}@acme.example"
    thread = found(ParsedMessage(), ANA, rcpt=rcpt)
    assert (thread.by, thread.proof) == (MatchedBy.TOKEN, Proof.SENDER)


def test_our_message_id_leads_to_the_case() -> None:
    """In-Reply-To with a signed id of ours is proof for whom it was made."""
    own = make_message_id(RING, "ack", 1042, b"0" * 10, ANA, "acme.example")
    thread = found(ParsedMessage(in_reply_to=(own,)), ANA)
    assert (thread.by, thread.proof) == (MatchedBy.OWN_ID, Proof.SENDER)
    assert found(ParsedMessage(references=(own,)), BIA).proof is Proof.OTHER


def test_foreign_ids_and_subject_numbers_are_unsigned() -> None:
    """What anyone can know proves nothing about who sends."""
    thread = found(ParsedMessage(references=("x@y",)), ANA, by_id={"x@y": 1042})
    assert (thread.by, thread.proof) == (MatchedBy.REFERENCE, Proof.UNSIGNED)
    thread = found(ParsedMessage(subject="Re: [#1042] tela"), ANA)
    assert (thread.by, thread.proof) == (MatchedBy.SUBJECT, Proof.UNSIGNED)


def test_a_bad_mac_counts_and_is_treated_as_no_token() -> None:
    """A forged token is counted, and weaker evidence is still weighed."""
    token = make_token(Keyring({1: b"other" * 8}), 1042, ANA)
    thread = found(
        ParsedMessage(subject="[#1042]"), ANA, rcpt=f"suporte+{token}@acme.example"
    )
    assert thread.by is MatchedBy.SUBJECT
    assert thread.bad_tokens == 1


def test_h15_numbers_outside_the_subject_are_ignored() -> None:
    """H-15: a tag in the body is no evidence."""
    assert found(ParsedMessage(text="[#1042]"), ANA).ticket is None


def test_p21_a_subject_of_tags_without_end_is_cheap() -> None:
    """P-21: the tag's pattern is linear."""
    assert found(ParsedMessage(subject="[# " * 20_000), ANA).ticket is None


def test_a_merged_case_leads_to_its_target_even_in_a_circle() -> None:
    """Evidence for a merged case is evidence for what it was merged into."""
    one = replace(TICKET, number=1, merged_into=2)
    two = replace(TICKET, number=2)
    thread = found(ParsedMessage(subject="[#1]"), ANA, tickets=(one, two))
    assert thread.ticket == two
    circle = replace(two, merged_into=1)
    thread = found(ParsedMessage(subject="[#1]"), ANA, tickets=(one, circle))
    assert thread.ticket is not None


def test_every_proof_and_standing_has_a_row() -> None:
    """The table leaves no combination to chance."""
    proofs = [p for p in Proof if p is not Proof.AGENT]
    assert set(JOINS) == {(p, s) for p in proofs for s in Standing}


_PROVEN = replace(ThreadMatch(), ticket=TICKET, by=MatchedBy.TOKEN, why="token")


@pytest.mark.parametrize(
    ("proof", "sender", "auth", "becomes", "flags"),
    [
        (Proof.SENDER, ANA, Auth.ALIGNED, "append", ()),
        (Proof.SENDER, ANA, Auth.NONE, "append", (UNVERIFIED,)),
        (Proof.SENDER, ANA, Auth.PARTIAL, "append", (UNVERIFIED,)),
        (Proof.SENDER, EVE, Auth.ALIGNED, "internal", (NOT_PARTICIPANT, UNVERIFIED)),
        (Proof.OTHER, BIA, Auth.ALIGNED, "append", (PASSED_ON,)),
        (Proof.OTHER, BIA, Auth.NONE, "open", (UNVERIFIED,)),
        (Proof.OTHER, EVE, Auth.ALIGNED, "open", ()),
        (Proof.UNSIGNED, ANA, Auth.ALIGNED, "append", ()),
        (Proof.UNSIGNED, ANA, Auth.NONE, "open", (UNVERIFIED,)),
        (Proof.UNSIGNED, EVE, Auth.ALIGNED, "open", ()),
    ],
)
def test_what_evidence_permits_depends_on_who_sends(
    proof: Proof, sender: str, auth: Auth, becomes: str, flags: tuple[str, ...]
) -> None:
    """H-06, H-08, H-14: a stranger never joins; a bare hint opens a linked case."""
    decision = decided(replace(_PROVEN, proof=proof), sender, auth)
    match decision:
        case OpenTicket():
            assert becomes == "open"
            assert [(r.number, r.kind) for r in decision.related] == [
                (1042, Relation.POSSIBLY_RELATED)
            ]
        case AppendReply():
            assert decision.ticket == 1042
            assert decision.public is (becomes == "append")
        case _:
            pytest.fail(f"unexpected {decision}")
    assert decision.flags == flags


def test_a_case_of_another_team_is_never_joined() -> None:
    """Evidence for a case of another queue opens a linked one."""
    thread = replace(_PROVEN, proof=Proof.SENDER)
    decision = decided(thread, ANA, Auth.ALIGNED, team="sales")
    assert isinstance(decision, OpenTicket)
    assert decision.related


@pytest.mark.parametrize(
    ("status", "resolved_days_ago", "becomes"),
    [
        (Status.NEW, None, None),
        (Status.OPEN, None, None),
        (Status.ESCALATED, None, None),
        (Status.WAITING, None, Status.OPEN),
        (Status.RESOLVED, 1, Status.OPEN),
    ],
)
def test_a_customers_word_wakes_what_waits_or_is_resolved(
    status: Status, resolved_days_ago: int | None, becomes: Status | None
) -> None:
    """Waiting and resolved cases open again; the others keep their state."""
    ago = timedelta(days=resolved_days_ago or 0)
    ticket = replace(TICKET, status=status, resolved_at=NOW - ago)
    thread = replace(_PROVEN, proof=Proof.SENDER, ticket=ticket)
    decision = decided(thread, ANA, Auth.ALIGNED)
    assert isinstance(decision, AppendReply)
    assert decision.status is becomes


def test_an_out_of_office_does_not_wake_a_resolved_case() -> None:
    """L-21: what a machine says is filed, and the case sleeps on."""
    ticket = replace(TICKET, status=Status.RESOLVED, resolved_at=NOW)
    decision = decided(
        replace(_PROVEN, proof=Proof.SENDER, ticket=ticket),
        ANA,
        Auth.ALIGNED,
        classification=Classification(
            kind=Kind.OUT_OF_OFFICE, no_ack=True, no_reopen=True
        ),
    )
    assert isinstance(decision, AppendReply)
    assert decision.status is None


@pytest.mark.parametrize(
    ("status", "days"), [(Status.CLOSED, 1), (Status.RESOLVED, 15)]
)
def test_a_case_that_is_over_leads_to_a_new_linked_one(
    status: Status, days: int
) -> None:
    """Closed, or resolved too long ago: the reply opens a case reopened from it."""
    ticket = replace(TICKET, status=status, resolved_at=NOW - timedelta(days=days))
    thread = replace(_PROVEN, proof=Proof.SENDER, ticket=ticket)
    decision = decided(thread, ANA, Auth.ALIGNED)
    assert isinstance(decision, OpenTicket)
    assert decision.related[0].kind is Relation.REOPENED_FROM


def test_the_same_content_again_is_linked() -> None:
    """A duplicate comes before anything else is looked at."""
    decision = decided(ThreadMatch(), ANA, Auth.NONE, duplicate_of=(3, 1042))
    assert decision == LinkDuplicate(
        of_inbox=3, ticket=1042, why="the same content came before"
    )


def test_l14_our_own_letter_coming_back_is_an_echo() -> None:
    """L-14: what an archive feeds back opens nothing."""
    assert isinstance(decided(ThreadMatch(), ANA, Auth.NONE, echo_of=1042), RecordEcho)


@pytest.mark.parametrize(("action", "failed"), [("failed", True), ("delayed", False)])
def test_l07_a_report_about_our_letter_is_recorded(action: str, failed: bool) -> None:
    """L-07, L-08: failed and delayed are told apart."""
    message = ParsedMessage(
        bounce=Bounce(recipients=(BounceRecipient(address=ANA, action=action),))
    )
    kind = Kind.BOUNCE if failed else Kind.DELIVERY_NOTICE
    decision = decided(
        ThreadMatch(),
        "mailer-daemon@example.com",
        Auth.NONE,
        message=message,
        classification=Classification(kind=kind, no_ack=True, no_reopen=True),
        reports_on=(1042, "reply.1042.x"),
    )
    assert isinstance(decision, RecordBounce)
    assert decision.failed is failed


def test_a_report_about_foreign_mail_is_a_customers_evidence() -> None:
    """A DSN that names no letter of ours becomes an ordinary case, unanswered."""
    message = ParsedMessage(
        sender=Address(address=ANA), bounce=Bounce(original_message_id="x@y")
    )
    decision = decided(
        ThreadMatch(),
        ANA,
        Auth.NONE,
        message=message,
        classification=Classification(kind=Kind.BOUNCE, no_ack=True, no_reopen=True),
    )
    assert isinstance(decision, OpenTicket)
    assert decision.ack.word == "suppressed:machine"


@pytest.mark.parametrize("auth", [Auth.ALIGNED, Auth.NONE])
def test_a_loop_is_filed_into_the_senders_newest_case(auth: Auth) -> None:
    """The breaker keeps every mail, and a forger does not join a case through it."""
    decision = decided(
        ThreadMatch(),
        ANA,
        auth,
        history=SenderHistory(last_ten_minutes=6, last_day=6, last_ticket=9),
    )
    assert isinstance(decision, AppendReply)
    assert decision.ticket == 9
    assert "looks_like_a_loop" in decision.flags
    assert decision.public is (auth is Auth.ALIGNED)


def test_what_was_judged_to_be_sent_on_is_not_judged_again() -> None:
    """Settings that change between looking up and deciding give no second answer."""
    message = ParsedMessage(
        sender=Address(name="Bia", address="bia@acme.example"),
        forwarded=Forwarded(sender=Address(address=EVE)),
    )
    # POLICY has no agents: whoever sent it on is none any more.
    shown = Forwarded(sender=Address(name="Ana", address=ANA), text="A tela fica azul.")
    decision = decided(
        ThreadMatch(), "", Auth.ALIGNED, message=message, forwarded=shown
    )
    assert isinstance(decision, OpenTicket)
    assert decision.requester == Address(name="Ana", address=ANA)
    assert decision.forwarded_by == Address(address="bia@acme.example")
    decision = decided(ThreadMatch(), "", Auth.ALIGNED, message=message)
    assert isinstance(decision, OpenTicket)
    assert decision.requester.address == "bia@acme.example"


def test_a_message_without_a_sender_is_a_stranger_everywhere() -> None:
    """No From, no participant, whatever token it carries."""
    ticket = replace(TICKET, participants=frozenset({""}))
    thread = replace(_PROVEN, proof=Proof.SENDER, ticket=ticket)
    message = ParsedMessage()
    decision = decided(thread, "", Auth.NONE, message=message)
    assert isinstance(decision, AppendReply)
    assert not decision.public


@pytest.mark.parametrize(
    ("address", "expected"),
    [("a+b@c", "b"), ("a@c", ""), ("a+b+c@d", "b+c"), ("@", ""), ("a+@c", "")],
)
def test_the_subaddress_stands_between_plus_and_at(address: str, expected: str) -> None:
    """RFC 5233: the first plus begins it."""
    assert subaddress(address) == expected
