"""The files of the demo's tax gateway: PDF, OFD and XML, each the least that is valid."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from html import escape


def pdf(lines: Sequence[str]) -> bytes:
    """Give one A4 page of text (ISO 32000-1, 7.5); what is outside of Latin-1 is shown as ?."""
    shown = "".join(f"({_quoted(line)}) Tj T*\n" for line in lines)
    text = f"BT /F 11 Tf 16 TL 56 786 Td\n{shown}ET".encode("latin-1", "replace")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    out, places = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return out + (
        b"xref\n0 %d\n0000000000 65535 f \n%btrailer\n<< /Size %d /Root 1 0 R >>\n"
        b"startxref\n%d\n%%%%EOF\n" % (size, table, size, len(out))
    )


def xml(fields: Mapping[str, str]) -> bytes:
    """Give an element for each field; its names are XML names."""
    inner = "".join(f"  <{name}>{escape(value)}</{name}>\n" for name, value in fields.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<EInvoice>\n{inner}</EInvoice>\n'.encode()


def ofd(fields: Mapping[str, str]) -> bytes:
    """Give a ZIP with the entry of GB/T 33190 and the invoice's data, the same for the same."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        root = '<ofd:OFD xmlns:ofd="http://www.ofdspec.org/2016" Version="1.0" DocType="OFD"/>'
        for name, content in (
            ("OFD.xml", root.encode()),
            ("Doc_0/Attachs/invoice.xml", xml(fields)),
        ):
            archive.writestr(zipfile.ZipInfo(name), content)
    return out.getvalue()


def _quoted(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
