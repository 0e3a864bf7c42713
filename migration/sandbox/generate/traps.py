"""What each trap does to a user's row (columns in the order of people.USER_COLUMNS)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np

from . import numbers
from .hazards import USER_CODE
from .plan import Plan

_NAME, _ID_TYPE, _ID_NO, _SEX, _PHONE, _ACCOUNT, _VERIFIED = 2, 3, 4, 5, 6, 8, 9
_DOTTED = "艾力{dot}买买提"


def spring(trap: str, row: list[Any], user: int, plan: Plan) -> None:
    """Change one user's row to carry the trap."""
    _in_the_name(trap, row)
    _in_the_number(trap, row, user)
    _in_the_birth(trap, row, user, plan)
    _elsewhere(trap, row, user)


def _in_the_name(trap: str, row: list[Any]) -> None:
    name = row[_NAME]
    match trap:
        case "name_conflict":
            row[_NAME] = name[:-1] + ("鑫" if name[-1] != "鑫" else "森")
        case "merge_untidy":
            row[_NAME] = f"{name[0]} {name[1:]}"
        case "name_not_in_gbk":
            row[_NAME] = name[0] + "䶮"
        case "name_wrong_dot":
            row[_NAME] = _DOTTED.format(dot="•")
        case "name_nbsp":
            row[_NAME] = name[0] + "\u00a0" + name[1:]
        case "name_compatibility":
            row[_NAME] = name[0] + "\uf92c"
        case "name_too_long":
            row[_NAME] = _DOTTED.format(dot="·") * 6
        case "merge_brackets":
            row[_NAME] = name.replace("有限", "(中国)有限")


def _in_the_number(trap: str, row: list[Any], user: int) -> None:  # noqa: C901 - one line a trap
    id_no = row[_ID_NO]
    match trap:
        case "merge_15_digits":
            row[_ID_TYPE], row[_ID_NO] = "id_card_15", numbers.fifteen(id_no)
        case "merge_untidy":
            row[_ID_NO] = f" {full_width(id_no[:6])}{id_no[6:].lower()} "
        case "id_lower_x":
            row[_ID_NO] = numbers.ending_in_x(id_no).lower()
            row[_SEX] = "M" if int(row[_ID_NO][16]) % 2 else "F"
        case "id_spaces":
            row[_ID_NO] = f"{id_no[:6]} {id_no[6:14]} {id_no[14:]}"
        case "id_full_width":
            row[_ID_NO] = full_width(id_no)
        case "region_abolished":
            row[_ID_NO] = numbers.id_with_check(f"{numbers.ABOLISHED_REGION}{id_no[6:17]}")
        case "id_bad_checksum" | "company_bad_code":
            row[_ID_NO] = numbers.spoiled(id_no)
        case "id_bad_length":
            row[_ID_NO] = id_no[:-1]
        case "company_org_code":
            row[_ID_TYPE], row[_ID_NO] = "org_code", numbers.org_code(user)
        case "passport" | "permit":
            row[_ID_TYPE], row[_ID_NO] = trap, f"E{user:08d}"


def _in_the_birth(trap: str, row: list[Any], user: int, plan: Plan) -> None:
    eighteen = date(plan.business_date.year - 18, plan.business_date.month, plan.business_date.day)
    born = {
        "underage": eighteen + timedelta(days=1),
        "eighteen_today": eighteen,
        "birth_in_future": plan.business_date + timedelta(days=365),
    }.get(trap)
    if born is not None:
        before = int(np.count_nonzero(plan.user_trap[:user] == USER_CODE[trap]))  # keeps the numbers distinct
        row[_ID_NO] = numbers.with_birth(before, born)
        row[_SEX] = "M" if int(row[_ID_NO][16]) % 2 else "F"


def _elsewhere(trap: str, row: list[Any], user: int) -> None:
    match trap:
        case "phone_country_code":
            row[_PHONE] = f"+86 {row[_PHONE][:3]} {row[_PHONE][3:]}" if user % 2 else f"0086{row[_PHONE]}"
        case "phone_landline":
            row[_PHONE] = f"010{row[_PHONE][3:]}"
        case "sex_wrong":
            row[_SEX] = "F" if row[_SEX] == "M" else "M"
        case "sex_missing":
            row[_SEX] = None
        case "company_no_account":
            row[_ACCOUNT] = None
        case "verified_on_impossible_date":
            row[_VERIFIED] = "0000-00-00 00:00:00"


def full_width(digits: str) -> str:
    """ASCII as full-width forms."""
    return "".join(chr(ord(c) + 0xFEE0) if c != " " else c for c in digits)
