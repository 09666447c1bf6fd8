"""Votes by mail: what is read as a score, what is not, what becomes of the words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import perf_counter, process_time

import pytest

from chamado.config.address import Address
from chamado.daemon.core.ballot import LATE, WITH_VOTE, Asked, fate, match, read
from chamado.daemon.core.types import (
    AppendReply,
    Decision,
    MatchedBy,
    Proof,
    RecordEcho,
    RecordVote,
    Status,
    ThreadMatch,
    TicketFacts,
)
from chamado.parsers.types import (
    Attachment,
    Classification,
    Kind,
    ParsedMessage,
    Role,
)

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
TOKEN = "kq3zv7w2hd5n4tyx6abc2defgh"
NAMES = frozenset({"ana", "souza", "bia", "acme"})
ASKED = Asked(
    survey=3,
    ticket=7,
    address="ana@example.com",
    expires_at=NOON + timedelta(days=1),
    by_token=True,
    names=NAMES,
)
USUAL = AppendReply(
    ticket=7, public=True, status=Status.OPEN, flags=(), why="the usual"
)
PERSON = Classification()


def mail(
    text: str = "",
    *,
    subject: str = "Re: [#7] Como foi o nosso atendimento?",
    sender: str = "ana@example.com",
    files: tuple[Attachment, ...] = (),
) -> ParsedMessage:
    """A message as the parser hands it over."""
    return ParsedMessage(
        subject=subject,
        reply=text,
        text=text,
        sender=Address(name="Ana Souza", address=sender),
        from_count=1,
        attachments=files,
    )


@pytest.mark.parametrize(
    ("text", "score", "comment"),
    [
        ("5", 5, ""),
        ("  4  \n", 4, ""),
        ("5!", 5, ""),
        ("5.", 5, ""),
        ("*5*", 5, ""),
        ("(5)", 5, ""),
        ("> 5", 5, ""),
        ("5\ufe0f\u20e3", 5, ""),
        ("5/5", 5, ""),
        ("5 de 5", 5, ""),
        ("5 out of 5 stars", 5, ""),
        ("5 estrelas", 5, ""),
        ("4 puntos", 4, ""),
        ("Nota 5", 5, ""),
        ("NOTA: 4", 4, ""),
        ("My rating is 3", 3, ""),
        ("Doy un 5", 5, ""),
        ("Obrigada! 5", 5, ""),
        ("5 👍🏽", 5, "👍🏽"),
        ("5 muito bom", 5, "muito bom"),
        ("5, obrigada Bia!", 5, "obrigada Bia!"),
        ("1 (muito ruim)", 1, "(muito ruim)"),
        ("Olá Bia,\n\n5\n\nObrigada,\nAna", 5, "Obrigada,\nAna"),
        ("5 - thank you very much", 5, "thank you very much"),
        ("4 gracias por todo", 4, "gracias por todo"),
    ],
)
def test_a_score_with_thanks_is_a_vote_and_no_more(
    text: str, score: int, comment: str
) -> None:
    """However a person writes a number from 1 to 5 down, with a kind word or two."""
    ballot = read(mail(text), NAMES)
    assert ballot is not None
    assert (ballot.score, ballot.comment, ballot.says_more) == (score, comment, False)


@pytest.mark.parametrize(
    "text",
    [
        "5 - Agora preciso de outro plano.",
        "1. Não abre.",
        "5\nMas e o boleto?",
        "5?",
        "2 – ruim: ainda não funciona",
        "5, obrigada. Quando vence a fatura 3021",
    ],
)
def test_words_beyond_score_and_thanks_are_more_than_a_vote(text: str) -> None:
    """What a person must read is told apart, in doubt as something to read."""
    ballot = read(mail(text), NAMES)
    assert ballot is not None
    assert ballot.says_more


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "6",
        "10",
        "nota 10",
        "4,5",
        "4.5",
        "５",
        "5:30",
        "2x",
        "3ª vez que escrevo",
        "5%",
        "5 % dos usuários",
        "3 usuários não conseguem entrar",
        "Bom dia, 3 usuários não conseguem entrar",
        "1,5 horas sem resposta",
        "2 resolvidos, 3 não",
        "4 de 7 usuários não entram",
        "2 days without an answer",
        "1. Não abre\n2. Não fecha",
        "1) it does not start\nand\n2) it does not stop",
        "Ainda não funciona. 5 pessoas paradas.",
        "Obrigada",
        "excelente",
    ],
)
def test_what_may_not_be_a_score_is_mail(text: str) -> None:
    """Numbers of things, lists, decimals and praise without a number are no votes."""
    assert read(mail(text), NAMES) is None


@pytest.mark.parametrize("subject", ["5", " 5 ", f"5 {TOKEN}", f"5 {TOKEN.upper()}"])
def test_a_subject_that_is_a_score_is_a_vote(subject: str) -> None:
    """That is what a mailto link writes; the text below it is the comment."""
    ballot = read(mail("muito bom", subject=subject), NAMES)
    assert ballot is not None
    assert (ballot.score, ballot.comment, ballot.says_more) == (5, "muito bom", False)


@pytest.mark.parametrize("subject", ["Re: 5", "55", "5 a", "[#5]", "6", f"{TOKEN}"])
def test_a_subject_that_says_more_is_no_vote(subject: str) -> None:
    """Nor is one with another number."""
    assert read(mail("", subject=subject), NAMES) is None


def test_a_file_beside_a_score_is_more_than_a_vote() -> None:
    """A screenshot has something to show; the logo in a signature has not."""
    shot = Attachment(name="t.png", content_type="image/png", size=1, sha256="0" * 64)
    logo = Attachment(
        name="l.png",
        content_type="image/png",
        size=1,
        sha256="1" * 64,
        role=Role.SIGNATURE_IMAGE,
    )
    with_shot, with_logo = (
        read(mail("5", files=(shot,)), NAMES),
        read(mail("5", files=(logo,)), NAMES),
    )
    assert with_shot is not None
    assert with_shot.says_more
    assert with_logo is not None
    assert not with_logo.says_more


@pytest.mark.parametrize(
    "text",
    [
        "muito " * 100_000 + "5",
        "nota:" * 100_000,
        "5 " * 100_000,
        ">" * 400_000,
        "\n" * 400_000 + "5",
        "a. " * 200_000,
        "1.\n" * 100_000,
        "olá\n" * 100_000,
    ],
)
def test_a_huge_text_is_read_in_no_time(text: str) -> None:
    """Nothing in the reading repeats itself."""
    begin = perf_counter()
    read(mail(text), NAMES)
    assert perf_counter() - begin < 1


def judged(
    message: ParsedMessage,
    *,
    asked: Asked | None = ASKED,
    kind: Classification = PERSON,
    usual: Decision = USUAL,
    now: datetime = NOON,
    suspect: bool = False,
) -> Decision:
    """Ask what becomes of a message."""
    return fate(asked, message, kind, usual, now, suspect=suspect)


def test_a_score_becomes_a_vote_and_wakes_nobody() -> None:
    """There are no words to file: the vote is all there is."""
    vote = judged(mail("5, obrigada"))
    assert isinstance(vote, RecordVote)
    assert (vote.survey, vote.ticket, vote.score) == (3, 7, 5)
    assert (vote.comment, vote.words) == ("obrigada", None)


def test_more_words_go_the_usual_way_besides() -> None:
    """The vote counts, and what a person must read is filed as it would have been."""
    vote = judged(mail("2 – ainda não funciona"))
    assert isinstance(vote, RecordVote)
    assert vote.score == 2
    assert isinstance(vote.words, AppendReply)
    assert vote.words.status is Status.OPEN
    assert vote.words.flags == (WITH_VOTE,)


@pytest.mark.parametrize(
    "kind",
    [
        Classification(kind=Kind.OUT_OF_OFFICE, no_ack=True, no_reopen=True),
        Classification(kind=Kind.OUT_OF_OFFICE, no_ack=True),
        Classification(kind=Kind.AUTO_REPLY, no_ack=True, no_reopen=True),
        Classification(kind=Kind.PERSON, no_ack=True, no_reopen=True),
        Classification(kind=Kind.MAILING_LIST, no_ack=True, no_reopen=True),
    ],
)
def test_l21_a_machine_never_votes(kind: Classification) -> None:
    """L-21: an out-of-office that begins with a number is filed, and wakes nobody."""
    filed = judged(mail("5"), kind=kind)
    assert isinstance(filed, AppendReply)
    assert (filed.ticket, filed.status) == (7, None)


def test_what_answers_our_own_robot_may_vote() -> None:
    """Every answer to a survey refers to a letter of a machine: no suspicion."""
    assert isinstance(judged(mail("5"), kind=Classification(no_ack=True)), RecordVote)


@pytest.mark.parametrize(
    "sender", ["eva@evil.example", "Ana@other.example", "ana@example.com.evil.example"]
)
def test_only_whom_we_asked_can_vote(sender: str) -> None:
    """A token that was passed on leaves the mail what it is."""
    assert judged(mail("5", sender=sender)) is USUAL


def test_who_behaves_like_a_loop_does_not_vote() -> None:
    """The breaker for loops knows better."""
    assert judged(mail("5"), suspect=True) is USUAL


def test_mail_that_answers_no_survey_is_left_alone() -> None:
    """A five in a case's conversation is a five."""
    assert judged(mail("5"), asked=None) is USUAL


def test_what_is_no_mail_of_a_customer_is_left_alone() -> None:
    """An echo stays an echo."""
    echo = RecordEcho(ticket=7, why="ours")
    assert judged(mail("5"), usual=echo) is echo


def test_v05_a_score_alone_after_expiry_is_filed_and_wakes_nobody() -> None:
    """V-05: it does not count, and nobody is bothered with a five."""
    late = judged(mail("5"), now=NOON + timedelta(days=90))
    assert isinstance(late, AppendReply)
    assert (late.status, late.flags) == (None, (LATE,))


def test_v05_words_after_expiry_are_words() -> None:
    """V-05: what a person must read does not depend on a survey."""
    message = mail("2 – ainda não funciona")
    assert judged(message, now=NOON + timedelta(days=90)) is USUAL


@pytest.mark.parametrize("subject", ["unsubscribe", f"Unsubscribe {TOKEN}"])
def test_v10_the_mail_of_list_unsubscribe_opts_out(subject: str) -> None:
    """V-10: a mailbox provider sends it, by machine, perhaps from another address."""
    robot = Classification(kind=Kind.AUTO_REPLY, no_ack=True, no_reopen=True)
    message = mail(subject=subject, sender="ana@elsewhere.example")
    leaving = judged(message, kind=robot)
    assert isinstance(leaving, RecordVote)
    assert (leaving.score, leaving.words) == (None, None)


@pytest.mark.parametrize(
    ("subject", "by_token"),
    [("unsubscribe", False), ("Re: unsubscribe", True), ("unsubscribe me", True)],
)
def test_opting_out_needs_the_token_and_the_very_word(
    subject: str, *, by_token: bool
) -> None:
    """A conversation about unsubscribing unsubscribes nobody."""
    asked = replace(ASKED, by_token=by_token)
    assert judged(mail(subject=subject), asked=asked) is USUAL


TICKET = TicketFacts(
    number=7,
    status=Status.RESOLVED,
    team="support",
    participants=frozenset({"ana@example.com"}),
)


def test_a_token_leads_to_its_case_where_nothing_signed_does() -> None:
    """Some programs drop In-Reply-To; the address still says what is answered."""
    found = match(ThreadMatch(), ASKED, "ana@example.com", TICKET)
    assert (found.ticket, found.by) == (TICKET, MatchedBy.TOKEN)
    assert found.proof is Proof.SENDER
    other = match(ThreadMatch(), ASKED, "eva@evil.example", TICKET)
    assert other.proof is Proof.OTHER


def test_stronger_evidence_stays() -> None:
    """A signed Message-ID is not overruled, and no token proves nothing."""
    signed = ThreadMatch(ticket=TICKET, by=MatchedBy.OWN_ID, proof=Proof.SENDER)
    assert match(signed, ASKED, "ana@example.com", TICKET) is signed
    nothing = ThreadMatch()
    assert match(nothing, None, "ana@example.com", None) is nothing


def test_a_page_of_blank_lines_below_a_score_costs_nothing() -> None:
    """A list is looked for where a list would go on, and no further."""
    reply = "1. a" + "\n" * 200_000
    before = process_time()
    read(ParsedMessage(reply=reply), frozenset())
    assert process_time() - before < 1.0
