"""What codes and words of the data mean, for readers: (Chinese, English)."""

from __future__ import annotations

from typing import Final

from migration.domain.wording import Pair, said
from migration.reports.document import Mark, Tone

DISPOSITIONS: Final[dict[str, Pair]] = {
    "opened": ("已开户", "opened"),
    "merged": ("已合并", "merged"),
    "self_open": ("自行开户", "opens himself"),
    "excepted": ("签字例外", "signed exception"),
    "closed": ("不迁移（销户/平台户）", "closed"),
    "registered": ("已登记", "registered"),
    "not_migrated": ("按规则不迁移", "not migrated"),
    "pending": ("待处理", "pending"),
    "blocked": ("受阻", "blocked"),
    "available": ("有余额", "with a balance"),
    "empty": ("无余额", "empty"),
    "lapsed": ("失效", "lapsed"),
}

REASONS: Final[dict[str, Pair]] = {
    "OPENED_S": ("银行批量开户成功", "opened by the bank"),
    "OPENED_N": ("已是银行客户，关联成功", "known to the bank, linked"),
    "MERGED": ("并入同一身份的保留账户", "merged into the kept account"),
    "UNVERIFIED": ("未实名认证", "not real-name verified"),
    "UNSUPPORTED_ID": ("证件类型不支持", "ID type the file cannot carry"),
    "UNDERAGE": ("未满 18 周岁", "under 18"),
    "NAME_UNENCODABLE": ("姓名无法编码或超长", "name cannot be encoded or is too long"),
    "NAME_CONFLICT": ("同一证件姓名不一致", "names disagree within one ID"),
    "PHONE_SHARED": ("手机号被不同证件共用", "one phone, different IDs"),
    "FIELD_INVALID": ("字段不合规", "a field is invalid"),
    "CLOSED": ("已销户且无仓位无余额", "closed, nothing left"),
    "PLATFORM_ACCOUNT": ("平台自有账户", "platform account"),
    "PLATFORM_PARTY": ("平台账户为当事方", "a platform account is a party"),
    "PARTY_NOT_OPENED": ("当事方未开户", "a party has no account"),
    "SELF_LOAN": ("出借人即借款人", "lender is the borrower"),
    "OVERDUE": ("已逾期", "overdue"),
    "LISTING_NOT_OPEN": ("所属标的未在还款中", "its listing is not open"),
    "NOT_LENT": ("未放款", "not lent"),
    "FINISHED": ("已结清", "finished"),
    "CANCELLED": ("已撤销", "cancelled"),
    "ZERO": ("余额为零", "nothing left"),
    "INTEREST_ONLY": ("本金为零，仅余利息", "interest only"),
    "SCHEDULE_MISMATCH": ("债权合计与还款计划不符", "debts and schedule disagree"),
    "ORPHAN": ("关联记录不存在", "refers to a row that is not there"),
    "REGISTERED": ("银行登记成功", "registered"),
    "CONSENT_NEEDED": ("需用户重新授权", "needs the user's new consent"),
}

ENTITIES: Final[dict[str, Pair]] = {
    "users": ("用户", "users"),
    "listings": ("标的", "listings"),
    "debts": ("债权", "debts"),
    "escrow_accounts": ("托管账户", "escrow accounts"),
    "residuals": ("遗留余额", "residual balances"),
    "schedules": ("还款计划（已登记标的）", "schedules (registered listings)"),
    "authorisations": ("授权", "authorisations"),
    "in_flight": ("在途", "in flight"),
    "notices": ("通知", "notices"),
}

OVERDUE: Final[dict[str, Pair]] = {
    "signed_exception": ("逐笔签字例外", "each a signed exception"),
    "extend_with_consent": ("经同意展期", "extended with consent"),
    "repaid_by_guarantor": ("须先由担保人代偿", "advanced by the guarantor before"),
}

FIELDS: Final[dict[str, Pair]] = {
    "name": ("姓名", "name"),
    "id_type": ("证件类型", "ID type"),
    "id_no": ("证件号码", "ID number"),
    "phone": ("手机号", "phone"),
    "sex": ("性别", "sex"),
    "email": ("邮箱", "e-mail"),
    "corporate_account": ("对公账户", "corporate account"),
    "verified_at": ("实名时间", "verified at"),
}

AUTHORISATIONS: Final[dict[str, Pair]] = {
    "auto_bid": ("自动投标", "automatic bidding"),
    "auto_assign": ("自动债权转让", "automatic assignment"),
}

NOTICES: Final[dict[str, Pair]] = {
    "bind_card": ("绑定银行卡、激活账户", "bind a card and activate the account"),
    "open_account": ("到银行自行开户", "open an account at the bank himself"),
    "withdraw_residual": ("提取原托管余额", "withdraw the balance left at the legacy escrow"),
    "authorisation_lapsed": ("旧授权已失效", "an old authorisation has lapsed"),
    "grant_repayment": (
        "借款人签署还款授权（额度与期限）",
        "borrower: grant the repayment authorisation (limit and term)",
    ),
    "grant_fee": ("签署缴费授权", "grant the fee authorisation"),
}

STATES: Final[dict[str, Pair]] = {
    "done": ("完成", "done"),
    "running": ("进行中", "running"),
    "closed": ("停止", "stopped"),
    "waiting": ("等待", "waiting"),
    "approved": ("已批准", "approved"),
    "pending": ("待批准", "pending"),
    "rejected": ("已驳回", "rejected"),
    "superseded": ("已被取代", "superseded"),
    "open": ("未处理", "open"),
    "signed": ("已签字", "signed"),
    "mended": ("已更正", "mended"),
    "planned": ("已编号", "planned"),
    "sealed": ("已封存", "sealed"),
    "delivered": ("已送达", "delivered"),
    "answered": ("已应答", "answered"),
    "applied": ("已入账", "applied"),
    "quarantined": ("已隔离", "quarantined"),
    "unknown": ("结果未知", "unknown"),
    "passed": ("通过", "passed"),
    "failed": ("未通过", "failed"),
    "not_checked": ("未能检查", "not checked"),
    "noted": ("提示", "noted"),
    "approve": ("批准", "approved"),
    "reject": ("驳回", "rejected"),
    "person": ("个人", "persons"),
    "company": ("企业", "companies"),
    "listing": ("标的", "listings"),
    "debt": ("债权", "debts"),
    "authorisation": ("授权", "authorisations"),
}

TONES: Final[dict[str, Tone]] = {
    **dict.fromkeys(("done", "approved", "approve", "applied", "signed", "mended", "passed"), "good"),
    **dict.fromkeys(("failed", "closed", "rejected", "reject", "quarantined"), "bad"),
    **dict.fromkeys(("not_checked", "noted", "waiting", "pending", "open", "unknown", "running"), "warn"),
}
"""The colour of a state; others have none."""

CRITERIA: Final[dict[str, Pair]] = {
    "election": ("本人选择", "own election"),
    "party_to_listing": ("借款人或担保人", "borrower or guarantor"),
    "receivable": ("待收最多", "largest receivable"),
    "balance": ("余额最多", "largest balance"),
    "last_active": ("最近活跃", "latest activity"),
    "registered": ("最早注册", "earliest registration"),
    "user_id": ("编号最小", "smallest id"),
    "already_sent": ("已在银行开户", "already at the bank"),
}

STRATA: Final[dict[str, Pair]] = {
    "method": ("还款方式", "repayment method"),
    "status": ("标的状态", "listing status"),
    "company": ("企业", "company"),
    "guarantor": ("有担保", "guarantor"),
    "overdue": ("逾期", "overdue"),
    "merged": ("合并保留户", "kept from a merge"),
    "rare": ("生僻字", "rare character"),
    "amount": ("金额", "amount"),
    "added": ("指定", "added"),
}

LEVELS: Final[dict[str, Pair]] = {
    "True": ("是", "yes"),
    "False": ("否", "no"),
    "smallest": ("最小", "smallest"),
    "largest": ("最大", "largest"),
    "by_hand": ("人工加入", "by hand"),
    "equal_instalment": ("等额本息", "equal instalments"),
    "equal_principal": ("等额本金", "equal principal"),
    "interest_monthly": ("先息后本", "monthly interest"),
    "at_maturity": ("到期还本付息", "at maturity"),
    "repaying": ("还款中", "repaying"),
    "overdue": ("逾期", "overdue"),
}


def say(words: dict[str, Pair], word: str | None, language: str) -> str:
    """The word in the reader's language; an unknown one as it is."""
    return "–" if word is None else said(words, word, language)


def mark(state: str, language: str) -> Mark:
    """A state as a coloured word."""
    return Mark(say(STATES, state, language), TONES.get(state, "plain"))


def reason(code: str | None, language: str, answer: Pair | None = None) -> str:
    """A reason code with its meaning; BANK_<code> is the bank's refusal, `answer` what the bank means by it."""
    if code and code.startswith("BANK_"):
        bare = f"银行应答 {code[5:]}", f"the bank answered {code[5:]}"
        return f"{code} · {(answer or bare)[language == 'en']}"
    if not code:
        return "–"
    text = say(REASONS, code, language)
    return code if text == code else f"{code} · {text}"


def stratum(name: str, language: str) -> str:
    """`method=at_maturity` in the reader's language."""
    what, _, level = name.partition("=")
    return (
        f"{say(STRATA, what, language)}：{say(LEVELS, level, language)}"
        if language == "zh"
        else (f"{say(STRATA, what, language)}: {say(LEVELS, level, language)}")
    )
