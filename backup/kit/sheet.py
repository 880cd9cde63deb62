"""A4 pages, Chinese first and English beside it: headings, paragraphs, tables, commands, QR codes, signature lines."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import segno
from fpdf import FPDF
from fpdf.enums import MethodReturnValue, WrapMode, XPos, YPos

from backup.kit.fonts import Font

MARGIN = 16.0
WIDTH = 210.0 - 2 * MARGIN
INK, GREY, RED = (0, 0, 0), (95, 95, 95), (170, 0, 0)


@dataclass(frozen=True)
class Text:
    """Chinese and English."""

    zh: str
    en: str

    @property
    def both(self) -> str:
        """Both on one line."""
        return f"{self.zh} {self.en}".strip()


class Sheet(FPDF):
    """A document of our own look; every page has ``footer`` and its number below."""

    def __init__(self, font: Font, title: str, footer: str) -> None:
        super().__init__(format="A4")
        self._footer = footer
        self.set_title(title)
        self.set_margins(MARGIN, MARGIN)
        self.set_auto_page_break(auto=True, margin=MARGIN + 6)
        self.add_font("text", "", font.file, collection_font_number=font.regular)
        self.add_font("mono", "", font.file, collection_font_number=font.mono)

    def footer(self) -> None:
        """Write the line below a page (called by fpdf)."""
        self.set_y(-MARGIN)
        self._font("text", 8, GREY)
        self.cell(WIDTH, 5, f"{self._footer}    {self.page_no()} / {{nb}}", align="C")

    def heading(self, text: Text, size: float = 13) -> None:
        """Write a heading."""
        self.ln(2.5)
        self._font("text", size, INK)
        self._rows(text.both, size * 0.5)
        self.line(MARGIN, self.get_y() + 0.5, MARGIN + WIDTH, self.get_y() + 0.5)
        self.ln(2)

    def paragraph(self, text: Text, color: tuple[int, int, int] = INK) -> None:
        """Write a paragraph in both languages."""
        self._font("text", 10, color)
        self._rows(text.zh, 5.2, wrap="CHAR")
        self._font("text", 8.5, color if color != INK else GREY)
        self._rows(text.en, 4.4)
        self.ln(1.2)

    def facts(self, rows: Sequence[tuple[Text, str]]) -> None:
        """Write a table of names and values; the values are for copying, so in the fixed-width face."""
        name_width = 52.0
        for name, value in rows:
            self._font("mono", 9, INK)
            height = self._height(value, WIDTH - name_width, 4.6)
            if self.will_page_break(max(height, 4.6)):
                self.add_page()
            top = self.get_y()
            self._font("text", 9, GREY)
            self.multi_cell(name_width, 4.6, name.both, align="L", new_x=XPos.RIGHT, new_y=YPos.TOP)
            self._font("mono", 9, INK)
            self.set_xy(MARGIN + name_width, top)
            self._rows(value, 4.6, WIDTH - name_width)
            self.set_y(max(self.get_y(), top + self._height(name.both, name_width, 4.6)) + 0.8)

    def code(self, text: str, size: float = 9) -> None:
        """Write commands or a text to be typed on a grey ground, line breaks kept."""
        self._font("mono", size, INK)
        self.set_fill_color(240, 240, 240)
        self.multi_cell(WIDTH, size * 0.5, text, align="L", fill=True, padding=2, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(2)

    def qr(self, texts: Sequence[str], side: float = 56.0) -> None:
        """Draw QR codes side by side (``side`` in mm with their quiet zones), each with its number."""
        per_row = int(WIDTH // side)
        for start in range(0, len(texts), per_row):
            if self.will_page_break(side + 5):
                self.add_page()
            top = self.get_y()
            for place, text in enumerate(texts[start : start + per_row]):
                left = MARGIN + place * side
                self.image(_picture(text), left, top, side, side)
                self.set_xy(left, top + side)
                self._font("text", 8, GREY)
                self.cell(side, 4, f"{start + place + 1} / {len(texts)}", align="C")
            self.set_xy(MARGIN, top + side + 5)

    def blanks(self, names: Sequence[Text]) -> None:
        """Draw lines to be filled in by hand."""
        for name in names:
            if self.will_page_break(10):
                self.add_page()
            self._font("text", 9, INK)
            self.ln(4.5)
            label = name.both
            self.cell(self.get_string_width(label) + 3, 5, label)
            self.line(self.get_x(), self.get_y() + 5, MARGIN + WIDTH, self.get_y() + 5)
            self.ln(5)

    def save(self, target: Path) -> bytes:
        """Write the document to ``target`` (0600 from its first byte, never over another file) and return it."""
        content = bytes(self.output())
        target.touch(mode=0o600, exist_ok=False)
        target.write_bytes(content)
        return content

    def _font(self, family: str, size: float, color: tuple[int, int, int]) -> None:
        self.set_font(family, size=size)
        self.set_text_color(*color)

    def _rows(self, text: str, height: float, width: float = WIDTH, wrap: Literal["WORD", "CHAR"] = "WORD") -> None:
        mode = WrapMode(wrap)
        self.multi_cell(width, height, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT, wrapmode=mode)

    def _height(self, text: str, width: float, row: float) -> float:
        height = self.multi_cell(width, row, text, align="L", dry_run=True, output=MethodReturnValue.HEIGHT)
        return float(height)  # type: ignore[arg-type]


def _picture(text: str) -> io.BytesIO:
    stream = io.BytesIO()
    segno.make_qr(text, error="m", boost_error=False).save(stream, kind="png", scale=4, border=4)
    stream.seek(0)
    return stream
