"""Coverage-guided fuzzing of the parser with atheris (libFuzzer).

    pip install 'chamado[fuzz]'
    python -m tests.fuzz.fuzz_parse FOLDER -max_total_time=1800

FOLDER keeps what the fuzzer found interesting; the seeds are written into it first. A
finding is any exception, or a message that takes longer than two seconds. What it finds
becomes a test in tests/unit/parsers, named after what is odd.
"""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["chamado.parsers", "mailparser", "authres"]):
    from chamado.parsers.contract import as_contract
    from chamado.parsers.types import Envelope, Own
    from chamado.parsers.understand import understand

from bench.corpus import mixed

SECONDS = 2.0
NOBODY = Envelope(
    mail_from=None, rcpt_tos=(), received_at=datetime(2026, 11, 25, tzinfo=UTC)
)
US = Own(
    addresses=frozenset({"suporte@acme.example"}), domain="acme.example", instance="i"
)


def one_message(data: bytes) -> None:
    """Understand one message on every rung, in bounded time."""
    for rung in range(3):
        begun = time.process_time()
        understood = understand(data, NOBODY, US, ("mx.acme.example",), rung=rung)
        as_contract("fuzz.eml", understood)
        if time.process_time() - begun > SECONDS:
            raise AssertionError(f"rung {rung} took longer than {SECONDS} s")


def seeds(folder: Path) -> None:
    """Write small messages of every kind that we make ourselves."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, mail in enumerate(mixed(60, big=False)):
        if len(mail.content) < 40_000:
            (folder / f"seed{number:03}").write_bytes(mail.content)
    for path in (Path(__file__).parents[1] / "corpus").glob("*.eml"):
        (folder / path.name).write_bytes(path.read_bytes())


if __name__ == "__main__":
    seeds(Path(sys.argv[1]))
    atheris.Setup(sys.argv, one_message)
    atheris.Fuzz()
