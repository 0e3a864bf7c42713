"""`make rehearse`: a whole cutover of sample_data/ from the command line, without Airflow.

Every step is a `cutover` command that is printed before it runs, so it shows how a night goes: the bank is a process of
its own, two people approve, operations hands in corrections, compliance signs. Ends with the settlement drill, the
exports and the report.
With `--sftp` the files travel over the sandbox's SFTP server instead of through a shared folder; with `--query` the bank
answers questions, too.
"""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

from migration.sandbox.bank.query_keys import PASSWORD

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "sample_data"
CUTOVER = str(Path(sys.executable).with_name("cutover"))
CONFIG = ["--config", "sample_data/cutover.toml"]
APPROVE = ["--approve-as", "approver-1", "--approve-as", "approver-2"]


def cutover(*words: str, expect: int = 0, quiet: bool = False) -> str:
    """Run a command as a person would; its standard output. Another exit code than expected ends the rehearsal."""
    if not quiet:
        shown = [w if len(w) < 40 else w[:37] + "..." for w in words[:8]] + (["..."] if len(words) > 8 else [])
        print(f"$ cutover {' '.join(shown)}", flush=True)
    done = subprocess.run([CUTOVER, *CONFIG, *words], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != expect:
        sys.exit(f"cutover {words[0]} ended with {done.returncode}, expected {expect}")
    return done.stdout


def decide(file: str, option: str) -> None:
    """Sign, or send again, what a file of sample_data/ names and what is open now."""
    listed = json.loads(cutover("exceptions", "--json", quiet=True))
    ids = {(r["entity"], r["key"], r["code"]): r["id"] for r in listed if r["state"] == "open"}
    with (SAMPLE / file).open(encoding="utf-8", newline="") as stream:
        wanted = [row for row in csv.DictReader(stream) if (row["entity"], row["key"], row["code"]) in ids]
    by_person: dict[tuple[str, str], list[str]] = {}
    for row in wanted:
        found = ids[row["entity"], row["key"], row["code"]]
        by_person.setdefault((row["name"], row["reason"]), []).append(found)
    for (name, reason), chosen in by_person.items():
        options = [word for one in chosen for word in (option, one)]
        cutover("exceptions", *options, "--as", name, "--reason", reason)


def start_bank(*, sftp: bool, query: bool) -> subprocess.Popen[str]:
    """Start the sandbox bank; what it says of its further ways in is set for every command that follows."""
    argv = [CUTOVER, *CONFIG, "sandbox", "bank", "--faults", "sample_data/bank_faults.toml"]
    argv += [*(("--sftp", "0") if sftp else ()), *(("--port", "0") if query else ())]
    unbuffered = os.environ | {"PYTHONUNBUFFERED": "1"}
    bank = subprocess.Popen(argv, cwd=ROOT, env=unbuffered, stdout=subprocess.PIPE, text=True)
    output = bank.stdout or ()
    for line in output:
        facts = said(line)
        os.environ.update({f"CUTOVER__BANK__{key.upper()}": value for key, value in facts.items()})
        if line.endswith("open\n"):
            break
    threading.Thread(target=lambda: [None for _ in output], daemon=True).start()  # or the pipe fills and the bank stops
    return bank


def said(line: str) -> dict[str, str]:
    """Keys of [bank] for what a line of the bank announces: its SFTP server, its query counter, or nothing."""
    if " sftp on " in line:
        facts = dict(re.findall(r'(port|known_host_key|key_file) = "?([^",\n]+)', line))
        return facts | {"transport": "sftp", "host": "127.0.0.1", "username": "platform"}
    if found := re.fullmatch(r"questions: (\S+), keys: (.+)\n", line):
        keys = Path(found[2])
        return {
            "query_url": found[1],
            "query_key_file": str(keys / "platform.p12"),
            "query_key_password": PASSWORD,
            "query_bank_certificate": str(keys / "bank.pem"),
            "query_ca_file": str(keys / "tls.pem"),
            "query_inst_code": "00000187",
            "query_bank_code": "30050000",
        }
    return {}


def main() -> None:
    """Carry the rehearsal out; safe to repeat: a cutover that is done is shown."""
    began = time.monotonic()
    bank = start_bank(sftp="--sftp" in sys.argv, query="--query" in sys.argv)
    try:
        if not json.loads(cutover("status", "--json", quiet=True))["done"]:
            carry_out()
        cutover("drill", "settle")
        cutover("export", "--out", "var/out")
        report = cutover("report", "--out", "var/report").split()
        print(cutover("status"))
    finally:
        bank.terminate()
        bank.wait(30)
    found = json.loads((ROOT / "var" / "out" / "balance.json").read_text())
    print(
        f"difference {found['difference_fen']} fen; exports var/out; report {' '.join(report)}; {time.monotonic() - began:.0f} s"
    )


def carry_out() -> None:
    """The commands of the night, in order."""
    cutover("run", *APPROVE, expect=4)  # orphans and impossible dates keep preflight shut
    decide("signatures.csv", "--sign")
    cutover("run", "--until", "accounts", *APPROVE)
    cutover("corrections", "sample_data/corrections.csv", "--as", "operations-1")
    cutover("run", *APPROVE, expect=4)  # round 1 goes through debts; exceptions keep residual shut
    cutover("corrections", "sample_data/corrections2.csv", "--as", "operations-1")
    decide("resends.csv", "--resend")
    decide("signatures.csv", "--sign")
    cutover("run", *APPROVE)  # round 2, residual, reconcile


if __name__ == "__main__":
    main()
