"""The configuration: defaults, overrides, and every way to get it wrong."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from migration.domain.errors import ConfigurationError
from migration.settings import load, masked

MINIMAL = """
[cutover]
id = "2017-11-jx"
business_date = "2017-11-18"
[legacy]
url = "mysql+pymysql://reader:s3cret@db/p2p"
[bank]
product = "0110"
institution = "000187"
issuer = "MP"
fee_account = "6212460110000000019"
red_packet_account = "6212460110000000027"
master_account = "6212460110000000035"
directory = "var/exchange"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cutover.toml"
    path.write_text(MINIMAL, encoding="utf-8")
    return path


def changed(file: Path, old: str, new: str) -> Path:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
    return file


def codes(file: Path, environ: dict[str, str] | None = None) -> list[tuple[str, str]]:
    with pytest.raises(ConfigurationError) as caught:
        load(file, environ or {})
    assert caught.value.exit_code == 2
    return [(reason.code, reason.subject) for reason in caught.value.reasons]


def message(file: Path, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(file, environ or {})
    return str(caught.value)


def test_what_is_not_given_has_the_contracts_default(file: Path) -> None:
    settings = load(file, {})
    assert settings.cutover.kind == "rehearsal"
    assert settings.cutover.business_date == date(2017, 11, 18)
    assert settings.cutover.workspace == Path("var/cutover")
    assert settings.cutover.language == "zh"
    assert settings.legacy.money_unit == "yuan"
    assert settings.legacy.entities == {}
    assert settings.store.url is None
    assert (settings.bank.profile, settings.bank.rows_per_file, settings.bank.line_ending) == ("jx", 9999, "lf")
    assert (settings.bank.transport, settings.bank.directory) == ("directory", Path("var/exchange"))
    assert (settings.bank.query_url, settings.bank.result_timeout_s) == ("", 3600)
    assert settings.policy.keep_account == (
        "election",
        "party_to_listing",
        "receivable",
        "balance",
        "last_active",
        "registered",
        "user_id",
    )
    assert (settings.policy.overdue, settings.policy.late_change) == ("signed_exception", "stop")
    assert (settings.policy.carry_authorisations, settings.policy.require_approvals) == (False, 2)
    assert settings.sampling.confidence == Decimal("0.95")
    assert settings.sampling.defect_rate == Decimal("0.01")
    assert settings.sampling.seed == 20171118
    assert settings.withdrawals.free_per_month == 1
    assert (settings.withdrawals.fee_flat_fen, settings.withdrawals.fee_flat_limit_fen) == (300, 100_000)
    assert settings.withdrawals.fee_rate == Decimal("0.003")
    assert (settings.withdrawals.daily_cap_fen, settings.withdrawals.sunset) == (0, None)


def test_the_whole_example_of_the_contract_loads(file: Path) -> None:
    text = MINIMAL.replace('id = "2017-11-jx"', 'id = "2017-11-jx"\nkind = "production"\nlanguage = "en"')
    text += """
    rows_per_file = 100
    line_ending = "crlf"
    query_url = ""
    result_timeout_s = 0
    [legacy.entities]
    users = "SELECT 1"
    [store]
    url = "postgresql+psycopg://j@h/db"
    [policy]
    keep_account = ["balance", "user_id"]
    overdue = "extend_with_consent"
    late_change = "delta"
    carry_authorisations = true
    require_approvals = 3
    [sampling]
    confidence = 0.999
    defect_rate = 0.0001
    seed = 7
    [withdrawals]
    fee_rate = 0.0030000000000000001
    sunset = "2018-06-30"
    issuer = "platform"
    audience = "withdrawals"
    public_key_file = "keys/jwt.pem"
    """
    file.write_text(text, encoding="utf-8")
    settings = load(file, {})
    assert settings.legacy.entities == {"users": "SELECT 1"}
    assert settings.policy.keep_account == ("balance", "user_id")
    assert settings.sampling.defect_rate == Decimal("0.0001")
    assert settings.withdrawals.fee_rate == Decimal("0.0030000000000000001")
    assert settings.withdrawals.sunset == date(2018, 6, 30)
    assert settings.withdrawals.public_key_file == Path("keys/jwt.pem")


def test_every_kind_of_key_can_come_from_the_environment(file: Path) -> None:
    settings = load(
        file,
        {
            "CUTOVER__BANK__ROWS_PER_FILE": "7",
            "CUTOVER__BANK__DIRECTORY": "elsewhere",
            "CUTOVER__CUTOVER__BUSINESS_DATE": "2017-11-19",
            "CUTOVER__LEGACY__ENTITIES__USERS": "SELECT 2",
            "CUTOVER__LEGACY__URL": "sqlite:///x.sqlite",
            "CUTOVER__POLICY__CARRY_AUTHORISATIONS": "true",
            "CUTOVER__POLICY__KEEP_ACCOUNT": '["user_id"]',
            "CUTOVER__SAMPLING__DEFECT_RATE": "0.1",
            "CUTOVER__STORE__URL": "",
            "CUTOVER__WITHDRAWALS__SUNSET": "",
            "CUTOVER_ACTOR": "somebody",
            "PATH": "/bin",
        },
    )
    assert settings.bank.rows_per_file == 7
    assert settings.bank.directory == Path("elsewhere")
    assert settings.cutover.business_date == date(2017, 11, 19)
    assert settings.legacy.entities == {"users": "SELECT 2"}
    assert settings.legacy.url == "sqlite:///x.sqlite"
    assert settings.policy.carry_authorisations is True
    assert settings.policy.keep_account == ("user_id",)
    assert settings.sampling.defect_rate == Decimal("0.1")
    assert settings.store.url is None


def test_the_environment_can_supply_a_required_key(file: Path) -> None:
    changed(file, 'id = "2017-11-jx"', "")
    assert codes(file) == [("CONFIG_REQUIRED", "cutover.id")]
    assert load(file, {"CUTOVER__CUTOVER__ID": "other"}).cutover.id == "other"


def test_the_default_file_is_in_the_current_folder(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    assert load(environ={}).cutover.id == "2017-11-jx"


def test_a_missing_file_and_no_toml(tmp_path: Path) -> None:
    assert codes(tmp_path / "no.toml")[0][0] == "CONFIG_MISSING"
    broken = tmp_path / "broken.toml"
    broken.write_text("[cutover\n", encoding="utf-8")
    assert codes(broken)[0][0] == "CONFIG_SYNTAX"
    broken.write_bytes(b"\xff\xfe")
    assert codes(broken)[0][0] == "CONFIG_MISSING"


@pytest.mark.parametrize(
    ("line", "subject", "nearest"),
    [
        ("rows_per_fil = 5", "bank.rows_per_fil", "bank.rows_per_file"),
        ("[polic]\noverdue = 'x'", "polic", "policy"),
        ("[legacy.entities]\nuser = 'SELECT 1'", "legacy.entities.user", "legacy.entities.users"),
        ("[sampling]\nseeds = 1", "sampling.seeds", "sampling.seed"),
    ],
)
def test_an_unknown_key_in_the_file_is_named_with_the_nearest(
    file: Path, line: str, subject: str, nearest: str
) -> None:
    file.write_text(f"{MINIMAL}\n{line}\n", encoding="utf-8")
    assert codes(file) == [("CONFIG_KEY_UNKNOWN", subject)]
    assert f"did you mean {nearest}?" in message(file)


def test_an_unknown_variable_is_named(file: Path) -> None:
    environ = {"CUTOVER__BANK__ROWS": "5"}
    assert codes(file, environ) == [("CONFIG_KEY_UNKNOWN", "bank.rows")]
    assert "CUTOVER__BANK__ROWS" in message(file, environ)
    assert "bank.rows_per_file" in message(file, environ)


def test_a_misspelt_required_key_is_told_both_ways(file: Path) -> None:
    changed(file, "issuer =", "isuer =")
    assert codes(file) == [("CONFIG_KEY_UNKNOWN", "bank.isuer"), ("CONFIG_REQUIRED", "bank.issuer")]


@pytest.mark.parametrize(
    ("extra", "subject"),
    [
        ("rows_per_file = 0", "bank.rows_per_file"),
        ('rows_per_file = "9"', "bank.rows_per_file"),
        ("rows_per_file = 1.0", "bank.rows_per_file"),
        ("rows_per_file = true", "bank.rows_per_file"),
        ('line_ending = "cr"', "bank.line_ending"),
        ("result_timeout_s = -1", "bank.result_timeout_s"),
        ('profile = "No Bank"', "bank.profile"),
        ("[policy]\nkeep_account = []", "policy.keep_account"),
        ('[policy]\nkeep_account = ["user_id", "user_id"]', "policy.keep_account"),
        ('[policy]\nkeep_account = ["richest"]', "policy.keep_account.0"),
        ("[policy]\ncarry_authorisations = 1", "policy.carry_authorisations"),
        ("[policy]\nrequire_approvals = 0", "policy.require_approvals"),
        ("[sampling]\nconfidence = 1.0", "sampling.confidence"),
        ("[sampling]\ndefect_rate = nan", "sampling.defect_rate"),
        ('[sampling]\ndefect_rate = "0.1"', "sampling.defect_rate"),
        ("[withdrawals]\nfee_flat_fen = 3.5", "withdrawals.fee_flat_fen"),
        ('[withdrawals]\nsunset = "2018-02-30"', "withdrawals.sunset"),
        ("[store]\nurl = 5", "store.url"),
    ],
)
def test_a_wrong_value_is_refused_by_name(file: Path, extra: str, subject: str) -> None:
    file.write_text(f"{MINIMAL}\n{extra}\n", encoding="utf-8")
    assert codes(file) == [("CONFIG_VALUE", subject)]


def test_a_wrong_value_says_what_is_allowed(file: Path) -> None:
    file.write_text(f"{MINIMAL}\nline_ending = 'cr'\n", encoding="utf-8")
    assert "'lf' or 'crlf'; it is 'cr'" in message(file)


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("CUTOVER__BANK__ROWS_PER_FILE", "１００"),
        ("CUTOVER__BANK__ROWS_PER_FILE", "1_000"),
        ("CUTOVER__POLICY__CARRY_AUTHORISATIONS", "yes"),
        ("CUTOVER__POLICY__KEEP_ACCOUNT", "user_id"),
        ("CUTOVER__SAMPLING__CONFIDENCE", "NaN"),
        ("CUTOVER__CUTOVER__BUSINESS_DATE", "18.11.2017"),
        ("CUTOVER__CUTOVER__ID", ""),
    ],
)
def test_a_wrong_variable_is_refused(file: Path, variable: str, text: str) -> None:
    ((code, subject),) = codes(file, {variable: text})
    assert (code, subject) == ("CONFIG_VALUE", variable.removeprefix("CUTOVER__").lower().replace("__", "."))
    assert variable in message(file, {variable: text})


def test_a_section_that_is_no_table_is_refused_without_showing_it(file: Path) -> None:
    file.write_text(f'store = "postgresql://u:hunter2@h/db"\n{MINIMAL}', encoding="utf-8")
    assert codes(file) == [("CONFIG_VALUE", "store")]
    assert "hunter2" not in message(file)


def test_the_transport_says_what_it_needs(file: Path) -> None:
    changed(file, 'directory = "var/exchange"', "")
    assert codes(file) == [("CONFIG_REQUIRED", "bank.directory")]
    environ = {"CUTOVER__BANK__TRANSPORT": "sftp", "CUTOVER__BANK__HOST": "bank"}
    assert codes(file, environ) == [("CONFIG_REQUIRED", "bank.username")]
    environ |= {
        "CUTOVER__BANK__USERNAME": "mp",
        "CUTOVER__BANK__KEY_FILE": "keys/mp",
        "CUTOVER__BANK__KNOWN_HOST_KEY": "ssh-ed25519 AAAA",
    }
    assert load(file, environ).bank.key_file == Path("keys/mp")


def test_no_message_and_no_repr_shows_a_secret(file: Path) -> None:
    assert "s3cret" not in repr(load(file, {}))
    changed(file, '"mysql+pymysql://reader:s3cret@db/p2p"', '["mysql://reader:s3cret@db"]')
    assert "s3cret" not in message(file)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("mysql+pymysql://reader:s3cret@db:3306/p2p?password=s3cret", "mysql+pymysql://reader:***@db:3306/p2p"),
        ("postgresql://u:p@ss:w/rd@h/db", "postgresql://u:***@h/db"),
        ("sqlite:///var/legacy.sqlite", "sqlite:///var/legacy.sqlite"),
        ("postgresql://h/db", "postgresql://h/db"),
    ],
)
def test_a_masked_url_has_no_password(url: str, shown: str) -> None:
    assert masked(url) == shown


def test_the_digest_hangs_on_what_decides_data_only(file: Path) -> None:
    digest = load(file, {}).digest()
    same = {
        "CUTOVER__CUTOVER__WORKSPACE": "w",
        "CUTOVER__CUTOVER__BUSINESS_DATE": "2017-11-20",
        "CUTOVER__CUTOVER__LANGUAGE": "en",
        "CUTOVER__STORE__URL": "postgresql://h/db",
        "CUTOVER__LEGACY__URL": "sqlite:///other",
        "CUTOVER__BANK__DIRECTORY": "d",
        "CUTOVER__BANK__RESULT_TIMEOUT_S": "1",
        "CUTOVER__BANK__QUERY_URL": "https://q",
        "CUTOVER__BANK__QUERY_KEY_FILE": "p12",
        "CUTOVER__BANK__QUERY_BANK_CERTIFICATE": "pem",
        "CUTOVER__BANK__QUERY_INST_CODE": "00000187",
        "CUTOVER__BANK__QUERY_BANK_CODE": "30050000",
        "CUTOVER__WITHDRAWALS__FEE_FLAT_FEN": "1",
        "CUTOVER__SAMPLING__DEFECT_RATE": "0.010",
    }
    assert load(file, same).digest() == digest
    for variable, text in {
        "CUTOVER__CUTOVER__ID": "x",
        "CUTOVER__LEGACY__MONEY_UNIT": "fen",
        "CUTOVER__LEGACY__ENTITIES__DEBTS": "SELECT 1",
        "CUTOVER__BANK__ROWS_PER_FILE": "10",
        "CUTOVER__BANK__FEE_ACCOUNT": "1",
        "CUTOVER__POLICY__OVERDUE": "repaid_by_guarantor",
        "CUTOVER__POLICY__REQUIRE_APPROVALS": "1",
        "CUTOVER__SAMPLING__SEED": "1",
    }.items():
        assert load(file, {variable: text}).digest() != digest, variable


def test_settings_do_not_change(file: Path) -> None:
    settings = load(file, {})
    with pytest.raises(ValueError, match="frozen"):
        settings.bank.rows_per_file = 1  # type: ignore[misc]
