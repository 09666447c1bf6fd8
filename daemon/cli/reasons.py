"""The ledger's words as sentences, for somebody who has never read our sources."""

#: Why no acknowledgement went out. Every word that `core.answers` or the desk knows.
ACK: dict[str, str] = {
    "disabled": "acknowledgements are turned off ([ack] enabled = false)",
    "asked_not_to": "whoever handed it in asked for none (--no-ack)",
    "no_sender_address": "it names no sender that an answer could go to",
    "machine": "a machine or a mailing list wrote it, or it answers an automatic "
    "letter of ours to somebody else; answering such mail makes loops",
    "null_sender": "its envelope sender is empty, which forbids automatic answers",
    "own_address": "it comes from one of our own addresses",
    "sender_not_authenticated": "the mail border does not vouch for its sender, and "
    "an answer to a forged sender would hit a bystander ([ack] require_auth)",
    "reply_to_elsewhere": "its Reply-To leads to another organisation than its From",
    "not_addressed_to_us": "none of our addresses stands in To or Cc, as with blind "
    "copies and mass mail",
    "cooling_down": "the sender looked like a machine in a loop and gets no automatic "
    "mail for a while ([ack] cool_down)",
    "answered_recently": "the sender got an acknowledgement a short while ago "
    "([ack] per_address_pause)",
    "address_day_cap": "the sender got enough automatic mail today "
    "([ack] per_address_day)",
    "domain_hour_cap": "the sender's domain got enough automatic mail this hour "
    "([ack] per_domain_hour)",
    "hour_cap": "enough automatic mail went out this hour ([ack] per_hour)",
    "forwarded_by_agent": "an agent sent it on; the customer did not write to us "
    "([agents] ack_forwarded)",
    "address_unusable": "no letter can go to an address like that",
}

#: What became of a message.
OUTCOMES: dict[str, str] = {
    "ticket_opened": "it opened a case",
    "reply_appended": "it was added to a case",
    "bounce_recorded": "it reports on a letter of ours and was noted on the case",
    "duplicate": "it is a second copy of a message that was filed before",
    "echo": "it is a letter of ours that came back to us",
    "survey_vote": "it is a vote on how we did",
    "agent_action": "an agent did something on a case by mail, or it came back to him",
    "suppressed": "it was filed away without a case",
    "dropped": "an operator dropped it",
}

#: Where a message stands that has no outcome.
STATES: dict[str, str] = {
    "received": "it is accepted and waits to be understood",
    "failed": "it could not be understood and is set aside with its raw bytes; "
    "`chamado inbox retry` tries again",
}

#: How much of a message was read, by the rung of the parser's ladder.
RUNGS = ("all of it was read", "only its text was read", "only its headers were read")

#: How far the border vouches for the sender.
AUTH: dict[str, str] = {
    "aligned": "the mail border vouches for the address in From",
    "partial": "the mail border vouches for some server, not for the address in From",
    "none": "nobody vouches for the sender",
}


def ack(word: str | None) -> str:
    """Say `queued` or `suppressed:REASON` in a sentence."""
    if word is None:
        return "none, since no new case was opened"
    if word == "queued":
        return "queued"
    reason = word.removeprefix("suppressed:")
    return f"not sent: {ACK.get(reason, reason)}"
