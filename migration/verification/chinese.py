"""What each check does not see, in Chinese: check -> sentence."""

from __future__ import annotations

from typing import Final

_ROWS: Final = "行内内容是否正确"
_SNAPSHOT: Final = "快照本身是否正确"
_AT_BANK: Final = "银行今日是否仍登记在册"
_WHY: Final = "为何被拒"

NOT_SEEN: Final[dict[str, str]] = {
    "files.digests": "银行手中是否为同样的字节",
    "files.form": "各字段的内容",
    "files.numbers": "银行是否按此顺序受理",
    "files.pairs": "未入账文件的应答",
    "files.echo": "结果文件不回显的字段（日期、利率）",
    "files.names": "应答非 00 的户名",
    "files.replies": "银行的回复是否属实",
    "batches.rows": "日志之外的文件",
    "users.rows": _ROWS,
    "users.opened": "账户今日在银行是否可用",
    "users.effects": "不经文件开立的账户",
    "users.numbers": "银行给其他平台客户的账号",
    "users.sent": "被拒用户",
    "users.merged": "保留哪个账户是否合乎策略",
    "users.groups": "日期不合规或已签字的姓名冲突（按规则单独处理）",
    "users.words": _WHY,
    "listings.rows": _ROWS,
    "listings.claimed": _SNAPSHOT,
    "listings.registered": _AT_BANK,
    "listings.effects": "不经文件登记的标的",
    "listings.sent": "被拒标的",
    "listings.words": _WHY,
    "schedules.rows": "快照中的还款计划是否正确",
    "debts.rows": _ROWS,
    "debts.claimed": _SNAPSHOT,
    "debts.holder": "合并本身是否正确（见 users.merged）",
    "debts.registered": _AT_BANK,
    "debts.effects": "不经文件登记的债权",
    "debts.codes": "其他平台的授权码",
    "debts.sent": "被拒债权",
    "debts.words": _WHY,
    "sums.persons": "同一人两笔债权互换",
    "sums.listings": "同一标的两笔债权互换",
    "sums.total": "不改变总额的差错",
    "sums.schedules": "无已登记债权的标的",
    "residuals.rows": _ROWS,
    "residuals.claimed": "快照之后的提现",
    "authorisations.rows": _ROWS,
    "authorisations.claimed": "用户此后在银行新做的授权",
    "notices.rows": "消息是否送达",
    "balance.equation": "两侧均无记录的资金",
}
