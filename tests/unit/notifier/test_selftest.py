"""The start-up self-test, and that it can fail."""

import binascii

import pytest

from chamado.notifier import selftest
from chamado.notifier.selftest import misbuilt, unsafe_library_behaviour


def test_o04_known_bad_values_do_not_pass_here() -> None:
    """O-04: on this Python, with these libraries, nothing is unsafe."""
    assert unsafe_library_behaviour() == []


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"From: a@b\r\nBcc: e@x\r\n\r\n", "unexpected header fields: ['bcc']"),
        (b"From: a@b\r\nFrom: e@x\r\n\r\n", "unexpected header fields"),
        (b"From: a@b\r\n\r\na\nb", "printable ASCII"),
        (b"From: a@b\r\n\r\n" + b"x" * 999, "too long"),
        (b"From: a@b\r\n\r\n.\r\n", "a lone dot"),
    ],
)
def test_o04_the_judge_sees_what_is_wrong(content: bytes, complaint: str) -> None:
    """O-04: the self-test looks at bytes, and would see an injected field or line."""
    assert complaint in misbuilt(content)


def test_o04_an_encoder_that_lets_a_dot_through_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """O-04: a library that changed its mind is named in words."""
    monkeypatch.setattr(binascii, "b2a_qp", lambda raw, **_: raw)
    assert (
        "a text can end the message with a dot" in selftest.unsafe_library_behaviour()
    )
