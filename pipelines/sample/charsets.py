"""How pages are encoded, and what they say about it, which is not always the same."""

import codecs
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Charset:
    """An encoding of a page, and its declaration.

    codec: Python's name for the encoding of the bytes.
    declared: where it is declared: header, meta, bom, none, or wrong.
    meta, header: the name declared there; empty for none.
    """

    codec: str
    declared: str
    meta: str = ""
    header: str = ""
    bom: bytes = b""

    def encode(self, html: str) -> bytes:
        """Characters that the codec lacks become numeric references, as old publishing systems do."""
        return self.bom + html.encode(self.codec, "xmlcharrefreplace")

    @property
    def content_type(self) -> str:
        return f"text/html; charset={self.header}" if self.header else "text/html"


def in_meta(codec: str) -> Charset:
    """An older encoding that the page names by a meta tag."""
    return Charset(codec, "meta", meta=f'<meta http-equiv="Content-Type" content="text/html; charset={codec}">')


UTF8 = Charset("utf-8", "header", meta='<meta charset="utf-8">', header="utf-8")
UTF8_META = Charset("utf-8", "meta", meta='<meta charset="utf-8">')
UTF8_SILENT = Charset("utf-8", "none")
UTF16 = Charset("utf-16-le", "bom", bom=codecs.BOM_UTF16_LE)
CP1252_META = in_meta("windows-1252")
LATIN1_HEADER = Charset("iso-8859-1", "header", header="ISO-8859-1")
LATIN1_SILENT = Charset("iso-8859-1", "none")
LATIN1_AS_UTF8 = Charset("iso-8859-1", "wrong", meta='<meta charset="utf-8">', header="utf-8")
UTF8_AS_LATIN1 = Charset("utf-8", "wrong", header="ISO-8859-1")
