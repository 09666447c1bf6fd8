"""Bounces that are prose: qmail, Exim, old Postfix, providers, in many languages.

Believed only when a mail system wrote the message (its address, the null sender, an
automatic mark) *and* its words say that something was not delivered. Everything is
looked for line by line above the copy of the returned message.
"""

import re

from chamado.parsers.addresses import addr_spec
from chamado.parsers.sanitise import clean_line
from chamado.parsers.types import Bounce, BounceRecipient, ParsedMessage
from chamado.parsers.wordlists import every

_LONGEST = 65_536
_MOST_RECIPIENTS = 100
# What a report has to say it says at its beginning.
_JUDGED = 4_000
_MACHINE = re.compile(
    r"mailer-?daemon|post_?master|mdaemon|mail-?daemon|mail[._-]?delivery[._-]?(?:sub)?"
    r"system|mail-?system|delivery|mailerdaemon|bounce[sd]?|mail-?administrator",
    re.I,
)
_GATEWAY = re.compile(r"gateways?$|antivirus|mail-?server|smtp", re.I)
_MACHINE_NAME = re.compile(
    r"mail deliver|delivery (?:sub)?system|system administrator|mail administrator"
    r"|mailer.?daemon|postmaster|mail system|mailserver|mail server|microsoft outlook"
    r"|mail gateway|mdaemon",
    re.I,
)


_UNDELIVERED = tuple(every("undelivered"))
_DELAYED = tuple(every("delayed"))
_FINAL = re.compile(r"permanent|given? up|giving up|has failed|fatal|final", re.I)
_STATUS = re.compile(r"(?<![\d.])#?([245]\.\d{1,2}\.\d{1,3})(?![\d.])")
_SPEC = r"[^\s<>@\"'()\[\]:;,]{1,64}@(?:\[[\w.:]{2,60}\]|\w[\w.-]{0,253})"
_LINE = re.compile(
    rf"[ \t>]*(?:[*•-][ \t]*)?(?:(?:final-|original-)?recipients?(?: address)?:\s*)?"
    rf"[\"'\[(<]*({_SPEC})[\"'\])>]*(.*)",
    re.I,
)
_INLINE = re.compile(
    rf"(?:recipients?(?:\(s\))?|addressed to|attempts|errors|undeliverable|message to"
    rf"|delivered to|deliver to|rcpt to|addresses|undeliverable to|mail to|e-mail to"
    rf"|delivery to|user|address|mailbox)"
    rf"[^@\n]{{0,40}}?[:\s\"'<\[]({_SPEC})",
    re.I,
)
_HELP = re.compile(r"(?:postmaster|support|abuse|help|hostmaster|webmaster)@", re.I)
_ANYWHERE = re.compile(_SPEC)
_COPY = re.compile(
    r"^.{0,40}(?:original (?:message|mail|e-mail)|copy of (?:the|your) (?:message|mail)"
    r"|copy of the (?:first|header)|returned message|message (?:text )?follows"
    r"|header of the|message header|unsent message|non-delivered information"
    r"|beginning of the message|undelivered message|text of (?:your|the) message"
    r"|message contents|mail contents|nachricht|mensaje original|mensagem original"
    r"|message d'origine|元のメール|原始邮件).{0,60}$",
    re.I,
)
_FIELD = re.compile(
    r"[ \t>]*(?:return-path|received|message-id|from|date|subject|to|mime-version"
    r"|dkim-signature|reply-to|sender|content-type|x-[\w-]+)[ \t]*:",
    re.I,
)
_MESSAGE_ID = re.compile(
    r"(?:^|\n)[ \t>]*message-id[ \t]*:\s{0,80}<?([^\s<>]{3,998})>?", re.I
)
_TO = re.compile(r"(?:^|\n)[ \t>]*to[ \t]*:([^\n]{1,500})", re.I)
_REPORT_FIELD = re.compile(r"([A-Za-z][A-Za-z-]{1,60})[ \t]*:[ \t]*(.*)")


def written_by_machine(head: ParsedMessage) -> bool:
    """Tell whether a mail system wrote the message, as far as its header says."""
    sender = head.sender
    local = (sender.address.rpartition("@")[0] or sender.address) if sender else ""
    if _MACHINE.match(local) or _GATEWAY.search(local):
        return True
    for header in head.headers:
        name, value = header.name.lower(), header.value.strip().lower()
        if name in ("x-failed-recipients", "x-mlserver"):
            return True
        if name == "return-path" and (value in ("<>", "") or "mailer-daemon" in value):
            return True
        if name == "from" and _MACHINE_NAME.search(header.value[:200]):
            return True
        if name == "auto-submitted" and value.startswith("auto-"):
            return True
        if name == "from" and not sender and not value.strip('<>" '):
            return True
    return False


def read_fields(block: str) -> dict[str, str]:
    """Read the fields of a report, unfolded; the first of each name counts."""
    fields: dict[str, str] = {}
    last = ""
    for line in block.split("\n"):
        if line[:1] in (" ", "\t") and last:
            fields[last] = f"{fields[last]} {line.strip()}"[:2000]
            continue
        found = _REPORT_FIELD.match(line)
        last = ""
        if found:
            last = found[1].lower()
            if last in fields:
                last = ""
            else:
                fields[last] = clean_line(found[2], 1000)
    return fields


def find_message_id(text: str) -> str | None:
    """Return the first Message-ID that a text shows as a field."""
    found = _MESSAGE_ID.search(text)
    return found[1] if found else None


def _report_and_copy(text: str) -> tuple[list[str], str]:
    """Cut the returned message off: the report's lines, and the copy."""
    lines = text[:_LONGEST].split("\n")
    for index, line in enumerate(lines):
        if not line.strip():
            continue
        run = lines[index : index + 3]
        headers = len(run) == 3 and all(map(_FIELD.match, run))
        if not headers:
            said = index > 0 and len(line) < 120 and _COPY.match(line)
            headers = bool(said) and any(
                map(_FIELD.match, lines[index + 1 : index + 5])
            )
        if headers:
            return lines[:index], "\n".join(lines[index:])
    return lines, ""


def _recipients(lines: list[str], subject: str, excluded: set[str]) -> list[str]:
    """Find the addresses that a report is about, by the clearest form it uses."""
    text = "\n".join(lines)
    at_start = [found[1] for line in lines if (found := _LINE.match(line))]
    inline = [found[1] for found in _INLINE.finditer(f"{text}\n{subject}")]
    anywhere = _ANYWHERE.findall(text)
    for candidates in (at_start, inline, anywhere):
        specs = [addr_spec(one.strip(".-'\"")) for one in candidates]
        named = list(dict.fromkeys(one for one in specs if one))
        wanted = [one for one in named if one.lower() not in excluded]
        # Where to ask for help is not who was not reached.
        wanted = [one for one in wanted if not _HELP.match(one)] or wanted
        if wanted or (named and candidates is at_start):
            return (wanted or named)[:_MOST_RECIPIENTS]
    return []


def _about(lines: list[str], address: str) -> str:
    """Return the words of a report about one address: its paragraph."""
    lowered = address.lower()
    for index, line in enumerate(lines):
        if lowered not in line.lower():
            continue
        out = [line]
        for following in lines[index + 1 : index + 12]:
            if not following.strip():
                if len(out) > 1 or len(out[0].strip("<>: \t")) > len(address) + 4:
                    break
                continue
            out.append(following)
        return clean_line(" ".join(out), 1000)
    return ""


def returned_to(copy: str) -> list[str]:
    """Return whom a returned message was for, where it was one alone."""
    found = _TO.search(copy)
    specs = _ANYWHERE.findall(found[1]) if found else []
    return specs if len(specs) == 1 else []


def read_text_bounce(
    head: ParsedMessage, text: str, *, certain: bool = False
) -> Bounce | None:
    """Read a bounce written as prose; None when the words do not say so.

    `certain` says that the form of the message already tells that it is a report.
    """
    lines, copy = _report_and_copy(text)
    report = " ".join("\n".join(lines)[:_JUDGED].split())
    said = f"{head.subject}\n{report}".lower()
    told = certain or any(phrase in said for phrase in _UNDELIVERED)
    late = any(phrase in said for phrase in _DELAYED)
    declared = [
        address
        for header in head.headers
        if header.name.lower() == "x-failed-recipients"
        for address in _ANYWHERE.findall(header.value)
    ]
    if not (told or late or declared):
        return None
    original = find_message_id(copy or text)
    formal = _formal_recipients(text)
    if formal:
        return Bounce(recipients=formal, original_message_id=original)
    addresses = declared or _named(head, lines, copy)
    if not addresses and not told:
        return None
    action = "delayed" if late and not _FINAL.search(report) else "failed"
    return Bounce(
        recipients=_worded(addresses, lines, action, _STATUS.search(report)),
        original_message_id=original
        or next(iter((*head.in_reply_to, *head.references)), None),
    )


def _named(head: ParsedMessage, lines: list[str], copy: str) -> list[str]:
    """Find whom a report is about; not its sender, and not whom it was sent to."""
    excluded = {one.address.lower() for one in head.to}
    if head.sender is not None:
        excluded.add(head.sender.address.lower())
    return _recipients(lines, head.subject, excluded) or returned_to(copy)


def _worded(
    addresses: list[str], lines: list[str], action: str, overall: re.Match[str] | None
) -> tuple[BounceRecipient, ...]:
    """Give each address the words of the report about it."""
    found = []
    for address in dict.fromkeys(addresses):
        about = _about(lines, address)
        status = _STATUS.search(about) or overall
        found.append(
            BounceRecipient(
                address=address,
                action=action,
                status=status[1] if status else "",
                diagnostic=about.replace(address, "", 1).strip("<>: -"),
            )
        )
    return tuple(found)


def _formal_recipients(text: str) -> tuple[BounceRecipient, ...]:
    """Read report fields that a broken message left in its text."""
    if "-recipient" not in text[:_LONGEST].lower():
        return ()
    groups = [read_fields(one) for one in re.split(r"\n[ \t]*\n", text[:_LONGEST])]
    named = [g for g in groups if "final-recipient" in g or "original-recipient" in g]
    found = (_from_fields(group) for group in named[:_MOST_RECIPIENTS])
    return tuple(one for one in found if one)


def _from_fields(fields: dict[str, str]) -> BounceRecipient | None:
    value = fields.get("final-recipient") or fields.get("original-recipient") or ""
    found = _ANYWHERE.search(value)
    address = addr_spec(found[0].strip(".")) if found else None
    if address is None:
        return None
    status = _STATUS.search(fields.get("status", ""))
    diagnostic = fields.get("diagnostic-code", "")
    return BounceRecipient(
        address=address,
        action=fields.get("action", "failed").split(" ")[0].lower(),
        status=status[1] if status else "",
        diagnostic=diagnostic.partition(";")[2].strip() or diagnostic,
    )
