"""Signatures made here hold for a second implementation, and the other way round; anything changed does not."""

import base64

import pytest

from migration.bank.signing import ALGORITHMS, SM2, load_checker, load_signer, signed_text
from migration.bank.yuan import fen_of, yuan_of
from migration.domain.errors import ConfigurationError
from migration.sandbox.bank.query_keys import PASSWORD, prepare
from migration.sandbox.bank.query_signs import Signs

MESSAGE = {"txCode": "batchQuery", "b": "二", "a": "1", "items": [{"y": "4", "x": "3"}, {"x": "5"}]}


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys") / "query"
    prepare(folder)
    return folder


def files(algorithm):
    return ("platform_sm2.key", "bank_sm2.pub") if algorithm == SM2 else ("platform.p12", "bank.pem")


def test_what_is_signed_is_the_values_in_the_order_of_the_keys():
    assert signed_text({**MESSAGE, "sign": "x"}).decode() == "1" + "二" + "345" + "batchQuery"
    with pytest.raises(TypeError):
        signed_text({"a": 1})


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_two_implementations_agree(keys, algorithm):
    own, theirs = files(algorithm)
    signer, checker = load_signer(algorithm, keys / own, PASSWORD), load_checker(algorithm, keys / theirs)
    bank = Signs(keys, algorithm)
    assert bank.accepts({**MESSAGE, "sign": signer.sign(signed_text(MESSAGE))})
    assert not bank.accepts({**MESSAGE, "a": "2", "sign": signer.sign(signed_text(MESSAGE))})
    given = bank.sign(MESSAGE)
    assert checker.holds(signed_text(MESSAGE), given)
    assert not checker.holds(signed_text({**MESSAGE, "a": "2"}), given)
    for bad in ("", "%%%", base64.b64encode(b"\0" * 64).decode(), given[:-8]):
        assert not checker.holds(signed_text(MESSAGE), bad)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_wrong_password_or_key_is_told_without_its_content(keys, algorithm):
    own, _ = files(algorithm)
    for place, password in ((keys / own, "wrong"), (keys / "tls.key", PASSWORD), (keys / "none", PASSWORD)):
        with pytest.raises(ConfigurationError) as caught:
            load_signer(algorithm, place, password)
        assert caught.value.reasons[0].code == "QUERY_KEY"
        assert password not in str(caught.value)


def test_amounts_are_yuan_with_two_decimals_and_nothing_else():
    for fen in (0, 5, 100, 123450, 10**15):
        assert fen_of(yuan_of(fen)) == fen
    for bad in ("1", "1.5", "01.00", "-1.00", "1e3", "１.00", " 1.00", "1.000", "NaN", None, 1.0):
        with pytest.raises(ValueError, match="yuan"):
            fen_of(bad)
