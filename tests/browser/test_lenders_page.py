"""The lender's page in Debian's Chromium, as wide as a phone: shown, withdrawn, gone; refused with reasons; paid once."""

from __future__ import annotations

import asyncio
import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from migration.withdrawals.gateway import Reply
from tests.support.withdrawing import DEAR, FREE, NOON, Clock, opening, sender, served

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]
PHONE = {"width": 390, "height": 844}
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Paying:
    async def pay(self, payment):
        return Reply("processing")

    async def ask(self, number):
        return Reply("paid", self.amount)


class Returning(Paying):
    async def ask(self, number):
        return Reply("returned", reason="ESCROW_CARD_REFUSED")


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as found:
        browser = found.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def shots(tmp_path) -> Path:
    """Where pictures go: CUTOVER_SHOTS keeps them."""
    place = Path(os.environ.get("CUTOVER_SHOTS", tmp_path))
    place.mkdir(parents=True, exist_ok=True)
    return place


def phone(chromium, base: str, token: str, locale: str = "zh-CN"):
    """A phone with the user signed in, and all that its console complained of."""
    context = chromium.new_context(viewport=PHONE, locale=locale, device_scale_factor=2)
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda said: page.complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    answer = context.request.post(f"{base}/session", form={"token": token}, max_redirects=0)
    assert answer.status == 303
    page.goto(base)
    page.wait_for_selector("#main[aria-busy=false]")
    return page


def effects(made, loop) -> list[tuple[str, int]]:
    async def rows():
        async with made.own.transaction() as connection:
            return await connection.fetch("SELECT state, amount_fen FROM withdrawals.withdrawal ORDER BY requested_at")

    return [tuple(row) for row in asyncio.run_coroutine_threadsafe(rows(), loop).result(20)]


def fits(page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def begin(page, amount: str) -> None:
    page.fill("#amount", amount)
    page.click("#next")


@pytest.mark.parametrize(
    ("locale", "words"), [("zh-CN", ("提取", "已申请", "已到账")), ("en-GB", ("Withdraw", "requested", "paid"))]
)
def test_shown_withdrawn_and_the_line_is_gone(pg_url, chromium, shots, locale, words):
    with served(pg_url, opening(fen=123_456, frozen_fen=0)) as (made, loop, base):
        page = phone(chromium, base, made.issuer.token("U1"), locale)
        assert "1,234.56" in page.inner_text("#legacy-line")
        assert words[0] in page.inner_text("#withdraw")
        page.screenshot(path=shots / f"1-assets-{locale}.png", full_page=True)
        page.click("#all")
        page.click("#next")
        page.wait_for_selector("#confirm[open]")
        assert "1,234.56" in page.inner_text("#c-amount")
        assert page.inner_text("#c-fee") == "0.00"
        page.screenshot(path=shots / f"2-confirm-{locale}.png")
        page.click("#yes")
        page.wait_for_selector(f"#list .state:text-is('{words[1]}')")
        assert not page.is_visible("#withdraw")  # nothing left to withdraw
        page.screenshot(path=shots / f"3-asked-{locale}.png", full_page=True)
        gateway = Paying()
        gateway.amount = 123_456
        for _ in range(2):
            asyncio.run_coroutine_threadsafe(sender(made, gateway).turn(), loop).result(20)
            made.clock.go(seconds=31)
        page.reload()
        page.wait_for_selector(f"#list .state:text-is('{words[2]}')")
        assert not page.is_visible("#legacy-line")
        assert fits(page)
        page.screenshot(path=shots / f"4-paid-{locale}.png", full_page=True)
        assert effects(made, loop) == [("paid", 123_456)]
        assert page.complaints == []


def test_out_of_hours_it_says_when(pg_url, chromium, shots):
    with served(pg_url, opening(fen=10**8), clock=Clock(NOON + timedelta(days=1))) as (made, loop, base):
        for locale, word in (("zh-CN", "11月22日 23:30"), ("en-GB", "22 Nov 2026, 23:30")):
            page = phone(chromium, base, made.issuer.token("U1"), locale)
            begin(page, "50000.01")
            page.wait_for_selector("#amount-note.problem-text")
            assert word in page.inner_text("#amount-note")
            page.screenshot(path=shots / f"5-shut-{locale}.png", full_page=True)
            assert fits(page)
        assert effects(made, loop) == []


def test_all_leaves_room_for_the_fee(pg_url, chromium):
    """What 全部 fills in is what can be had, to the fen; what has come back says where the money is."""
    with served(pg_url, opening(fen=98_765), tariff=DEAR) as (made, loop, base):
        page = phone(chromium, base, made.issuer.token("U1"))
        assert "最多可提现 984.65 元" in page.inner_text("#account-note")
        page.click("#all")
        page.click("#next")
        page.wait_for_selector("#confirm[open]")
        assert (page.inner_text("#c-fee"), page.inner_text("#c-total")) == ("3.00", "987.65")
        page.click("#yes")
        page.wait_for_selector("#list .state")
        page.wait_for_function("document.activeElement.id === 'notice'")
        for _ in range(2):
            asyncio.run_coroutine_threadsafe(sender(made, Returning()).turn(), loop).result(20)
            made.clock.go(seconds=31)
        page.reload()
        page.wait_for_selector("#list .state.returned")
        assert "已退回余额" in page.inner_text("#list")
        assert effects(made, loop) == [("returned", 98_465)]


def test_a_balance_below_the_fee_cannot_be_asked_for(pg_url, chromium):
    with served(pg_url, opening(fen=300), tariff=DEAR) as (made, _loop, base):
        page = phone(chromium, base, made.issuer.token("U1"))
        assert "不足以支付手续费" in page.inner_text("#account-note")
        assert page.is_disabled("#next")


def test_too_much_names_the_largest_and_nonsense_is_refused(pg_url, chromium):
    with served(pg_url, opening(fen=10_000)) as (made, loop, base):
        page = phone(chromium, base, made.issuer.token("U1"))
        for typed, said in (
            ("100.01", "100.00"),
            ("1e3", "两位小数"),
            ("1.234", "两位小数"),
            ("-5", "两位小数"),
            ("", "两位小数"),
        ):
            begin(page, typed)
            page.wait_for_selector("#amount-note.problem-text")
            assert said in page.inner_text("#amount-note"), typed
        assert effects(made, loop) == []


def test_a_double_click_pays_once(pg_url, chromium):
    with served(pg_url, opening(fen=10_000), tariff=FREE) as (made, loop, base):
        page = phone(chromium, base, made.issuer.token("U1"))
        begin(page, "10")
        page.wait_for_selector("#confirm[open]")
        page.dblclick("#yes")
        page.evaluate("document.getElementById('yes').click()")
        page.wait_for_selector("#list .state")
        assert effects(made, loop) == [("requested", 1_000)]


def test_an_answer_that_was_lost_is_asked_for_with_the_same_key(pg_url, chromium):
    with served(pg_url, opening(fen=10_000)) as (made, loop, base):
        page = phone(chromium, base, made.issuer.token("U1"))
        lost = []

        def lose(route):
            if route.request.method == "POST" and not lost:
                lost.append(route.fetch())  # the service did it ...
                route.abort()  # ... and the answer never came
            else:
                route.continue_()

        page.route("**/me/withdrawals", lose)
        begin(page, "10")
        page.wait_for_selector("#confirm[open]")
        page.click("#yes")
        page.wait_for_selector("#c-problem:not([hidden])")
        page.click("#yes")
        page.wait_for_selector("#confirm:not([open])", state="attached")
        assert effects(made, loop) == [("requested", 1_000)]


def test_two_tabs_and_the_back_button(pg_url, chromium):
    with served(pg_url, opening(fen=10_000)) as (made, loop, base):
        first = phone(chromium, base, made.issuer.token("U1"))
        second = first.context.new_page()
        second.goto(base)
        for page in (first, second):
            page.wait_for_selector("#main[aria-busy=false]")
            begin(page, "60")
            page.wait_for_selector("#confirm[open]")
        first.click("#yes")
        first.wait_for_selector("#list .state")
        second.click("#yes")
        second.wait_for_selector("#c-problem:not([hidden])")
        assert "在途" in second.inner_text("#c-problem")
        second.click("#back")
        first.goto("about:blank")
        first.go_back()
        first.wait_for_selector("#list .state")
        assert effects(made, loop) == [("requested", 6_000)]


def test_nobody_sees_nothing_and_nothing_comes_from_elsewhere(pg_url, chromium):
    with served(pg_url, opening()) as (_, _loop, base):
        page = chromium.new_page(viewport=PHONE, locale="zh-CN")
        hosts = set()
        page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
        page.goto(base)
        page.wait_for_selector("#notice:not([hidden])")
        assert "登录" in page.inner_text("#notice")
        assert not page.is_visible("#assets")
        assert hosts == {base.removeprefix("http://")}
        page.evaluate(
            "() => { const s = document.createElement('script'); s.textContent = 'window.planted = 1'; document.head.append(s); }"
        )
        assert page.evaluate("window.planted") is None  # the policy runs no script but the page's own files
