"""Pictures on cases: thumbnails for agents, logos told apart by coming again."""

import base64
import io
from datetime import timedelta

from PIL import Image
from sqlalchemy import select

from chamado.daemon.agents import tell
from chamado.daemon.store import schema
from tests.support.house import House

BOUNDARY = "=_fim"


def picture(size: tuple[int, int], shade: int, kind: str = "PNG", **more: object):
    """Return a picture of one colour."""
    out = io.BytesIO()
    Image.new("RGB", size, (shade, 90, 40)).save(out, kind, **more)
    return out.getvalue()


def mail(
    content: bytes,
    *,
    number: int,
    sender: str = "ana@example.com",
    kind: str = "image/png",
    subject: str = "",
) -> bytes:
    """Return a mail that shows a picture in its text."""
    encoded = base64.encodebytes(content).decode()
    return (
        f"From: Ana <{sender}>\r\nTo: suporte@acme.example\r\n"
        f"Subject: {subject or f'Caso {number}'}\r\nMessage-ID: <m{number}@c.test>\r\n"
        f'Content-Type: multipart/related; boundary="{BOUNDARY}"\r\n\r\n'
        f"--{BOUNDARY}\r\nContent-Type: text/html\r\n\r\n"
        f'<p>Pedido {number} parado</p><img src="cid:tela">\r\n'
        f"--{BOUNDARY}\r\nContent-Type: {kind}\r\nContent-ID: <tela>\r\n"
        f"Content-Transfer-Encoding: base64\r\n\r\n{encoded}\r\n--{BOUNDARY}--\r\n"
    ).encode()


def roles(home: House) -> list[str]:
    """Return what the pictures were taken for, in the order they came."""
    with home.store.read() as work:
        rows = work.execute(
            select(schema.attachment.c.role).order_by(schema.attachment.c.id)
        )
        return list(rows.scalars())


def files_of(home: House, number: int, content: bytes, sender: str) -> None:
    """File one more mail with this picture."""
    home.take(mail(content, number=number, sender=sender), mail_from=sender)
    home.process()
    home.clock.move(hours=2)


def test_a_banner_that_came_in_three_mails_is_a_signature(home: House):
    """The same people send it each time: the fourth time nobody has to look at it."""
    banner = picture((420, 110), 10)
    for number in range(1, 4):
        files_of(home, number, banner, "ana@example.com")
    files_of(home, 4, banner, "rui@example.com")
    assert roles(home)[:3] == ["inline"] * 3
    assert roles(home)[3] == "signature_image"


def test_a_picture_that_others_sent_stays(home: House):
    """What came from three strangers says nothing about this customer."""
    banner = picture((420, 110), 20)
    for number in range(1, 4):
        files_of(home, number, banner, f"x@cliente{number}.example")
    files_of(home, 4, banner, "ana@example.com")
    assert roles(home) == ["inline"] * 4


def test_a_screenshot_stays_however_often_it_comes(home: House):
    """What is large was pasted to be looked at."""
    noise = io.BytesIO()
    Image.effect_noise((500, 400), 90).save(noise, "PNG")
    for number in range(1, 6):
        files_of(home, number, noise.getvalue(), "ana@example.com")
    assert roles(home) == ["screenshot"] * 5


def test_a_picture_quoted_on_one_case_stays(home: House):
    """A thread sends the same picture along with every answer."""
    small = picture((420, 110), 30)
    first = home.mail(mail(small, number=1))
    ours = home.rows(schema.outbox)[0]["message_id"]
    for number in range(2, 6):
        answer = f"Re: Caso 1\r\nIn-Reply-To: <{ours}>"
        fate = home.mail(mail(small, number=number, subject=answer))
        assert fate["ticket"] == first["ticket"]
        home.clock.move(hours=2)
    assert roles(home) == ["inline"] * 5


def test_an_agent_gets_the_thumbnail(home: House):
    """The notice shows the picture without where and by whom it was taken."""
    exif = Image.Exif()
    exif[0x010F] = "Telefone da Ana"
    photo = picture((1200, 900), 40, "JPEG", exif=exif)
    assert b"Telefone da Ana" in photo
    home.take(mail(photo, number=1, kind="image/jpeg"))
    home.process()
    with home.store.read() as work:
        (row,) = work.execute(select(schema.attachment)).all()
    blobs = {row["sha256"]: row["content"] for row in home.rows(schema.blob)}
    assert blobs[row.sha256] == photo
    small = Image.open(io.BytesIO(blobs[row.thumbnail]))
    assert small.size == (320, 240)
    later = home.clock() + timedelta(minutes=5)
    with home.store.write() as work:
        tell(work, home.desk, later)
    with home.store.read() as work:
        contents = work.execute(
            select(schema.outbox.c.content).where(schema.outbox.c.kind == "notice")
        ).scalars()
        (letter,) = contents
    first = base64.encodebytes(blobs[row.thumbnail])[:60]
    assert first in letter.replace(b"\r\n", b"\n")
    assert base64.encodebytes(photo)[:60] not in letter
