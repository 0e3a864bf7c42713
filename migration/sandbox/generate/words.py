"""Names and titles: all encodable in GBK, a few with characters outside GB2312. No name is a real person's."""

from __future__ import annotations

from .mix import Ints, Mix

SURNAMES = tuple(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
GIVEN = tuple(
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红建国文斌辉力健俊峰慧巧美琳雪荣爱妹香月莺媛瑞凡佳嘉琼勤珍贞莉晶妍茜秋珊莎锦黛青倩婷姣婉娴颖露瑶怡婵雁蓓仪丹蓉眉君琴蕊薇菁梦岚苑婕馨瑗琰韵融园艺咏卿聪澜纯毓悦昭冰爽"
)
RARE = tuple("堃喆珺玥赟昇垚犇骉甦彣旻昉曌頔祎翀韡璟瑄")
"""In GBK, outside GB2312."""
_CITIES = ("北京", "上海", "广州", "杭州", "南京", "武汉", "成都", "济南", "西安", "福州")
_TRADES = ("商贸", "科技", "建材", "物流", "餐饮", "农业", "医疗器械", "装饰", "纺织", "机械")
_PURPOSES = ("经营周转", "购车分期", "装修消费", "货款垫付", "设备采购", "供应链应收", "房产抵押", "个人消费")


def person_names(mix: Mix, index: Ints) -> list[str]:
    """Two or three characters; about 1.5 % with a rare one."""
    surname = mix.choose("name.surname", index, SURNAMES)
    first = mix.choose("name.first", index, GIVEN)
    second = mix.choose("name.second", index, GIVEN)
    rare = mix.choose("name.rare", index, RARE)
    short = mix.chance("name.short", index, 250).tolist()
    odd = mix.chance("name.odd", index, 15).tolist()
    return [
        s + (r if o else a) + ("" if n else b)
        for s, a, b, r, n, o in zip(surname, first, second, rare, short, odd, strict=True)
    ]


def company_names(mix: Mix, index: Ints) -> list[str]:
    """A limited company, unlike any other through its number in words."""
    city = mix.choose("co.city", index, _CITIES)
    first = mix.choose("co.first", index, GIVEN)
    second = mix.choose("co.second", index, GIVEN)
    trade = mix.choose("co.trade", index, _TRADES)
    return [f"{c}{a}{b}{t}有限公司" for c, a, b, t in zip(city, first, second, trade, strict=True)]


def titles(mix: Mix, index: Ints) -> list[str]:
    """What the listing is called; about 2 % with a rare character."""
    purpose = mix.choose("title", index, _PURPOSES)
    odd = mix.chance("title.odd", index, 20).tolist()
    rare = mix.choose("title.rare", index, RARE)
    return [
        f"{p}第{n + 1:06d}期{'（' + r + '记）' if o else ''}"
        for p, n, o, r in zip(purpose, index.tolist(), odd, rare, strict=True)
    ]
