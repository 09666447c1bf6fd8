"""Two help desks that answer each other, with nothing in the headers to tell them."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from chamado.config.settings import Service, SupportAddress
from chamado.daemon.store import schema, upgrade
from chamado.daemon.store.engine import Store
from chamado.parsers.pool import ParserPool
from tests.support.house import House, house, message

#: What an honest relay leaves alone and a careless gateway rewrites or removes.
TELLING = (
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "X-Chamado-Loop",
    "In-Reply-To",
    "References",
    "Content-Language",
)
ROUNDS = 12


def _stripped(content: bytes) -> tuple[bytes, EmailMessage]:
    letter = message_from_bytes(content, policy=policy.default)
    assert isinstance(letter, EmailMessage)
    for name in TELLING:
        del letter[name]
    return bytes(letter).replace(b"\n", b"\r\n"), letter


def _exchange(sender: House, receiver: House, address: str) -> int:
    """Carry what one house has sent to the other, without what tells."""
    sender.deliver()
    letters, sender.relay.letters = sender.relay.letters, []
    for letter in letters:
        content, shown = _stripped(letter.content)
        receiver.mail(
            content,
            mail_from=shown["From"].addresses[0].addr_spec,
            rcpt=address,
        )
    return len(letters)


def test_l11_two_daemons_fall_silent_and_file_everything(
    store: Store, pool: ParserPool, tmp_path: Path
) -> None:
    """L-11: at most two acknowledgements each, then silence; every mail is filed."""
    other = Store(f"sqlite:///{tmp_path / 'other.db'}")
    upgrade.upgrade(other)
    theirs = {
        "service": Service(
            name="Outra", domain="outra.example", data_dir=tmp_path / "other"
        ),
        "address": (SupportAddress(address="ajuda@outra.example"),),
    }
    with (
        house(store, pool, tmp_path) as one,
        house(other, pool, tmp_path / "b", **theirs) as two,
    ):
        one.mail(
            message(sender="ajuda@outra.example", message_id="<x@outra.example>"),
            mail_from="ajuda@outra.example",
        )
        carried = 1
        for _ in range(ROUNDS):
            carried += _exchange(one, two, "ajuda@outra.example")
            carried += _exchange(two, one, "suporte@acme.example")
            for home in (one, two):
                home.clock.move(minutes=70)
        acks = [
            sum(row["kind"] == "ack" for row in home.rows(schema.outbox))
            for home in (one, two)
        ]
        filed = [len(home.rows(schema.inbox)) for home in (one, two)]
        states = {r["state"] for h in (one, two) for r in h.rows(schema.inbox)}
    other.close()
    assert max(acks) <= 2
    assert sum(filed) == carried
    assert states == {"done"}


def test_a_vacation_responder_without_headers_meets_the_breaker(
    store: Store, pool: ParserPool, tmp_path: Path
) -> None:
    """A robot that answers each letter with the same text is answered hardly ever."""
    with house(store, pool, tmp_path) as home:
        text = "Estou em viagem até o fim do mês e não leio mensagens neste período."
        for number in range(ROUNDS):
            home.mail(
                message(
                    text,
                    sender="ferias@example.com",
                    subject=f"Mensagem {number}",
                    message_id=f"<{number}@example.com>",
                ),
                mail_from="ferias@example.com",
            )
            home.clock.move(minutes=70)
        acks = [r for r in home.rows(schema.outbox) if r["kind"] == "ack"]
        assert len(acks) <= 2
        assert len(home.rows(schema.entry)) == ROUNDS
        assert len(home.rows(schema.ticket)) <= 3
