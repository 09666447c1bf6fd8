"""What agents do on a case: open, answer, note, ask, change, hand on, end, reopen.

Each is one transaction with its history and its letters: either the customer gets the
answer that the case shows, or nothing happened. Raises `Refusal` before anything is
written. Files lie in the blob store before the transaction begins (see `enclosed`).
The command line, agents' mail and the console all come through here, so a case can
change in one way only; what may happen when is the table in `core.states`.
"""

from chamado.daemon.actions.answering import note, reply
from chamado.daemon.actions.asking import request_info, wait
from chamado.daemon.actions.changing import Wish, change
from chamado.daemon.actions.ending import SILENT, reopen, resolve
from chamado.daemon.actions.escalating import escalate, hand_back
from chamado.daemon.actions.holding import agent_of
from chamado.daemon.actions.opening import NewCase, Opened, open_case

__all__ = [
    "SILENT",
    "NewCase",
    "Opened",
    "Wish",
    "agent_of",
    "change",
    "escalate",
    "hand_back",
    "note",
    "open_case",
    "reopen",
    "reply",
    "request_info",
    "resolve",
    "wait",
]
