"""Bytes to text: the declared charset, else UTF-8, else windows-1252.

Labels follow the table that browsers use (WHATWG Encoding), kept as data, widened by
the MIME charsets that only mail still carries. Only codecs in that table ever run: a
label chosen by a stranger must not reach `codecs.lookup`, where `punycode` is
quadratic and `zlib` is a bomb. Nothing is guessed by statistics: detectors read short
Portuguese as Chinese.
"""

import codecs

# Codec: its labels. Latin-1 and ASCII are read as windows-1252, GB2312 as GB18030 and
# so on, because that is what senders who write those labels mean.
_TABLE = {
    "utf-8": "utf-8 utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8 "
    "utf_8 utf-8-sig cp65001 utf8mb4",
    "cp1252": "windows-1252 cp1252 x-cp1252 1252 ansi_x3.4-1968 ascii us-ascii usascii "
    "us iso646-us iso_646.irv:1991 ansi_x3.4-1986 iso-ir-6 cp367 ibm367 csascii "
    "cp819 ibm819 csisolatin1 iso-8859-1 iso-ir-100 iso8859-1 iso88591 iso_8859-1 "
    "iso_8859-1:1987 l1 latin1 latin-1 8859-1 iso8859_1 windows1252 ansi "
    "unknown-8bit x-unknown unknown iso-8859-1-windows-3.1-latin-1",
    "iso8859_2": "iso-8859-2 csisolatin2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 "
    "iso_8859-2:1987 l2 latin2",
    "iso8859_3": "iso-8859-3 csisolatin3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 "
    "iso_8859-3:1988 l3 latin3",
    "iso8859_4": "iso-8859-4 csisolatin4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 "
    "iso_8859-4:1988 l4 latin4",
    "iso8859_5": "iso-8859-5 csisolatincyrillic cyrillic iso-ir-144 iso8859-5 iso88595 "
    "iso_8859-5 iso_8859-5:1988",
    "iso8859_6": "iso-8859-6 arabic asmo-708 csiso88596e csiso88596i csisolatinarabic "
    "ecma-114 iso-8859-6-e iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 "
    "iso_8859-6:1987",
    "iso8859_7": "iso-8859-7 csisolatingreek ecma-118 elot_928 greek greek8 iso-ir-126 "
    "iso8859-7 iso88597 iso_8859-7 iso_8859-7:1987 sun_eu_greek",
    "iso8859_8": "iso-8859-8 csiso88598e csisolatinhebrew hebrew iso-8859-8-e "
    "iso-ir-138 iso8859-8 iso88598 iso_8859-8 iso_8859-8:1988 visual iso-8859-8-i "
    "csiso88598i logical",
    "iso8859_10": "iso-8859-10 csisolatin6 iso-ir-157 iso8859-10 iso885910 l6 latin6",
    "iso8859_11": "iso-8859-11 iso8859-11 iso885911",
    "cp874": "windows-874 dos-874 tis-620 cp874 tis620",
    "iso8859_13": "iso-8859-13 iso8859-13 iso885913",
    "iso8859_14": "iso-8859-14 iso8859-14 iso885914",
    "iso8859_15": "iso-8859-15 csisolatin9 iso8859-15 iso885915 iso_8859-15 l9 latin9 "
    "latin-9",
    "iso8859_16": "iso-8859-16 iso8859-16",
    "cp1250": "windows-1250 cp1250 x-cp1250 1250",
    "cp1251": "windows-1251 cp1251 x-cp1251 1251 win-1251",
    "cp1253": "windows-1253 cp1253 x-cp1253",
    "cp1254": "windows-1254 cp1254 x-cp1254 csisolatin5 iso-8859-9 iso-ir-148 "
    "iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 l5 latin5",
    "cp1255": "windows-1255 cp1255 x-cp1255",
    "cp1256": "windows-1256 cp1256 x-cp1256",
    "cp1257": "windows-1257 cp1257 x-cp1257",
    "cp1258": "windows-1258 cp1258 x-cp1258",
    "koi8_r": "koi8-r cskoi8r koi koi8 koi8_r",
    "koi8_u": "koi8-u koi8-ru",
    "mac_roman": "macintosh csmacintosh mac x-mac-roman macroman",
    "mac_cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "cp437": "ibm437 cp437 437",
    "cp850": "ibm850 cp850 850",
    "cp852": "ibm852 cp852 852",
    "cp855": "ibm855 cp855",
    "cp858": "ibm00858 cp858",
    "cp860": "ibm860 cp860",
    "cp862": "ibm862 cp862",
    "cp863": "ibm863 cp863",
    "cp865": "ibm865 cp865",
    "cp866": "ibm866 866 cp866 csibm866",
    "gb18030": "gb18030 gbk gb2312 chinese csgb2312 csiso58gb231280 gb_2312 "
    "gb_2312-80 iso-ir-58 x-gbk cp936 ms936 windows-936 euc-cn x-euc-cn",
    "hz": "hz-gb-2312 hz",
    "big5hkscs": "big5 big5-hkscs cn-big5 csbig5 x-x-big5 cp950 big-5",
    "euc_jp": "euc-jp cseucpkdfmtjapanese x-euc-jp eucjp",
    "iso2022_jp_ext": "iso-2022-jp csiso2022jp iso-2022-jp-ms cp50220 cp50221 cp50222 "
    "iso-2022-jp-1 iso-2022-jp-2 iso-2022-jp-3 iso-2022-jp-2004",
    "cp932": "shift_jis csshiftjis ms932 ms_kanji shift-jis sjis windows-31j x-sjis "
    "cp932 shiftjis",
    "cp949": "euc-kr cseuckr csksc56011987 iso-ir-149 korean ks_c_5601-1987 "
    "ks_c_5601-1989 ksc5601 ksc_5601 windows-949 cp949 uhc euckr",
    "iso2022_kr": "iso-2022-kr csiso2022kr",
    "johab": "johab cp1361",
    "utf-16": "utf-16 utf16 utf_16 ucs-2 iso-10646-ucs-2 unicode csunicode",
    "utf-16-le": "utf-16le utf16le unicodefeff",
    "utf-16-be": "utf-16be utf16be unicodefffe",
    "utf-32": "utf-32 utf32 ucs-4 iso-10646-ucs-4",
    "utf-7": "utf-7 unicode-1-1-utf-7 utf7 x-unicode-2-0-utf-7",
}
_CODEC = {label: codec for codec, labels in _TABLE.items() for label in labels.split()}
_NEXT = {
    "iso2022_jp_ext": ("iso2022_jp_2004", "iso2022_jp_3", "iso2022_jp_2"),
    "big5hkscs": ("cp950",),
    "euc_jp": ("euc_jis_2004", "cp932"),
    "cp932": ("shift_jis_2004", "euc_jp"),
    "cp949": ("johab",),
    "cp874": ("iso8859_11",),
}
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ONE_BYTE_LATIN = frozenset(("cp1252", "iso8859_15", "iso8859_2", "cp1250", "cp1254"))
# Each stray byte costs a call.
_MOST_STRAYS = 20_000
_SEVEN_BIT = frozenset(("iso2022_jp_ext", "iso2022_kr", "hz", "utf-7"))


def codec_of(label: str | None) -> str | None:
    """Return the codec for a charset label, or None for one we do not run."""
    if not label or len(label) > 60:
        return None
    key = label.strip(" \t\r\n'\"").lower()
    return _CODEC.get(key) or _CODEC.get(key.replace("_", "-"))


def _latin(error: UnicodeError) -> tuple[str, int]:
    """Read the bytes that are no UTF-8 as windows-1252, one by one."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return _one_byte(error.object[error.start : error.end]), error.end


def _one_byte(data: bytes) -> str:
    """Decode windows-1252 with the five holes that Python leaves in it filled."""
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return "".join(
            bytes((b,)).decode("cp1252", "ignore") or chr(b) for b in data[:1_048_576]
        )


codecs.register_error("chamado-latin", _latin)


def undeclared(data: bytes, fallback: str | None = None) -> str:
    """Decode bytes nobody labelled; `fallback` is a codec likelier than cp1252."""
    if data.isascii():
        if b"\x1b$" in data and (b"\x1b(" in data or b"\x1b$B" in data):
            return _strict(data, "iso2022_jp_ext") or data.decode("ascii")
        return data.decode("ascii")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    if fallback is not None and fallback not in ("utf-8", *_SEVEN_BIT):
        text = _strict(data, fallback)
        if text is not None:
            return text
    rest = data.decode("utf-8", "ignore")
    strays = len(data) - len(rest.encode())
    if not rest.isascii() and strays <= _MOST_STRAYS:
        # UTF-8 with stray bytes (a cut sequence, a pasted quote): keep what is well
        # formed, which Latin text practically never is, and read the strays alone.
        return data.decode("utf-8", "chamado-latin")
    return _one_byte(data)


def _strict(data: bytes, codec: str) -> str | None:
    for name in (codec, *_NEXT.get(codec, ())):
        try:
            text = data.decode(name)
        except (UnicodeError, LookupError, ValueError):
            continue
        # Some codecs hand out halves of surrogate pairs.
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return None


def decode(data: bytes, label: str | None) -> tuple[str, str | None]:
    """Return the text and, if the label was of no use, a defect in words."""
    for mark, marked in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(marked, "replace"), None
    codec = codec_of(label)
    if codec is None:
        unknown = f"unknown charset {_shown(label)}" if label else None
        return undeclared(data), unknown
    if data.isascii() and codec not in _SEVEN_BIT and not codec.startswith("utf-"):
        return undeclared(data), None
    if codec in _ONE_BYTE_LATIN and _looks_like_utf8(data):
        defect = None if codec == "cp1252" else f"UTF-8 labelled {_shown(label)}"
        return data.decode("utf-8"), defect
    if codec.startswith("utf-16") and b"\x00" not in data:
        return undeclared(data), f"not {_shown(label)}"
    if codec == "cp1252":
        return _one_byte(data), None
    strict = _strict(data, codec)
    if strict is not None:
        return strict, None
    if codec == "utf-8":
        return undeclared(data), "broken UTF-8"
    return _damaged(data, codec), f"not clean {_shown(label)}"


def _damaged(data: bytes, codec: str) -> str:
    """Decode with the declared codec where most of it holds, else unlabelled."""
    try:
        text = data.decode(codec, "replace")
    except (UnicodeError, ValueError):
        return undeclared(data)
    body = text.rstrip("\r\n")
    # A text that was cut has half a letter at its end, and only there.
    cut = body[:-1] if body.endswith("\ufffd") else body
    if not cut or cut.count("\ufffd") * 10 > len(cut):
        return undeclared(data)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _looks_like_utf8(data: bytes) -> bool:
    """Tell UTF-8 under a Latin label: real Latin text is practically never valid."""
    if data.isascii():
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _shown(label: str | None) -> str:
    return ascii((label or "")[:40])
