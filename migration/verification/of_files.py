"""Checks of the files: what was recorded is what the bytes say, every row sent was answered once, the echo is equal."""

from __future__ import annotations

from typing import Final

from migration.verification.spec import Spec

_USED: Final = "state IN ('applied', 'unknown')"


def _pairs(exchange: str, key: str) -> str:
    """Keys of a batch that are not answered once for the one time they were sent."""
    return f"""
        SELECT coalesce(q.batch, a.batch) || '#' || coalesce(q.record, a.record)
        FROM (SELECT batch, {key} AS id, min(record) AS record, count(*) AS n FROM q_{exchange} GROUP BY ALL) q
        FULL JOIN (
            SELECT batch, {key} AS id, min(record) AS record, count(*) AS n FROM a_{exchange} GROUP BY ALL
        ) a ON a.batch = q.batch AND a.id = q.id
        WHERE coalesce(q.batch, a.batch) IN (SELECT batch FROM batches WHERE {_USED})
          AND NOT (a.n IS NULL AND (q.batch, q.id) IN (SELECT batch, id FROM replies WHERE state = 'N'))
          AND (q.n IS DISTINCT FROM 1 OR a.n IS DISTINCT FROM 1)"""


def _echo(exchange: str, key: str, fields: str, unless: str = "false") -> str:
    mine = ", ".join(f"q.{field}" for field in fields.split())
    theirs = ", ".join(f"a.{field}" for field in fields.split())
    return f"""
        SELECT a.batch || '#' || a.record FROM a_{exchange} a
        JOIN q_{exchange} q ON q.batch = a.batch AND q.{key} = a.{key}
        WHERE ({mine}) IS DISTINCT FROM ({theirs}) AND NOT ({unless})"""


_NAMES: Final = """
        SELECT r.batch || '#' || r.record FROM {} r LEFT JOIN (
            SELECT o.account, p.name FROM opened o JOIN person p ON p.user_id = o.key
        ) owner ON owner.account = r.account
        WHERE r.code = '00' AND r.name IS DISTINCT FROM owner.name"""

CHECKS: Final = (
    Spec(
        "files.digests", "文件摘要与记录一致", "the SHA-256 of every file sent and used is the recorded one",
        "a request or a result whose bytes are not those that were sealed or applied",
        "whether the bank holds the same bytes",
        "batches",
        f"""
        SELECT batch FROM batches
        WHERE request_digest IS DISTINCT FROM nullif(request_sha256, '')
           OR ({_USED} AND (request_digest IS NULL OR result_digest IS NULL
                            OR result_digest <> coalesce(result_sha256, '')))""",
    ),
    Spec(
        "files.form", "文件完整", "every file is a whole number of records, as many as recorded, with the recorded sum",
        "truncated files, misplaced line endings, wrong counts and control sums",
        "what stands in the fields",
        "batches",
        """
        SELECT b.batch FROM batches b
        WHERE b.request_digest IS NOT NULL
          AND (b.request_records IS DISTINCT FROM b.rows OR coalesce(b.request_fen, 0) <> b.sum_fen
               OR (b.result_digest IS NOT NULL AND b.result_records IS DISTINCT FROM b.rows
                   AND NOT starts_with(b.result_name, 'inquiry-')))""",
    ),
    Spec(
        "files.numbers", "批次号连续且与记录一致",
        "batch numbers run from 000001 without a gap, day by day, and stand in the file's name and in every record",
        "a number drawn twice or left out; a record of another batch, bank or day",
        "whether the bank took the files in this order",
        "batches",
        """
        SELECT batch FROM (
            SELECT *, row_number() OVER (PARTITION BY day ORDER BY batch_no) AS nth FROM batches
        ) WHERE batch_no <> lpad(nth::VARCHAR, 6, '0')
             OR (coalesce(request_name, '') <> ''
                 AND NOT ends_with(request_name, '-' || batch_no || strftime(day, '-%Y%m%d')))
        UNION SELECT batch FROM batches WHERE strays > 0""",
    ),
    Spec(
        "files.pairs", "每条明细恰好应答一次", "every record sent was answered once, and nothing else was answered",
        "answers unknown, missing or doubled; a file of another batch",
        "answers to files that were never applied",
        "batches",
        f"""{_pairs("accounts", "key")}
        UNION ALL {_pairs("listings", "key")}
        UNION ALL {_pairs("authorisations", "serial")}""",
        debts=_pairs("debts", "serial"),
    ),
    Spec(
        "files.echo", "回显与发送一致", "what the bank echoes is what was sent",
        "a digit moved, an amount, account, title or name that came back otherwise",
        "fields that the result does not carry (dates, yield)",
        "batches",
        f"""{_echo("accounts", "key", "id_no id_type name acctype phone", "a.flag = 'N'")}
        UNION ALL {_echo("listings", "key", "title account amount term guarantor nominal payee")}
        UNION ALL {_echo("authorisations", "serial", "account issuer type granted")}""",
        debts=_echo("debts", "serial", "account issuer amount listing"),
    ),
    Spec(
        "files.names", "户名与账户一致", "the bank names the owner of each account as he was opened",
        "an account that the bank holds under another name",
        "names where the answer is not 00",
        "batches",
        _NAMES.format("a_listings"),
        debts=_NAMES.format("a_debts"),
    ),
    Spec(
        "files.replies", "查询回复与记录一致", "what was recorded from the bank's replies is what they say",
        "an answer recorded that the bank did not give when it was asked, or gave otherwise",
        "whether the bank's reply was true",
        "replies",
        """
        SELECT r.batch || '#' || r.line FROM (
            SELECT * FROM replies WHERE state = 'S' OR id IS NULL
            QUALIFY row_number() OVER (PARTITION BY batch, id ORDER BY line DESC) = 1
        ) r LEFT JOIN (
            SELECT batch, key AS id, account, NULL::BIGINT AS amount, NULL AS authcode, code FROM a_accounts
            UNION ALL SELECT batch, key, account, amount, NULL, code FROM a_listings
            UNION ALL SELECT batch, serial, account, amount, authcode, code FROM asked_debts
        ) a ON a.batch = r.batch AND a.id = r.id
        WHERE r.id IS NULL
           OR (a.code <> '22' AND ((r.account, r.amount, r.authcode) IS DISTINCT FROM (a.account, a.amount, a.authcode)
                                   OR coalesce(r.code, '00') IS DISTINCT FROM a.code))""",
    ),
    Spec(
        "batches.rows", "批次清单一致", "the exported list of batches is the recorded one",
        "a batch left out, a digest, count or sum that differs",
        "files outside the journal",
        "c_batches",
        """
        SELECT coalesce(b.batch, c.batch_no) FROM batches b FULL JOIN c_batches c
          ON c.business_date = b.day AND c.batch_no = b.batch_no
        WHERE (b.stage, b.round, b.kind, b.sample, b.part, b.rows, b.sum_fen, b.state) IS DISTINCT FROM
              (c.stage, c.round, c.kind, c.sample, c.part, c.rows, c.sum_fen, c.state)
           OR nullif(b.request_name, '') IS DISTINCT FROM c.request_name
           OR nullif(b.request_sha256, '') IS DISTINCT FROM c.request_sha256
           OR nullif(b.result_name, '') IS DISTINCT FROM c.result_name
           OR nullif(b.result_sha256, '') IS DISTINCT FROM c.result_sha256""",
    ),
)  # fmt: skip
