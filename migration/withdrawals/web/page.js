"use strict";
// Money is integer fen everywhere; yuan only where it is shown or typed.
const $ = id => document.getElementById(id);
let language = localStorage.getItem("language") || (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");
let text = TEXTS[language], csrf = "", assets = null, order = null, timer = 0;

const yuan = fen => `${Math.trunc(fen / 100).toLocaleString("en-US")}.${String(fen % 100).padStart(2, "0")}`;
const time = iso => new Date(iso).toLocaleString(text.locale, { timeZone: "Asia/Shanghai", dateStyle: "medium", timeStyle: "short" });
const show = (id, on) => { $(id).hidden = !on; };

function fen(typed) {
  const match = /^(\d{1,9})(?:\.(\d{1,2}))?$/.exec(typed.trim().replaceAll(",", ""));
  return match ? Number(match[1]) * 100 + Number((match[2] || "0").padEnd(2, "0")) : 0;
}

async function call(path, body, key) {
  const headers = { "Accept-Language": language };
  if (body) Object.assign(headers, { "Content-Type": "application/json", "X-CSRF-Token": csrf });
  if (key) headers["Idempotency-Key"] = key;
  const answer = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), credentials: "same-origin" });
  const said = await answer.json();
  if (!answer.ok) throw said;
  return said;
}

function explain(problem) {
  if (!problem.code) return text.offline;
  if (problem.status === 401) return text.signin;
  const parts = [language === "en" ? problem.title_en : problem.title_zh];
  if (problem.opens_at) parts.push(text.opens(time(problem.opens_at)));
  if (problem.largest_fen) parts.push(text.more(yuan(problem.largest_fen)));
  return parts.join(" ");
}

function tell(message, good) {
  $("notice").textContent = message;
  $("notice").style.color = good ? "var(--green)" : "";
  show("notice", Boolean(message));
}

function translate() {
  text = TEXTS[language];
  document.documentElement.lang = text.locale;
  document.title = text.title;
  for (const place of document.querySelectorAll("[data-text]")) place.textContent = text[place.dataset.text];
  $("language").textContent = text.other;
  $("language").lang = language === "zh" ? "en" : "zh-CN";
}

const chosen = () => assets && assets.legacy && assets.legacy.accounts.find(a => a.escrow_id === $("account").value);

function drawAssets() {
  const { custody, legacy, total_fen } = assets;
  $("total").textContent = total_fen === null ? "—" : yuan(total_fen);
  $("total-note").textContent = text.totalNote;
  show("total-note", total_fen === null);
  $("custody").textContent = !custody.opened ? text.notOpened : custody.balance_fen === null ? text.unknown : yuan(custody.balance_fen);
  show("legacy-line", legacy);
  if (legacy) $("legacy").textContent = yuan(legacy.left_fen + legacy.in_transit_fen + legacy.frozen_fen);
  $("bind").textContent = custody.opened ? text.bind : text.open;
  show("bind", !custody.opened || !custody.activated);
  show("assets", true);
  show("withdraw", legacy && legacy.left_fen > 0);
  if (legacy) drawAccounts(legacy.accounts.filter(a => a.left_fen > 0));
}

function drawAccounts(accounts) {
  const before = $("account").value;
  $("account").replaceChildren(...accounts.map(a => new Option(text.option(a.escrow_id, yuan(a.left_fen)), a.escrow_id)));
  if (accounts.some(a => a.escrow_id === before)) $("account").value = before;
  drawChosen();
}

function drawChosen() {
  const account = chosen();
  if (!account) return;
  const parts = [!account.card_last4 ? text.noCard : account.largest_fen ? text.left(yuan(account.largest_fen), account.card_last4) : text.tooLittle];
  if (account.frozen_fen) parts.push(text.frozen(yuan(account.frozen_fen)));
  if (account.in_transit_fen) parts.push(text.transit(yuan(account.in_transit_fen)));
  parts.push(assets.legacy.free_left ? text.free(assets.legacy.free_left) : text.noFree);
  $("account-note").textContent = parts.join(" ");
  $("next").disabled = !account.card_last4 || !account.largest_fen || account.in_transit_fen > 0;
}

function drawHistory(withdrawals) {
  $("list").replaceChildren(...withdrawals.map(w => {
    const item = document.createElement("li"), first = document.createElement("p"), sum = document.createElement("span");
    const state = document.createElement("span"), note = document.createElement("p");
    first.className = "first"; note.className = "note"; state.className = `state ${w.state}`;
    sum.textContent = yuan(w.amount_fen);
    state.textContent = text.states[w.state];
    const parts = [time(w.requested_at), w.escrow_id, text.routes[w.route], w.fee_fen ? text.feeOf(yuan(w.fee_fen)) : text.noFee];
    if (w.state === "requested" || w.state === "in_transit") parts.push(`${text.arrives} ${text.by(time(w.arrives_by))}`);
    if (text.ended[w.state]) parts.push(text.ended[w.state]);
    note.textContent = parts.join(" · ");
    first.append(sum, state);
    item.append(first, note);
    return item;
  }));
  show("none", withdrawals.length === 0);
  show("history", true);
}

async function refresh() {
  clearTimeout(timer);
  try {
    const session = await call("/me/session");
    csrf = session.csrf;
    const [found, withdrawals] = await Promise.all([call("/me/assets"), call("/me/withdrawals")]);
    assets = found;
    drawAssets();
    drawHistory(withdrawals);
    if (withdrawals.some(w => w.state === "requested" || w.state === "in_transit")) timer = setTimeout(refresh, 5000);
  } catch (problem) {
    if (problem.status === 401) for (const id of ["assets", "withdraw", "history"]) show(id, false);
    tell(explain(problem));
  }
  $("main").setAttribute("aria-busy", "false");
}

function complain(message) {
  $("amount-note").textContent = message;
  $("amount-note").classList.toggle("problem-text", Boolean(message));
  $("amount").setAttribute("aria-invalid", String(Boolean(message)));
}

async function ask(event) {
  event.preventDefault();
  tell("");
  const account = chosen(), amount = fen($("amount").value);
  if (!account || amount < 1) return complain(text.bad);
  complain("");
  $("next").disabled = true;
  try {
    const quote = await call("/me/withdrawals/quote", { escrow_id: account.escrow_id, amount_fen: amount });
    // One key for this confirmation: pressed twice, or sent again after a lost answer, it is still one withdrawal.
    order = { body: { escrow_id: account.escrow_id, amount_fen: amount }, key: crypto.randomUUID() };
    $("c-amount").textContent = yuan(quote.amount_fen);
    $("c-fee").textContent = yuan(quote.fee_fen);
    $("c-total").textContent = yuan(quote.amount_fen + quote.fee_fen);
    $("c-card").textContent = text.cardTail(account.bank, account.card_last4);
    $("c-arrives").textContent = text.by(time(quote.arrives_by));
    show("c-problem", false);
    $("yes").disabled = false;
    $("confirm").showModal();
  } catch (problem) {
    complain(explain(problem));
  }
  drawChosen();
}

async function confirmed() {
  $("yes").disabled = true;
  try {
    await call("/me/withdrawals", order.body, order.key);
    $("confirm").close();
    $("amount").value = "";
    tell(text.sent, true);
    await refresh();
    $("notice").focus(); // what had the focus may be gone
  } catch (problem) {
    $("c-problem").textContent = explain(problem);
    show("c-problem", true);
    $("yes").disabled = Boolean(problem.code) && problem.status < 500; // a refusal stands; a lost answer may be asked for again
  }
}

$("form").addEventListener("submit", ask);
$("yes").addEventListener("click", confirmed);
$("back").addEventListener("click", () => { $("confirm").close(); refresh(); });
$("account").addEventListener("change", drawChosen);
$("all").addEventListener("click", () => {
  const account = chosen();
  if (!account) return;
  $("amount").value = yuan(account.largest_fen);
  $("amount").focus();
});
$("language").addEventListener("click", () => {
  language = language === "zh" ? "en" : "zh";
  localStorage.setItem("language", language);
  translate();
  tell("");
  refresh();
});
addEventListener("pageshow", event => { if (event.persisted) refresh(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
translate();
refresh();
