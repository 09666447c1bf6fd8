"""Answers to a survey by mail: votes, thanks, questions, machines, strangers."""

from pathlib import Path
from typing import Any

import pytest

from chamado.config.settings import SupportAddress, Survey
from chamado.daemon.core.types import Status
from chamado.daemon.store import cases, schema
from chamado.daemon.store.engine import Store
from chamado.notifier.types import Letter
from chamado.parsers.pool import ParserPool
from tests.support.house import SUPPORT, House, house, message
from tests.support.polls import (
    UNANSWERED,
    Site,
    asked,
    counted,
    events,
    read,
    shown,
    surveys,
    token_of,
)


def answer(home: House, letter: Letter, text: str, **how: Any) -> dict[str, Any]:
    """Press "Reply" on a letter, write something, send it; return the mail's fate."""
    sent = read(letter)
    to = sent["Reply-To"].addresses[0].addr_spec
    headers = {
        "In_Reply_To": sent["Message-ID"],
        "References": sent["Message-ID"],
        **how.pop("headers", {}),
    }
    sender = how.pop("sender", "Ana Souza <ana@example.com>")
    content = message(
        text,
        sender=sender,
        to=to,
        subject=how.pop("subject", f"Re: {sent['Subject']}"),
        message_id=f"<answer{len(home.rows(schema.inbox))}@example.com>",
        **headers,
    )
    mail_from = how.pop("mail_from", sender.partition("<")[2].rstrip(">"))
    return home.mail(content, rcpt=to, mail_from=mail_from, **how)


def click(home: House, to: str, subject: str, text: str = "", **how: Any) -> Any:
    """Send what a mailto link opens; it names no message of ours."""
    content = message(
        text,
        sender=how.pop("sender", "Ana Souza <ana@example.com>"),
        to=to,
        subject=subject,
        message_id=f"<click{len(home.rows(schema.inbox))}@example.com>",
        **how.pop("headers", {}),
    )
    return home.mail(content, rcpt=to, **how)


def test_a_reply_with_a_number_is_a_vote(home: House) -> None:
    """The mail ends as a vote, on the case it is about, and wakes nobody."""
    number, letter = asked(home)
    before = shown(home, number)["entries"]
    fate = answer(home, letter, "5\n\nObrigada!\n")
    assert (fate["outcome"], fate["ticket"], fate["ack"]) == (
        "survey_vote",
        number,
        None,
    )
    assert fate["why"]["decision"] == "answers our survey with 5 of 5"
    assert counted(home, number) == ("answered", 5, "Obrigada!", "mail")
    case = shown(home, number)
    assert case["status"] == "resolved"
    assert case["survey"]["answered_at"] == home.clock.now
    new = [e for e in case["entries"] if e not in before]
    assert [e["text"] for e in new] == ["survey answered with 5 of 5: Obrigada!"]


@pytest.mark.parametrize("score", range(1, 6))
def test_v02_each_mailto_link_is_a_vote(mail_home: House, score: int) -> None:
    """V-02: the address and the subject that the link names are enough."""
    number, letter = asked(mail_home)
    to = f"suporte+{token_of(letter)}@acme.example"
    fate = click(mail_home, to, str(score))
    assert (fate["outcome"], fate["ticket"]) == ("survey_vote", number)
    assert counted(mail_home, number) == ("answered", score, "", "mail")


def test_without_sub_addresses_the_subject_leads_back(
    store: Store, pool: ParserPool, tmp_path: Path
) -> None:
    """The token behind the number says which survey is answered."""
    plain = (SupportAddress(address=SUPPORT),)
    with house(store, pool, tmp_path, survey=Survey(), address=plain) as home:
        number, letter = asked(home)
        fate = click(home, SUPPORT, f"4 {token_of(letter)}", "tudo certo")
        assert (fate["outcome"], fate["ticket"]) == ("survey_vote", number)
        assert counted(home, number) == ("answered", 4, "tudo certo", "mail")


def test_a_reply_whose_program_dropped_the_reference_still_counts(home: House) -> None:
    """The address alone leads back to the survey and to its case."""
    number, letter = asked(home)
    fate = answer(home, letter, "5", headers={"In_Reply_To": "", "References": ""})
    assert (fate["outcome"], fate["ticket"]) == ("survey_vote", number)


def test_a_reply_to_another_address_counts_by_its_reference(home: House) -> None:
    """The signed Message-ID alone leads back as well."""
    number, letter = asked(home)
    sent = read(letter)
    content = message("3", message_id="<x@example.com>", In_Reply_To=sent["Message-ID"])
    assert home.mail(content)["outcome"] == "survey_vote"
    assert counted(home, number) == ("answered", 3, "", "mail")


def test_the_same_mail_by_two_ways_is_one_vote(home: House) -> None:
    """The second copy is a duplicate."""
    _, letter = asked(home)
    answer(home, letter, "5")
    last = home.rows(schema.inbox)[-1]
    again = home.mail(bytes(last["raw"]), rcpt=last["rcpt_tos"][0], key="imap:1")
    assert again["outcome"] == "duplicate"
    assert len(home.rows(schema.vote)) == 1


def test_a_question_beside_the_score_is_not_lost(home: House) -> None:
    """It counts, and it is a customer's word like any other: the case wakes."""
    number, letter = asked(home)
    fate = answer(home, letter, "2\n\nAinda não consigo entrar. O que faço?")
    assert (fate["outcome"], fate["ticket"]) == ("survey_vote", number)
    assert counted(home, number)[:2] == ("answered", 2)
    case = shown(home, number)
    assert case["status"] == "open"
    (entry,) = [e for e in case["entries"] if e["id"] == fate["entry_id"]]
    assert entry["kind"] == "inbound"
    assert entry["public"]
    assert "Ainda não consigo entrar" in entry["text"]
    assert "with_survey_vote" in entry["flags"]
    assert "its words go the usual way" in fate["why"]["decision"]


def test_a_question_on_a_closed_case_opens_a_new_one(home: House) -> None:
    """By the rules that hold for every mail; the vote stays with the old case."""
    number, letter = asked(home)
    with home.store.write() as work:
        cases.set_status(work, [(number, Status.CLOSED)])
        cases.change(work, number, resolution="answered")
    fate = answer(home, letter, "4, mas preciso de uma segunda via da fatura")
    assert fate["outcome"] == "survey_vote"
    assert fate["ticket"] not in (None, number)
    assert counted(home, number)[:2] == ("answered", 4)
    linked = {"number": number, "kind": "reopened_from"}
    assert linked in shown(home, fate["ticket"])["related"]


def test_words_without_a_score_are_an_ordinary_reply(home: House) -> None:
    """They are appended as if nobody had asked anything."""
    number, letter = asked(home)
    fate = answer(home, letter, "3 usuários ainda não conseguem entrar.")
    assert (fate["outcome"], fate["ticket"]) == ("reply_appended", number)
    assert counted(home, number) == UNANSWERED
    assert shown(home, number)["status"] == "open"


def test_l22_a_thank_you_is_no_vote_and_asks_for_no_other(home: House) -> None:
    """L-22: it is filed, the case rests, and no second question is planned."""
    number, letter = asked(home)
    fate = answer(home, letter, "Muito obrigada!")
    assert fate["outcome"] == "reply_appended"
    assert counted(home, number) == UNANSWERED
    assert shown(home, number)["status"] == "resolved"
    home.clock.move(days=2)
    assert surveys(home).send_due() == 0
    assert len(home.rows(schema.survey)) == 1


@pytest.mark.parametrize(
    ("headers", "subject", "mail_from"),
    [
        ({"Auto_Submitted": "auto-replied"}, "Re: survey", "ana@example.com"),
        ({"X_Autoreply": "yes"}, "Re: survey", "ana@example.com"),
        ({"Precedence": "bulk"}, "Re: survey", "ana@example.com"),
        ({}, "Resposta automática: [#1] Como foi?", "ana@example.com"),
        ({}, "Fora do escritório", "ana@example.com"),
        ({}, "Re: survey", ""),
    ],
)
def test_l21_an_out_of_office_is_no_vote_and_wakes_nobody(
    home: House, headers: dict[str, str], subject: str, mail_from: str
) -> None:
    """L-21: even one whose first word is a number."""
    number, letter = asked(home)
    text = "5 dias de férias: volto na segunda-feira."
    for words in (text, "5"):
        fate = answer(
            home, letter, words, headers=headers, subject=subject, mail_from=mail_from
        )
        assert fate["outcome"] == "reply_appended"
    assert counted(home, number) == UNANSWERED
    assert shown(home, number)["status"] == "resolved"
    assert home.rows(schema.vote) == []


def test_a_stranger_with_the_token_does_not_vote(home: House) -> None:
    """Whom the survey was passed on to is filed by the usual rules, never dropped."""
    number, letter = asked(home)
    fate = answer(home, letter, "1", sender="Eva <eva@evil.example>")
    assert fate["outcome"] == "ticket_opened"
    assert fate["ticket"] != number
    assert counted(home, number) == UNANSWERED
    related = shown(home, fate["ticket"])["related"]
    assert {"number": number, "kind": "possibly_related"} in related


def test_v04_a_token_of_nobody_is_an_ordinary_mail(home: House) -> None:
    """V-04: nothing is counted, nothing is lost."""
    number, letter = asked(home)
    wrong = token_of(letter)[:-2] + "aa"
    fate = click(home, f"suporte+{wrong}@acme.example", "5")
    assert fate["outcome"] == "ticket_opened"
    assert counted(home, number) == UNANSWERED


def test_a_forged_reference_does_not_vote(home: House) -> None:
    """A Message-ID in our form with another MAC is nobody's."""
    number, letter = asked(home)
    real = str(read(letter)["Message-ID"])
    forged = real.replace("@", "a@")[:-1].replace("survey.1.", "survey.1.a") + ">"
    content = message("5", message_id="<x@example.com>", In_Reply_To=forged)
    assert home.mail(content)["outcome"] == "ticket_opened"
    assert counted(home, number) == UNANSWERED


def test_an_answer_may_be_changed_and_the_history_stays(home: House) -> None:
    """The last word counts; what was said before is not forgotten."""
    number, letter = asked(home)
    answer(home, letter, "5")
    home.clock.move(minutes=3)
    answer(home, letter, "4, obrigada")
    assert counted(home, number) == ("answered", 4, "obrigada", "mail")
    rows = home.rows(schema.vote)
    assert [(row["score"], row["via"]) for row in rows] == [(5, "mail"), (4, "mail")]


def test_v05_after_its_time_a_score_counts_no_more(home: House) -> None:
    """V-05: filed on the case, waking nobody and counting nothing."""
    number, letter = asked(home)
    home.clock.move(days=90)
    surveys(home).send_due()
    fate = answer(home, letter, "5")
    assert (fate["outcome"], fate["ticket"]) == ("reply_appended", number)
    assert "vote_after_expiry" in fate["why"]["flags"]
    assert counted(home, number) == ("expired", None, "", None)
    assert shown(home, number)["status"] == "resolved"


@pytest.mark.parametrize("sender", ["ana@example.com", "ana@elsewhere.example"])
def test_v10_the_mail_of_list_unsubscribe_opts_out(
    mail_home: House, sender: str
) -> None:
    """V-10: nobody is asked again, the case says so, and mail on cases goes on."""
    number, letter = asked(mail_home)
    to = f"suporte+{token_of(letter)}@acme.example"
    headers = {"Auto_Submitted": "auto-generated"}
    fate = click(mail_home, to, "unsubscribe", sender=sender, headers=headers)
    assert (fate["outcome"], fate["ticket"]) == ("survey_vote", number)
    assert fate["why"]["decision"] == "asks for no more surveys"
    contacts = {r["address"]: r["no_surveys"] for r in mail_home.rows(schema.contact)}
    assert contacts["ana@example.com"]
    assert events(mail_home, number)[-1] == "no_surveys"
    assert counted(mail_home, number) == UNANSWERED


def test_a_low_score_is_told_to_the_team_once(
    home: House, capsys: pytest.CaptureFixture[str]
) -> None:
    """An event, a notice and a line in the log; not again for another low one."""
    number, letter = asked(home)
    answer(home, letter, "2")
    answer(home, letter, "1")
    assert events(home, number).count("low_score") == 1
    told = [r for r in home.rows(schema.notice) if r["kind"] == "low_score"]
    assert [row["ticket"] for row in told] == [number]
    assert capsys.readouterr().out.count("low_score") == 1


@pytest.mark.parametrize("pause", [0, 8])
def test_v01_an_answer_by_mail_outlives_a_scanner_on_the_page(
    home: House, web: Site, pause: int
) -> None:
    """V-01: no scanner writes mail, so a mail is no part of a burst, however near."""
    number, letter = asked(home)
    answer(home, letter, "2, muito ruim")
    home.clock.move(seconds=pause)
    pages = [web.vote(token_of(letter), score) for score in (3, 4, 5)]
    assert [page.status for page in pages] == [200, 200, 409]
    assert counted(home, number) == ("answered", 2, "muito ruim", "mail")
    assert events(home, number).count("low_score") == 1


def test_a_good_score_alarms_nobody(home: House) -> None:
    """The line between is [survey] low_score."""
    number, letter = asked(home)
    answer(home, letter, "3")
    assert "low_score" not in events(home, number)


def test_every_answer_has_one_fate(home: House) -> None:
    """Votes are in the ledger like everything that was ever accepted."""
    _, letter = asked(home)
    answer(home, letter, "5")
    answer(home, letter, "3, mas ainda falta algo")
    ledger = home.ledger()
    assert ledger[("done", "survey_vote")] == 2
    assert sum(ledger.values()) == len(home.rows(schema.inbox))
