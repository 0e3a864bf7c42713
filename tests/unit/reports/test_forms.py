"""The pack in its forms: page, workbook, print and figures say the same, and what they say is in the exports."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import zipfile
from dataclasses import replace

import openpyxl
import pyarrow.parquet as pq
import pytest
import typst

from migration.domain.errors import ConfigurationError
from migration.reports import exports, figures, pack, paper, workbook
from migration.reports.document import Bars, Column, Drawn, Line, Section, Series, Table
from tests.unit.reports.drawn import of_page, of_print, of_workbook
from tests.unit.reports.material_kit import material
from tests.unit.verification.small_world import NUMBER, USERS

STEM = "cutover-2017-11-jx-rehearsal"
HOSTILE = (
    '=HYPERLINK("http://x","y")',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1",
    "<script>alert(1)</script>",
    '#eval("1+1") *b* _i_ $x$ @ref <label> ```raw``` // c',
    "a\u202egnp.exe\u2066\u200f",
    "D" * 4_000,
    "'quoted",
)


@pytest.fixture(scope="module")
def done():
    return material()


@pytest.fixture(scope="module")
def written(done, tmp_path_factory):
    folder = tmp_path_factory.mktemp("packs")
    return {language: pack.write(done, folder / language, language) for language in ("zh", "en")}


@pytest.fixture(scope="module")
def handed_over(done, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exports")
    exports.write(folder, done.claim, done.balance)
    return folder


def yuan(fen):
    return f"{fen / 100:,.2f}"


# --- the sums, worked out again from the exports ---------------------------------------------------------------------


def recomputed(folder):
    """(rows, fen) by debt disposition from the Parquet; the residual sums from the CSV; the balance from its JSON."""
    found = {}
    for row in pq.read_table(folder / "debts.parquet").to_pylist():
        rows, fen = found.get(row["disposition"], (0, 0))
        found[row["disposition"]] = (rows + 1, fen + row["principal_fen"])
    with (folder / "residuals.csv").open(encoding="utf-8", newline="") as stream:
        residual = sum(int(row["available_fen"]) + int(row["frozen_fen"]) for row in csv.DictReader(stream))
    return found, residual, json.loads((folder / "balance.json").read_text())


def test_the_sums_are_those_of_the_exports_in_every_form(done, written, handed_over):
    debts, residual, balance = recomputed(handed_over)
    assert debts["registered"][1] == balance["registered_fen"]
    assert residual == balance["residual_fen"]
    parts = ["legacy", "registered", "excepted", "residual", "in_flight", "difference"]
    fen = [balance[f"{name}_fen"] for name in parts]
    assert fen[0] == sum(fen[1:])

    page = of_page(written["en"].html)
    assert [row[2] for row in page["balance"][0][1:]] == [yuan(amount) for amount in fen]
    by_word = {tuple(row[:2]): row[2:] for row in page["dispositions"][0][1:]}
    assert by_word["debts", "registered"] == [f"{debts['registered'][0]:,}", yuan(debts["registered"][1])]
    assert by_word["debts", "signed exception"] == [f"{debts['excepted'][0]:,}", yuan(debts["excepted"][1])]
    *_, total = page["residuals"][0]
    assert residual == sum(round(float(cell.replace(",", "")) * 100) for cell in total[3:])

    sheets = of_workbook(written["en"].xlsx)
    equation = [
        row for row in sheets["01 Balance equation"] if row[0] in {"", "＝", "＋"} and isinstance(row[2], int | float)
    ]
    amounts = [round(row[2] * 100) for row in equation if row[1] != ""][-6:]
    assert amounts == fen
    rows = {tuple(row[:2]): row[2:4] for row in sheets["03 Dispositions"] if isinstance(row[2], int)}
    assert rows["debts", "registered"] == [debts["registered"][0], debts["registered"][1] / 100]

    printed = of_print(pack.build(done, "en"))
    assert [row[2] for row in printed[0][1:]] == [yuan(amount) for amount in fen]
    assert ["debts", "registered", f"{debts['registered'][0]:,}", yuan(debts["registered"][1])] in printed[3]

    stated = json.loads(written["en"].json.read_text())
    assert stated["balance"] == {f"{name}_fen": balance[f"{name}_fen"] for name in parts}
    assert stated["dispositions"]["debts"]["registered"] == dict(zip(("rows", "fen"), debts["registered"], strict=True))


def test_the_three_forms_have_the_same_tables(done, written):
    document = pack.build(done, "zh")
    page = [table for tables in of_page(written["zh"].html).values() for table in tables]
    printed = of_print(document)
    assert len(page) == len(printed)
    for on_page, in_print in zip(page, printed, strict=True):
        assert [[cell.strip() for cell in row] for row in on_page] == [
            [cell.strip() for cell in row] for row in in_print
        ]
    sheets = of_workbook(written["zh"].xlsx)
    assert len(sheets) == len(document.sections) + 1
    texts = {cell for rows in sheets.values() for row in rows for cell in row if isinstance(cell, str)}
    words = {cell.strip() for table in page for row in table for cell in row if cell and not re.search(r"\d", cell)}
    assert not words - texts


# --- files -----------------------------------------------------------------------------------------------------------


def test_names_modes_and_the_list_of_digests(done, tmp_path):
    out = tmp_path / "new"
    first = pack.write(done, out, "zh")
    pack.write(done, out, "en")
    assert sorted(place.name for place in out.iterdir()) == sorted(
        ["SHA256SUMS", *(f"{STEM}-{language}.{form}" for language in ("zh", "en") for form in pack.FORMS)]
    )
    assert {place.stat().st_mode & 0o777 for place in out.iterdir()} == {0o600}
    assert out.stat().st_mode & 0o777 == 0o700
    listed = dict(line.split("  ")[::-1] for line in first.sums.read_text().splitlines())
    assert len(listed) == 8
    assert all(hashlib.sha256((out / name).read_bytes()).hexdigest() == digest for name, digest in listed.items())


def test_the_digest_on_every_page_is_that_of_the_figures(written):
    digest = hashlib.sha256(written["zh"].json.read_bytes()).hexdigest()
    assert digest in written["zh"].html.read_text()
    book = openpyxl.load_workbook(written["zh"].xlsx)
    assert digest in book.properties.description
    assert all((sheet.oddHeader.right.text, sheet.oddHeader.left.size) == (digest, 8) for sheet in book)


def test_equal_content_is_equal_bytes(done, tmp_path):
    one, other = (pack.write(done, tmp_path / name, "zh") for name in ("a", "b"))
    for form in pack.FORMS:
        assert getattr(one, form).read_bytes() == getattr(other, form).read_bytes(), form


def test_another_cell_is_another_digest(done):
    (row,) = done.corrections.to_pylist()
    other = done.corrections.from_pylist([{**row, "by": "operations-2"}], done.corrections.schema)
    found = [figures.as_bytes(m, pack.build(m, "zh")) for m in (done, replace(done, corrections=other))]
    before, after = (json.loads(text)["sections"] for text in found)
    assert {name for name in before if before[name] != after[name]} == {"corrections"}


def test_a_pack_that_cannot_be_written_leaves_nothing(done, tmp_path, monkeypatch):
    out = tmp_path / "out"
    monkeypatch.setattr(workbook, "write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(ConfigurationError, match="OUT_FOLDER"):
        pack.write(done, out, "zh")
    assert list(out.iterdir()) == []


# --- nothing personal, nothing that acts -----------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["zh", "en"])
def test_nobody_is_in_workbook_print_and_figures(done, written, language):
    sheets = " ".join(
        str(cell) for rows in of_workbook(written[language].xlsx).values() for row in rows for cell in row
    )
    printed = json.dumps(paper.data(pack.build(done, language)), ensure_ascii=False)
    for text in (sheets, printed, written[language].json.read_text(encoding="utf-8")):
        for user in USERS:
            for secret in (user["id_no"], user["name"], user["phone"], user["email"]):
                assert not secret or len(secret) < 4 or secret.strip() not in text
        assert not [number for number in NUMBER.values() if number in text]


@pytest.fixture(scope="module")
def hostile(done, tmp_path_factory):
    one = done.exceptions.slice(0, 1).to_pylist()[0]
    rows = [{**one, "id": f"X{n}", "key": text, "signed_by": text, "reason": text} for n, text in enumerate(HOSTILE)]
    spoilt = replace(done, cutover_id="2017&-jx", exceptions=done.exceptions.from_pylist(rows, done.exceptions.schema))
    return spoilt, pack.write(spoilt, tmp_path_factory.mktemp("hostile"), "en")


def test_hostile_text_is_a_text_in_the_workbook(hostile):
    _, written = hostile
    book = openpyxl.load_workbook(written.xlsx)
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} <= {"s", "n", "d"}
    keys = [cell for cell in cells if isinstance(cell.value, str) and cell.value[:1] in set("=+-@'")]
    assert {cell.value for cell in keys} >= {HOSTILE[0], *HOSTILE[1:4], "'quoted"}
    assert all(cell.quotePrefix for cell in keys)
    with zipfile.ZipFile(io.BytesIO(written.xlsx.read_bytes())) as packed:
        names = packed.namelist()
        assert not [
            name for name in names if "external" in name.lower() or "vba" in name.lower() or name.endswith(".bin")
        ]
        sheets = "".join(packed.read(name).decode() for name in names if name.startswith("xl/worksheets/"))
    assert "<f>" not in sheets
    assert "http://x" not in "".join(re.findall(r"<hyperlink [^>]*>", sheets))


def test_hostile_text_is_a_text_in_print(hostile):
    spoilt, _ = hostile
    (rows,) = [t for t in of_print(pack.build(spoilt, "en")) if t[0][:3] == ["ID", "Entity", "Key"]]
    assert [row[2] for row in rows[1:]] == [
        *HOSTILE[:4],
        " =1+1",
        "\ufffd=1",
        *HOSTILE[6:8],
        "a\ufffdgnp.exe\ufffd\ufffd",
        *HOSTILE[9:],
    ]


def test_a_long_id_has_places_where_a_line_may_end():
    (line,) = paper.runs("D" * 40)
    assert all(len(piece) <= 6 for run in line if isinstance(run, list) for piece in run)
    assert "".join(run if isinstance(run, str) else "".join(run) for run in line) == "D" * 40


# --- the workbook ----------------------------------------------------------------------------------------------------


def book_of(document, blocks, tmp_path, **options):
    place = tmp_path / "book.xlsx"
    workbook.write(replace(document, sections=[Section("s", "S", blocks)]), place, **options)
    return openpyxl.load_workbook(place)


def test_amounts_are_numbers_as_long_as_every_digit_is_shown(done, tmp_path):
    amounts = [0, 1, -1, 10**15 - 1, 10**15, -(10**15), 2**53 + 1, None]
    table = Table((Column("n", "fen"), Column("c", "count")), [(amount, amount) for amount in amounts])
    sheet = book_of(pack.build(done, "en"), [table], tmp_path)["01 S"]
    rows = list(sheet.iter_rows(min_row=4))
    assert [cell.value for cell, _ in rows] == [0, 0.01, -0.01, 9999999999999.99, "10,000,000,000,000.00",
                                                "−10,000,000,000,000.00", "90,071,992,547,409.93", "–"]  # fmt: skip
    assert [cell.value for _, cell in rows][3:5] == [10**15 - 1, "1,000,000,000,000,000"]
    assert {cell.number_format for cell, _ in rows if cell.data_type == "n"} == {"#,##0.00"}


def test_a_list_longer_than_a_sheet_goes_on_in_another(done, tmp_path):
    table = Table((Column("a"),), [(f"r{n}",) for n in range(45)])
    book = book_of(pack.build(done, "zh"), [table], tmp_path, rows=20)
    names = book.sheetnames[1:]
    assert names == ["01 S", "01 S 续 2", "01 S 续 3"]
    values = [cell.value for name in names for row in book[name].iter_rows() for cell in row]
    assert [value for value in values if value and value.startswith("r")] == [f"r{n}" for n in range(45)]
    assert all(book[name].max_row <= 20 for name in names)
    assert all(book[name]["A3"].value == "a" and book[name].freeze_panes == "A4" for name in names)


def test_a_long_table_beside_others_has_a_sheet_of_its_own_and_is_whole(done, tmp_path):
    long = Table((Column("a"),), [(f"r{n}",) for n in range(1_500)], "List")
    book = book_of(pack.build(done, "en"), [Table((Column("b"),), [("x",)]), long], tmp_path)
    assert book.sheetnames[1:] == ["01 S", "01 S List"]
    sheet = book["01 S List"]
    assert (sheet.max_row, sheet.freeze_panes, sheet.auto_filter.ref) == (1_503, "A4", "A3:A1503")
    assert sheet.print_title_rows == "$3:$3"


def test_names_of_sheets_are_names_that_a_sheet_may_have(done, tmp_path):
    document = replace(
        pack.build(done, "en"), sections=[Section("s", "a/b: [c]*?" + "x" * 40, []), Section("t", "'t'", [])]
    )
    place = tmp_path / "book.xlsx"
    workbook.write(document, place)
    assert all(
        len(name) <= 31 and not set(name) & set("[]:*?/\\'") for name in openpyxl.load_workbook(place).sheetnames
    )


def test_bars_and_lines_are_charts_over_cells(done, tmp_path):
    series = [Series("x", [100, 5_000]), Series("y", [1, 2], "bad")]
    book = book_of(
        pack.build(done, "en"), [Bars("B", ["a", "b"], series, "fen"), Line("L", ["a", "b"], series)], tmp_path
    )
    sheet = book["01 S"]
    assert len(sheet._charts) == 2
    assert [cell.value for cell in sheet[4]] == ["a", 1, 0.01]


def test_rows_are_read_only_when_they_are_drawn(done):
    read = []
    table = Table(
        (Column("k"),), Drawn(done.claim["debts"], lambda row: read.append(row) or (row["debt_id"],)), shown=3
    )
    assert (len(table.rows), table.more, read) == (10, 7, [])
    assert [row[0] for row in table.first()] == ["D1", "D10", "D2"] or len(table.first()) == 3


# --- print -----------------------------------------------------------------------------------------------------------


def test_print_has_every_section_in_both_languages(done):
    for language in ("zh", "en"):
        document = pack.build(done, language)
        data = json.dumps(paper.data(document), ensure_ascii=False)
        answer = typst.query(paper._template(), "heading", sys_inputs={"data": data}, font_paths=paper._fonts())
        found = json.loads(answer) if isinstance(answer, str | bytes) else answer
        assert [node["body"]["text"] for node in found][-len(document.sections) :] == [
            s.title for s in document.sections
        ]


@pytest.mark.parametrize(
    ("kind", "mark"), [("rehearsal", "演练"), ("sit", "测试"), ("uat", "测试"), ("production", "")]
)
def test_only_production_has_no_mark(done, kind, mark):
    assert paper.data(pack.build(replace(done, kind=kind), "zh"))["mark"] == mark


def test_the_sheet_to_sign_has_a_page_of_its_own(done):
    *_, last = paper.data(pack.build(done, "zh"))["groups"]
    assert last["sections"][-1]["page"]


# --- beside another run ----------------------------------------------------------------------------------------------


def test_another_run_stands_beside_this_one(done, written):
    other = figures.read(written["zh"].json)
    same = of_tables(pack.build(replace(done, other=other), "en"), "comparison")
    assert all(row[3] == 0 for row in [*same["Amounts (yuan)"], *same["Counts"]])
    assert "Rules that came out differently" not in same
    (section,) = [s for s in pack.build(replace(done, other=other), "en").sections if s.id == "comparison"]
    assert section.blocks[0].text.endswith("2017-11-jx (Rehearsal), made at 2017-11-18 09:02:03.")
    assert section.blocks[1].note == "14 items, 0 differ"
    assert [column.title for column in section.blocks[1].columns][1:3] == [
        "This one · Rehearsal",
        "The other · Rehearsal",
    ]
    other["balance"]["registered_fen"] -= 100
    other["dispositions"]["debts"]["registered"]["rows"] += 2
    other["rules"]["debts#1/DEB-001"] = "failed"
    other["seconds"]["debts"] = 65
    other["versions"]["python"] = "3.12"
    found = of_tables(pack.build(replace(done, other=other), "en"), "comparison")
    assert [row for row in found["Amounts (yuan)"] if row[3]] == [("Registered", 3_800_010, 3_799_910, 100)]
    assert [row for row in found["Counts"] if row[3]] == [
        ("debts · registered", 8, 10, -2),
        ("rules · passed", 1, None, 1),
        ("rules · failed", None, 1, -1),
    ]
    assert ("Debts", "0:00:00", "0:01:05", "−0:01:05") in found["Timings"]
    ((rule, this, that),) = found["Rules that came out differently"]
    assert (rule, this.word, that.word) == ("debts#1/DEB-001", "passed", "failed")
    assert [row[0] for row in found["Versions, configuration and digests"] if row[3].tone != "good"] == ["python"]


def of_tables(document, wanted):
    (section,) = [section for section in document.sections if section.id == wanted]
    return {block.title: list(block.rows) for block in section.blocks if isinstance(block, Table)}


def test_without_another_run_there_is_no_such_section(done):
    assert "comparison" not in {section.id for section in pack.build(done, "zh").sections}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"form": 2}', "[" * 100_000, "\xff"])
def test_a_file_that_is_no_figures_file_is_refused(tmp_path, text):
    place = tmp_path / "other.json"
    place.write_text(text, encoding="latin-1")
    with pytest.raises(ConfigurationError, match="REPORT_COMPARE"):
        figures.read(place)
    with pytest.raises(ConfigurationError, match="REPORT_COMPARE"):
        figures.read(tmp_path / "absent.json")


@pytest.mark.parametrize("value", [None, 1, "x", [], {"a": "b"}, {"users": {"opened": {"rows": "many", "fen": True}}}])
def test_figures_of_an_odd_form_break_nothing(done, value):
    names = (
        "balance",
        "controls",
        "disclosed",
        "dispositions",
        "exceptions",
        "rules",
        "seconds",
        "versions",
        "notices",
    )
    odd = {"form": figures.FORM, **dict.fromkeys(names, value)}
    document = pack.build(replace(done, other=odd), "zh")
    assert "comparison" in {section.id for section in document.sections}
