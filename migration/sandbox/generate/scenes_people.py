"""Hand-written cases of people: identities that merge, cohorts, what the bank answers. README of sample_data explains each.

Keys: X01xx-X15xx identities, X20xx-X50xx cohorts. Every person who needs an open position holds a debt of the
listing XL60 (or one named after him).
"""

from __future__ import annotations

from . import numbers
from .scene_kit import Scenes
from .traps import full_width

LENDERS_OF_XL60 = (
    "X1101", "X1102", "X1201", "X1302", "X2301", "X2601", "X2701", "X2702", "X2901", "X3001", "X3101", "X3201", "X3301",
    "X3302", "X3801", "X4101", "X4201", "X4501", "X4601",
)  # fmt: skip
"""Each holds 1,000.00 yuan of the listing XL60: its position."""


def plant(s: Scenes) -> None:
    """All cases of people."""
    _cast(s)
    _merges(s)
    _merges_in_trouble(s)
    _cohorts(s)
    _refused_here(s)
    _at_the_bank(s)


def _cast(s: Scenes) -> None:
    """Those whom the cases of loans use: nothing is odd about them."""
    s.person("X0001", "赵样例", cash=12_345)
    s.company("X0002", "样例商贸有限公司")
    s.person("X0003", "钱样例", cash=100)
    s.person("X0004", "孙样例")
    s.company("X0005", "样例融资担保有限公司")
    s.person("X0006", "李样例", cash=0, frozen=5_000)


def _merges(s: Scenes) -> None:
    one = s.person("X0101", "周并一", cash=100)
    s.person("X0102", "周并一", id_no=one, cash=99_900)
    one = s.person("X0201", "吴并二")
    s.person("X0202", "吴并二", id_no=one)
    s.put("elections", one, "X0202", "2017-10-01 10:00:00")
    one = s.person("X0301", "郑并三")
    s.person("X0302", "郑并三", id_no=one)
    s.put("elections", one, "X0301", "2017-09-01 10:00:00")
    s.put("elections", one, "X0302", "2017-09-02 10:00:00")
    one = s.person("X0401", "王并四", cash=10)
    s.person("X0402", "王并四", id_no=one, cash=5, frozen=6)
    s.put("elections", one, "X0401", "2017-09-01 10:00:00")
    s.put("elections", one, "X0402", "2017-09-01 10:00:00")
    one = s.person("X0501", "冯并五", active="2017-10-01 08:00:00")
    s.person("X0502", "冯并五", id_no=one, active="2017-10-02 08:00:00")
    s.put("elections", one, "X0001", "2017-10-05 10:00:00")
    one = s.person("X0601", "陈并六")
    s.person("X0602", "陈并六", id_no=numbers.fifteen(one), id_type="id_card_15", active=None)
    one = _ending_in_x(s)
    s.person("X0701", "褚并七", id_no=one.lower(), registered="2015-03-01 09:00:01")
    s.person("X0702", "褚 并七", id_no=f" {full_width(one)} ", registered="2015-03-01 09:00:00")
    one = s.person("X0802", "卫并八", active=None)
    s.person("X0801", "卫并八", id_no=one, active=None)
    one = s.person("X0901", "蒋并九")
    s.person("X0902", "蒋并九", id_no=one)
    s.person("X0903", "蒋并九", id_no=one, cash=77_777)
    one = s.person("X1001", "沈并十")
    s.person("X1002", "沈并十", id_no=one)
    code = s.company("X1401", "样例（中国）投资有限公司", active="2017-11-02 10:00:00")
    s.company("X1402", "样例(中国)投资有限公司", code=code)
    one = s.person("X1501", "韩并丑")
    s.person("X1502", "韩并丑", id_no=one, status="closed", active="2016-01-01 00:00:00")


def _ending_in_x(s: Scenes) -> str:
    while not (number := s.id_no("19790809")).endswith("X"):
        pass
    return number


def _merges_in_trouble(s: Scenes) -> None:
    one = s.person("X1101", "杨冲突", cash=300)
    s.person("X1102", "杨冲兀", id_no=one)
    one = s.person("X1201", "朱异名")
    s.person("X1202", "朱同名", id_no=one, cash=1)
    one = s.person("X1301", "秦被拒", cash=50_000)
    s.person("X1302", "秦被拒", id_no=one)
    s.put("elections", one, "X1301", "2017-10-01 10:00:00")


def _cohorts(s: Scenes) -> None:
    s.put(
        "users", "X2001", "platform", "样例平台风险备付户", "uscc", numbers.credit_code(95_002_001), None, "18899990000", None,
        None, "2015-03-01 09:00:00", "active", "2015-03-01 09:00:00", None,
    )  # fmt: skip
    s.escrow("XE2001", "X2001", 0, 1_000_000)
    s.person("X2101", "尤销户", status="closed")
    s.person("X2201", "许销户", status="closed", cash=1)
    s.person("X2301", "何销户", status="closed")
    s.person("X2401", "吕冻结", status="frozen", frozen=2_500)
    s.person("X2501", "新用户2501", id_no="", verified=None, cash=8_800)
    s.person("X4701", "零开头", cash=1_234)
    s.rows["users"][-1][0] = "00004701"
    s.rows["escrow_accounts"][-1][:2] = ["004701", "00004701"]
    s.person("X5001", "施双户", cash=200)
    s.escrow("XE5002", "X5001", 0, 300)
    s.escrow("XE5003", "X5001", 0)
    s.put("authorisations", "XS0102", "X0102", "auto_bid", "2017-01-01 00:00:00")
    s.put("authorisations", "XS2501", "X2501", "auto_assign", "2017-01-02 00:00:00")


def _refused_here(s: Scenes) -> None:
    s.person("X2601", "张护照", id_no="E10002601", id_type="passport")
    s.person("X2701", "孔䶮")
    s.person("X2702", "艾力•买买提")
    s.person("X2703", "阿卜杜拉" * 7 + "孙二")  # 30 characters = 60 bytes: just fits
    s.person("X2704", "阿卜杜拉" * 7 + "孙二a")  # 61 bytes
    s.person("X2901", "曹\uf92c")
    s.person("X3001", "严校验", id_no=numbers.spoiled(s.id_no()))
    s.person("X3101", "华未成", id_no=s.id_no("19991119"), cash=600)
    s.person("X3102", "金未成", id_no=s.id_no("19991119"), cash=0, frozen=9)
    s.person("X3201", "魏成年", id_no=s.id_no("19991118"))
    s.person("X3301", "陶同号", phone="18877770001")
    s.person("X3302", "姜同号", phone="+86 188 7777 0001")
    s.person("X3401", "戚座机", phone="01088886666")
    s.person("X3501", "谢未来", id_no=s.id_no("20171119"))
    s.person("X3601", "邹旧区", id_no=numbers.id_with_check("31010319800101001"))
    s.person("X3701", "喻性别", id_no=numbers.id_with_check("11010119800101901"), sex="F")
    s.company("X3801", "样例缺户科技有限公司", account=None)
    s.company("X3901", "样例错码科技有限公司", code=numbers.spoiled(numbers.credit_code(95_003_901)), cash=450)
    s.company("X4001", "样例旧码机械有限公司", code=numbers.org_code(95_004_001), id_type="org_code")
    s.person("X4901", "柏邮箱", phone="008618866660049", email="a-very-long-address-of-forty-one@example.com")


def _at_the_bank(s: Scenes) -> None:
    s.person("X4101", "水已开", cash=1_000)
    s.person("X4201", "窦他人")
    s.person("X4301", "章他人", cash=40)
    s.person("X4401", "云被拒", cash=41)
    s.person("X4501", "苏被拒")
    s.person("X4601", "潘被拒")
    s.company("X4801", "样例被拒物流有限公司")
