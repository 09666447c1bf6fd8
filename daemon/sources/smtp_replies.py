"""What we say to an SMTP or LMTP client: a table, and its enhanced codes (RFC 2034).

Nothing a stranger or an exception says is ever repeated in a reply.
"""

import re
from functools import lru_cache

SENDER_OK = "250 2.1.0 Sender accepted"
RECIPIENT_OK = "250 2.1.5 Recipient accepted"
GO_AHEAD = "354 End data with <CR><LF>.<CR><LF>"
BYE = "221 2.0.0 Bye"
TLS_READY = "220 2.0.0 Ready to start TLS"
HELP = "214 2.0.0 See RFC 5321"
CANNOT_VERIFY = "252 2.5.0 Send some mail and see"

TRY_LATER = "451 4.3.0 Temporary failure, try again later"
NO_ROOM = "452 4.3.1 No room at the moment, try again later"
TOO_MANY_RECIPIENTS = "452 4.5.3 Too many recipients, send the rest separately"
BUSY = "421 4.3.2 Too busy at the moment, try again later"
CLOSING = "421 4.3.2 Service is closing down, try again later"
TIMED_OUT = "421 4.4.2 Waited too long, closing the connection"
TOO_MANY_ERRORS = "421 4.7.0 Too many errors, closing the connection"
TOO_MUCH_CHATTER = "421 4.7.0 Too many commands, closing the connection"
NO_TLS = "454 4.7.0 TLS is not available"

BARE_NEWLINE = "521 5.5.2 Lines must end in CRLF"
LINE_TOO_LONG = "500 5.5.2 Command line too long"
LINE_UNCLEAN = "501 5.5.2 Command lines are printable UTF-8 and end in CRLF"
UNRECOGNISED = "500 5.5.1 Command not recognised"
BAD_NAME = "501 5.5.4 That is no name of a host"
NO_ARGUMENT = "501 5.5.4 This command takes no argument"
NEEDS_ARGUMENT = "501 5.5.4 This command needs an argument"
NO_RECIPIENT = "503 5.5.1 No valid recipients"
UNKNOWN_RECIPIENT = "550 5.1.1 No such address here"
TOO_BIG = "552 5.3.4 Message too big"
NEEDS_SMTPUTF8 = "553 5.6.7 This address needs SMTPUTF8"
LOOP = "554 5.4.6 Too many hops, this mail is going in circles"

# For the replies that aiosmtpd words itself, by their basic code.
_ENHANCED = {
    "250": "2.0.0",
    "452": "4.3.1",
    "500": "5.5.2",
    "501": "5.5.4",
    "502": "5.5.1",
    "503": "5.5.1",
    "530": "5.7.0",
    "552": "5.3.4",
    "553": "5.1.3",
    "555": "5.5.4",
}
_HAS_CODE = re.compile(r"\d{3} [245]\.\d{1,3}\.\d{1,3} ", re.ASCII)


@lru_cache(maxsize=128)
def enhanced(reply: str) -> str:
    """Give a one-line reply its enhanced status code, unless it has one."""
    code = _ENHANCED.get(reply[:3])
    if code is None or _HAS_CODE.match(reply):
        return reply
    return f"{reply[:3]} {code} {reply[4:]}"


def accepted(digest: str) -> str:
    """Answer for a stored message; the digest finds it again in `inbox list`."""
    return f"250 2.0.0 Accepted as {digest[:12]}"
