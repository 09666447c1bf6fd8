"""Bodies: charsets, transfer encodings, views, HTML."""

import base64
import quopri

import pytest

from chamado.parsers.charset import decode
from chamado.parsers.message import parse
from tests.unit.parsers.mails import mail, multipart

PORTUGUESE = "Não consigo acessar, atenção: à sexta é ‘difícil’ – €5"


def plain(content: bytes, charset: str | None, encoding: str = "8bit") -> bytes:
    """Return a message with one text body as bytes."""
    label = f"; charset={charset}" if charset else ""
    head = f"Content-Type: text/plain{label}\nContent-Transfer-Encoding: {encoding}\n\n"
    return head.encode() + content


@pytest.mark.parametrize(
    ("codec", "label", "text"),
    [
        ("utf-8", "utf-8", PORTUGUESE),
        ("cp1252", "windows-1252", PORTUGUESE),
        ("cp1252", "iso-8859-1", PORTUGUESE),
        ("cp1252", "us-ascii", PORTUGUESE),
        ("cp1252", None, PORTUGUESE),
        ("utf-8", None, PORTUGUESE),
        ("utf-8", "iso-8859-1", PORTUGUESE),
        ("utf-8", "us-ascii", PORTUGUESE),
        ("utf-8", "x-unknown", PORTUGUESE),
        ("cp1252", "utf-8", PORTUGUESE),
        ("utf-8-sig", "utf-8", PORTUGUESE),
        ("utf-16", "utf-16", PORTUGUESE),
        ("utf-16-le", "utf-16le", PORTUGUESE),
        ("utf-8", "utf-16", PORTUGUESE),
        ("iso8859_15", "iso-8859-15", "Não é €5"),
        ("iso8859_2", "iso-8859-2", "Zażółć gęślą jaźń"),
        ("koi8_r", "koi8-r", "Привет, мир"),
        ("cp1251", "windows-1251", "Привет, мир"),
        ("gb18030", "gb2312", "你好，世界：镕"),
        ("gbk", "gbk", "你好，世界"),
        ("big5", "big5", "你好，世界"),
        ("cp932", "shift_jis", "表示できません①"),
        ("euc_jp", "euc-jp", "日本語のメール"),
        ("iso2022_jp", "iso-2022-jp", "日本語のメール"),
        ("iso2022_jp", None, "日本語のメール"),
        ("cp949", "ks_c_5601-1987", "안녕하세요"),
        ("iso2022_kr", "iso-2022-kr", "안녕하세요"),
        ("utf-7", "utf-7", "Olá, ação"),
        ("mac_roman", "macintosh", "ação"),
        ("cp850", "ibm850", "ação"),
        ("cp874", "tis-620", "สวัสดี"),
        ("cp1255", "iso-8859-8-i", "שלום"),
        ("cp1256", "windows-1256", "مرحبا"),
        ("iso8859_7", "iso-8859-7", "Καλημέρα"),
    ],
)
@pytest.mark.parametrize("encoding", ["8bit", "base64", "quoted-printable"])
def test_p31_bodies_are_readable_under_true_and_false_labels(
    codec, label, text, encoding
):
    """P-31: declared, else UTF-8, else windows-1252; a false label is seen through."""
    content = text.encode(codec)
    coded = {
        "8bit": lambda data: data,
        "base64": base64.encodebytes,
        "quoted-printable": quopri.encodestring,
    }[encoding](content)
    if codec.startswith("utf-16") and encoding == "8bit":
        # Raw UTF-16 has bytes that are line ends; nobody can send it so.
        return
    if codec == "cp1255":
        assert parse(plain(coded, "windows-1255", encoding)).text == text + "\n"
        return
    assert parse(plain(coded, label, encoding)).text == text + "\n"


def test_a_stray_byte_does_not_spoil_a_utf8_text():
    """One Latin byte in a UTF-8 text is read by itself."""
    content = "ação ".encode() * 20 + b"\xe9" + " ação".encode()
    assert parse(plain(content, "utf-8")).text == "ação " * 20 + "é ação\n"


@pytest.mark.parametrize(
    ("content", "charset", "text"),
    [
        ("表示".encode("cp932") + b"\x83", "shift_jis", "表示"),
        ("你好".encode("gb18030") + b"\x84", "gb18030", "你好"),
        ("日本".encode("iso2022_jp")[:-3] + b"\x46", "iso-2022-jp", "日本"),
        ("olá".encode("utf-16") + b"a", "utf-16", "olá"),
        (b"ol\xc3\xa1 \xc3", "utf-8", "olá "),
    ],
)
def test_p31_half_a_letter_at_the_end_costs_no_other(content, charset, text):
    """P-31: a body that was cut in the middle of a letter is readable up to it."""
    assert (
        parse(plain(base64.encodebytes(content), charset, "base64")).text[: len(text)]
        == text
    )


def test_the_hostile_label_never_runs():
    """Codecs that are no charsets are not looked up."""
    text, defect = decode(b"abc", "zlib")
    assert text == "abc"
    assert defect == "unknown charset 'zlib'"


@pytest.mark.parametrize(
    ("coded", "text"),
    [
        (b"T2zDoQ==", "Olá\n"),
        (b"T2zDoQ", "Olá\n"),
        (b"T2zD\r\noQ==\r\n", "Olá\n"),
        (b"T2zD!oQ==", "Olá\n"),
        (b"T2w=\nw6E=\n", "Olá\n"),
        (b"T2zDoQ==\n\n_______\nfooter of a list\n", "Olá\n"),
    ],
)
def test_base64_as_it_comes(coded, text):
    """Missing padding, junk, pieces and footers do not spoil a body."""
    assert parse(plain(coded, "utf-8", "base64")).text == text


@pytest.mark.parametrize(
    ("coded", "text"),
    [
        (b"Ol=C3=A1 mun=\r\ndo", "Olá mundo\n"),
        (b"Ol=C3=A1 mun= \r\ndo", "Olá mundo\n"),
        (b"Ol=c3=a1", "Olá\n"),
        (b"100=25 =ZZ", "100% =ZZ\n"),
    ],
)
def test_quoted_printable_as_it_comes(coded, text):
    """Soft breaks with blanks, lower case and broken escapes are read."""
    assert parse(plain(coded, "utf-8", "quoted-printable")).text == text


@pytest.mark.parametrize(
    "encoding", ["7bit", "BINARY", "8-bit", '"8bit"', "unheard-of"]
)
def test_p32_eight_bit_data_under_any_label(encoding):
    """P-32: the label of the transfer encoding cannot hide what is there."""
    assert parse(plain("não".encode(), "utf-8", encoding)).text == "não\n"


@pytest.mark.parametrize(
    ("delsp", "text"),
    [
        ("no", "Uma linha longa que segue.\nOutra.\n"),
        ("yes", "Uma linhalonga que segue.\nOutra.\n"),
    ],
)
def test_p32_flowed_text_is_put_together(delsp, text):
    """P-32: soft line breaks go, with or without the blank (RFC 3676)."""
    head = f"Content-Type: text/plain; format=flowed; delsp={delsp}"
    body = "Uma linha \nlonga que \nsegue.\nOutra.\n"
    body = body if delsp == "no" else "Uma linha \nlonga que  \nsegue.\nOutra.\n"
    assert parse(mail(head, body=body)).text == text


def test_flowed_quotes_and_signatures_keep_their_lines():
    """Quote depths are not joined, and the signature separator stays a line."""
    body = "> uma \n> duas\nminha \nlinha\n-- \nAna\n"
    message = parse(mail("Content-Type: text/plain; format=flowed", body=body))
    assert message.text == "> uma duas\nminha linha\n-- \nAna\n"


PLAIN = "Content-Type: text/plain; charset=utf-8\n\nOlá em texto"
PAGE = "Content-Type: text/html; charset=utf-8\n\n<p>Olá em <b>HTML</b></p>"


def test_p34_both_views_are_kept():
    """P-34: what the plain and the HTML view say is both there."""
    message = parse(multipart("alternative", PLAIN, PAGE))
    assert message.text == "Olá em texto\n"
    assert message.html is not None
    assert "Olá em <b>HTML</b>" in message.html


def test_p34_html_alone_becomes_text():
    """P-34: a message without a plain view gets one."""
    message = parse(mail("Content-Type: text/html; charset=utf-8", body="<p>Olá</p>"))
    assert message.text == "Olá\n"


def test_p34_an_empty_plain_view_gives_way():
    """P-34: a blank plain part beside HTML is not what was written."""
    message = parse(multipart("alternative", "Content-Type: text/plain\n\n \n", PAGE))
    assert message.text == "Olá em HTML\n"


def test_p34_no_text_at_all():
    """P-34: a message of one picture has an empty text and a file."""
    png = base64.b64encode(
        b"\x89PNG\r\n\x1a\n" + bytes(8) + b"\0\0\0\1\0\0\0\2"
    ).decode()
    message = parse(
        mail("Content-Type: image/png", "Content-Transfer-Encoding: base64", body=png)
    )
    assert message.text == ""
    assert [a.content_type for a in message.attachments] == ["image/png"]


def test_several_bodies_are_one_text():
    """Text before and after a picture is all text (Apple Mail)."""
    image = (
        "Content-Type: image/png\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo=\n"
    )
    message = parse(multipart("mixed", PLAIN, image, PLAIN.replace("em", "depois em")))
    assert message.text == "Olá em texto\n\nOlá depois em texto\n"
    assert len(message.attachments) == 1


def test_plain_and_html_bodies_in_sequence_are_both_there():
    """A mixed message with a plain and an HTML body says both."""
    message = parse(multipart("mixed", PLAIN, PAGE))
    assert message.text == "Olá em texto\n\nOlá em HTML\n"
    assert message.html is not None
    assert "Olá em texto" in message.html


def test_a_page_that_repeats_the_text_is_its_other_view():
    """Scripts say mixed where they mean alternative: nobody reads it twice."""
    page = (
        "Content-Type: text/html\n\n<table><tr><td>Pedido<td>77</table><p>está parado"
    )
    text = "Content-Type: text/plain\n\nPedido: 77\n\nEstá parado."
    message = parse(multipart("mixed", text, page))
    assert message.text == message.reply == "Pedido: 77\n\nEstá parado.\n"
    assert message.html is not None
    assert message.html.startswith("<table>")
    assert message.attachments == ()


def test_a_page_with_a_word_more_is_read_beside_the_text():
    """The text stays complete, though nearly all of it is there twice."""
    words = "um dois três quatro cinco seis sete oito nove dez onze doze"
    text = f"Content-Type: text/plain; charset=utf-8\n\n{words}"
    page = f"Content-Type: text/html; charset=utf-8\n\n<p>{words} urgente</p>"
    message = parse(multipart("mixed", text, page))
    assert "urgente" in message.text


def nested(kind: str, *parts: str) -> str:
    """Return a multipart to put into another one."""
    lines = "".join(f"--in\n{part}\n" for part in parts)
    return f"Content-Type: multipart/{kind}; boundary=in\n\n{lines}--in--"


def test_a_page_behind_a_letter_in_plain_text_is_a_file():
    """No program goes on in HTML after such a body: its words can be searched."""
    message = parse(multipart("mixed", nested("mixed", PLAIN), PAGE))
    assert (message.text, message.html) == ("Olá em texto\n", None)
    (file,) = message.attachments
    assert (file.content_type, file.words) == ("text/html", "Olá em HTML")


@pytest.mark.parametrize(
    "body",
    [
        nested("alternative", PLAIN, PAGE),
        nested("alternative", "Content-Type: text/plain\n\n\n"),
        nested("related", PAGE),
        nested("mixed", PLAIN, PAGE),
    ],
)
def test_a_body_with_html_in_it_may_go_on_in_html(body):
    """Apple Mail splits a letter around its pictures; what follows is text."""
    more = PAGE.replace("Olá", "Mais")
    message = parse(multipart("mixed", body, more))
    assert message.text.endswith("Mais em HTML\n")
    assert message.html is not None
    assert "Mais em" in message.html
    assert message.attachments == ()


@pytest.mark.parametrize(
    "markup",
    [
        "<script>alert(1)</script>",
        "<svg><style><img src=x onerror=alert(1)></style></svg>",
        "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1"
        " onerror=alert(1)&gt;'>",
        "<img src=x onerror=alert(1)>",
        "<form action=//e.example><input></form>",
        "<base href=//e.example><meta http-equiv=refresh content='0;url=//e.example'>",
        "<iframe srcdoc='<script>alert(1)</script>'></iframe><object data=x></object>",
        "<a href='javascript:alert(1)'>x</a><a href=' java\tscript:alert(1)'>x</a>",
        "<a href='data:text/html,x'>x</a><a href='vbscript:x'>x</a>",
        "<a href='//evil'>x</a>",
        "<a href='file:///etc/passwd'>x</a><a href='ms-msdt:/id'>x</a>",
        "<p onclick=alert(1) style='background:url(http://t.example)'>x</p>",
        "<video poster='http://t.example/x'><source src='http://t.example/y'></video>",
        "<img src='http://tracker.example/p.gif' srcset='http://t.example/x 2x'>",
        "<img src='file:///etc/passwd'><img src='http://169.254.169.254/'>",
        "<link rel=stylesheet href='http://t.example/x.css'>",
        "<textarea><script>alert(1)</script></textarea><title>x</title>",
        "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    ],
)
def test_x02_x03_x04_x12_x14_nothing_runs_loads_or_leads_astray(markup):
    """X-02, X-03, X-04, X-12, X-14: no event, script, form, remote image, odd link."""
    page = f"<p>antes</p>{markup}<p>depois</p>"
    message = parse(mail("Content-Type: text/html; charset=utf-8", body=page))
    html = (message.html or "").lower()
    for bad in (
        "<script", "<svg", "<math", "<style", "<form", "<iframe", "<object", "<base",
        "<meta", "<link", "<video", "<input", "javascript:", "vbscript:", "data:",
        "file:", "ms-msdt", "srcset", "poster", "tracker.example", "169.254",
        "t.example", "style=", "//evil", "<textarea", "<title",
    ):  # fmt: skip
        assert bad not in html
    for tag in html.split("<")[1:]:
        assert " on" not in tag.split(">")[0]


def test_x03_good_links_survive_with_their_manners():
    """X-03: http, https and mailto links stay and give nothing away."""
    message = parse(
        mail("Content-Type: text/html", body='<a href="https://a.example/x?y=1">x</a>')
    )
    assert message.html is not None
    assert 'href="https://a.example/x?y=1"' in message.html
    assert 'rel="noopener noreferrer nofollow"' in message.html


def test_inline_images_keep_their_reference():
    """A picture that came with the mail is still pointed at."""
    message = parse(mail("Content-Type: text/html", body='<img src="cid:a@b" alt="x">'))
    assert message.html is not None
    assert 'src="cid:a@b"' in message.html


def test_html_too_deep_is_read_without_layout():
    """Past the limits the words are there and the markup is not."""
    page = "<div>" * 300 + "fundo" + "</div>" * 300 + "<p>fim</p>"
    message = parse(mail("Content-Type: text/html", body=page))
    assert message.html is None
    assert "fundo" in message.text
    assert "fim" in message.text
    assert "limit: html nested deeper than 200" in message.defects


def test_no_word_is_lost_between_html_and_text():
    """Lists, tables, breaks and paragraphs come out in order, one word each."""
    page = (
        "<h1>Título</h1><p>Um<br>dois</p><ul><li>a<li>b</ul><ol><li>x</li><li>y</li></ol>"
        "<table><tr><td>c1<td>c2<tr><td>c3</table><pre>  p1\n  p2</pre>"
        "&lt;tag&gt; &amp;"
    )
    message = parse(mail("Content-Type: text/html", body=page))
    assert message.text == (
        "Título\n\nUm\ndois\n\n* a\n* b\n\n1. x\n2. y\n\nc1  c2\nc3\n\n  p1\n  p2\n\n"
        "<tag> &\n"
    )


def test_the_html_says_its_charset_where_the_header_does_not():
    """A meta element is believed when nothing else speaks."""
    page = '<meta charset="iso-8859-2"><p>Zażółć</p>'.encode("iso8859_2")
    message = parse(b"Content-Type: text/html\n\n" + page)
    assert message.text == "Zażółć\n"


def test_x10_invisible_characters_do_not_hide_words():
    """X-10: tag letters are dropped, zero-width fillers go from HTML."""
    body = "se\U000e0041gredo\u200b"
    assert parse(mail(body=body)).text.startswith("segredo")
    assert parse(mail("Content-Type: text/html", body=body)).text == "segredo\n"
