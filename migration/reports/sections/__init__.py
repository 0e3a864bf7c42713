"""The sections of the report, one small module each.

A section is a function `build(material, language) -> Section | None` over the document's values (`document.py`); None when
there is nothing of the kind in this cutover. Its words stand beside it as `WORDS`: id -> (Chinese, English); what several
sections say stands in `words.py`. To add one: write the module, give it to SECTIONS at its place, and give `Material` the
figures it shows. Page, workbook, print, contents and the test of both languages follow by themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from migration.reports.document import Section
from migration.reports.material import Material
from migration.reports.sections import (
    approvals,
    authorisations,
    balance,
    comparison,
    controls,
    corrections,
    dispositions,
    drill,
    exceptions,
    files,
    guarantors,
    merges,
    notices,
    refused,
    residuals,
    rules,
    sampling,
    sign_off,
    timings,
    untested,
    verification,
    versions,
    withdrawn,
)

Build = Callable[[Material, str], Section | None]

SECTIONS: Final[tuple[Build, ...]] = (
    balance.build,
    controls.build,
    comparison.build,
    dispositions.build,
    exceptions.build,
    refused.build,
    merges.build,
    corrections.build,
    sampling.build,
    rules.build,
    verification.build,
    drill.build,
    approvals.build,
    files.build,
    residuals.build,
    withdrawn.build,
    authorisations.build,
    notices.build,
    guarantors.build,
    timings.build,
    untested.build,
    versions.build,
    sign_off.build,
)
"""In the order of the report: what decides comes first, the sheet to sign last."""


def sections(material: Material, language: str) -> tuple[Section, ...]:
    """Every section that this cutover has something for."""
    built = (build(material, language) for build in SECTIONS)
    return tuple(section for section in built if section is not None)
