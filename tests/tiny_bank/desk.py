"""The bank itself: answers every request in the folder, and keeps what it booked."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from migration.domain.ports import Clock


def _luhn_digit(body: str) -> str:
    digits = [int(digit) * (2 - at % 2) for at, digit in enumerate(reversed(body))]
    return str(-sum(sum(divmod(digit, 10)) for digit in digits) % 10)


class TinyDesk:
    """`declines`: keys that are not taken."""

    def __init__(self, folder: Path, clock: Clock, declines: tuple[str, ...] = ()) -> None:
        self._folder, self._clock, self._declines = folder, clock, declines
        self.owners: dict[str, str] = {}  # account -> name
        self.booked: dict[str, int] = {}  # debt -> fen

    def tick(self) -> None:
        """Answer what has come since."""
        for request in sorted((self._folder / "out").rglob("TINY-ask-*")):
            place = self._folder / "in" / request.parent.relative_to(self._folder / "out")
            result = place / request.name.replace("-ask-", "-tell-")
            if result.exists():
                continue
            lines = [self._answer(json.loads(line)) for line in request.read_text().splitlines()]
            place.mkdir(parents=True, exist_ok=True)
            result.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
            written = self._clock.now().timestamp()
            os.utime(result, (written, written))

    def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["key"] in self._declines:
            return {"asked": asked, "outcome": "declined", "why": "E7", "owner": self._owner(asked)}
        if "kind" in asked:
            body = f"8800{len(self.owners) + 1:011}"
            self.owners[body + _luhn_digit(body)] = asked["name"]
            return {"asked": asked, "outcome": "to_activate", "account": body + _luhn_digit(body)}
        told = {"asked": asked, "outcome": "booked", "owner": self._owner(asked)}
        if "holder_account" not in asked:
            return told
        self.booked[asked["key"]] = self.booked.get(asked["key"], 0) + asked["amount_fen"]
        return told | {"receipt": f"R{len(self.booked):09}"}

    def _owner(self, asked: dict[str, Any]) -> str:
        return self.owners.get(asked.get("borrower_account", asked.get("holder_account", "")), "")
