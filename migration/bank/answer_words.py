"""What the bank's answer codes mean, for reports: (entity, code) -> (Chinese, English). Source: bank-interface.md 2 to 5."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from migration.domain.wording import Pair

_USERS: Final[dict[str, Pair]] = {
    "101": ("证件类型或号码无效", "ID type or number invalid"),
    "102": ("姓名为空", "name empty"),
    "103": ("姓名无效", "name invalid"),
    "104": ("性别为空", "sex empty"),
    "105": ("性别无效", "sex invalid"),
    "106": ("手机号为空或已被其他客户使用", "phone empty or used by another customer"),
    "107": ("手机号已使用", "phone used"),
    "108": ("未满 18 周岁或重复开户", "under 18 or opened twice"),
    "109": ("用户编号为空", "user id empty"),
    "N": ("已由其他渠道开户，资料与本人不符", "opened elsewhere, for somebody else"),
}
_LISTINGS: Final[dict[str, Pair]] = {
    "09": ("期限为空", "term empty"),
    "10": ("利率为空", "rate empty"),
    "11": ("银行号与文件名不符", "bank number differs from the file's name"),
    "12": ("批次号与文件名不符", "batch number differs from the file's name"),
    "13": ("借款人账户不存在", "the borrower's account does not exist"),
    "14": ("他行账户", "account of another bank"),
    "19": ("未登记手机号", "no phone on record"),
    "20": ("平台校验未通过", "platform check failed"),
    "21": ("无此客户", "no customer"),
    "22": ("标的已存在", "listing exists already"),
    "23": ("付息方式无效", "interest type invalid"),
    "24": ("缺付息日", "interest day missing"),
    "25": ("黑名单", "black-listed"),
    "39": ("不得使用平台账户", "a platform account may not be used"),
    "45": ("受托支付标志无效", "entrust flag invalid"),
}
_DEBTS: Final[dict[str, Pair]] = {
    "14": ("账户无效", "invalid account"),
    "93": ("户名校验未通过", "name check failed"),
    "99": ("其他原因", "another reason"),
}
_AUTHORISATIONS: Final[dict[str, Pair]] = {
    "10": ("同类授权已存在", "an authorisation of this kind exists"),
    "11": ("授权编号已存在", "serial exists"),
    "12": ("账户不存在", "account missing"),
    "14": ("账户未激活", "account not activated"),
    "16": ("无此客户", "no customer"),
}


def _each(numbers: Iterable[int], chinese: str, english: str, width: int = 2) -> dict[str, Pair]:
    return {f"{number:0{width}d}": (chinese, english) for number in numbers}


JX: Final[dict[tuple[str, str], Pair]] = {
    (entity, code): pair
    for entity, words in {
        "users": _USERS | _each(range(111, 120), "产品不符", "product mismatch", 3),
        "listings": _LISTINGS
        | _each(range(1, 8), "必填项为空或金额非数字", "a mandatory field is empty, or the amount no number")
        | _each(range(15, 18), "账户状态不正常", "account not in normal state")
        | _each((*range(26, 32), 47, 49), "担保人有误", "guarantor")
        | _each(range(32, 39), "名义借款人有误", "nominal borrower")
        | _each((41, *range(50, 56)), "收款人有误", "payee")
        | _each((46, 48), "名义借款模式有误", "nominal-borrower mode"),
        "debts": _DEBTS,
        "authorisations": _AUTHORISATIONS,
    }.items()
    for code, pair in words.items()
}
"""Of the profile `jx`."""
