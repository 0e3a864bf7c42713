"""The exhaustive crash loop: die before or after every effect of a whole cutover, run again, compare."""

from __future__ import annotations

from typing import Any

from tests.simulation.world import EFFECTS, SimulatedCrash, StillLegacy, World
from tests.support.killed import FAULTS, turns
from tests.support.platform import joined, loan, small

SOURCE = StillLegacy(joined(small(2), loan(9, "U2", {"U2": "70.00", "U3": "30.00"})))
SPOILT = ("APPZX0110-000001", "echo")


class CrashWorld(World):
    """Quarantine, correction, refused debt, signature, two rounds: the story of the real kills, in memory."""

    def __init__(self, *deaths: tuple[int, str]) -> None:
        plan = {k: v for k, v in FAULTS.items() if k != "corrupt"}
        super().__init__(SOURCE, plan, confidence=0, rows_per_file=4)
        self.deaths = list(deaths)
        self.dead = False
        self.effects_seen = 0
        self.reached: list[str] = []
        self.handed: dict[str, set[bytes]] = {}
        self.spoilt_once = False
        self.hook = self._hook

    def _hook(self, when: str, port: str, verb: str) -> None:
        if self.dead:  # not even a dead process's clean-up reaches a port
            raise SimulatedCrash
        if (port, verb) == ("clock", "sleep") and when == "after":
            self._bank()
        if (port, verb) not in EFFECTS:
            return
        if when == "before":
            self.effects_seen += 1
            self.reached.append(f"{port}.{verb}")
        if self.deaths and self.deaths[0] == (self.effects_seen, when):
            del self.deaths[0]
            self.effects_seen = 0
            self.dead = True
            raise SimulatedCrash
        if (port, verb, when) == ("files", "deliver", "after"):
            for name, content in self.sent().items():
                self.handed.setdefault(name, set()).add(content)

    def _bank(self) -> None:
        bank: Any = self.bank
        bank.work()
        for name in bank.waiting():
            first = SPOILT[0] in name and not self.spoilt_once
            self.spoilt_once |= first
            spoilt = bank.spoilt(name, SPOILT[1], 1) if first else None
            bank.answer(name, spoilt or bank.clean(name))

    def finish(self) -> int:
        """Run; after a death another process goes on."""
        while True:
            try:
                return list(turns(self))[-1]
            except SimulatedCrash:
                self.dead = False


def differences(world: CrashWorld, undisturbed: CrashWorld) -> list[str]:
    """What a cutover with deaths shows that one without does not."""
    wrong = []
    ours, theirs = world.exports(), undisturbed.exports()
    wrong += [f"export {name}" for name in theirs if ours[name] != theirs[name]]
    if world.balance() != undisturbed.balance():
        wrong.append("balance")
    if world.sent() != undisturbed.sent():
        wrong.append("requests")
    wrong += [f"{name}: sent twice, not the same" for name, contents in world.handed.items() if len(contents) > 1]
    wrong += [f"{key}: {count} bank effects" for key, count in world.effects().items() if count != 1]
    wrong += [str(finding) for finding in world.store.verify()]
    return wrong


def points(undisturbed: CrashWorld) -> list[tuple[int, str]]:
    """Every place to die: before each effect, and after each delivery. After any other effect only reads follow, so it
    is the same as before the next one.
    """
    found = list(enumerate(undisturbed.reached, start=1))
    return [(k, "before") for k, _ in found] + [(k, "after") for k, name in found if name == "files.deliver"]
