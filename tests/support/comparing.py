"""Kill, finish, compare: shared by the tests and by the campaign."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.support import killed


def kill_and_finish(starter: killed.Starter, undisturbed: Path, root: Path, url: str, point: str) -> list[str]:
    """Kill at the point, run again; what differs from the undisturbed run."""
    killed.prepare(root)
    ended = starter.run(root, url, point)
    if ended != -signal.SIGKILL:
        return [f"not reached: the first process ended with {ended}"]
    ended = starter.run(root, url)
    if ended != 0:
        return [f"the second process ended with {ended}: {(root / 'errors').read_text()[-500:]}"]
    return differences(root, undisturbed)


def differences(root: Path, undisturbed: Path) -> list[str]:
    """What a world shows that an undisturbed one does not: exports, request files, deliveries, the bank's effects."""
    theirs, ours = killed.handed_out(undisturbed), killed.handed_out(root)
    wrong = [f"export {name}" for name, content in theirs.items() if ours.get(name) != content]
    wrong += [f"export {name}: not there before" for name in ours.keys() - theirs.keys()]
    if killed.sent(root) != killed.sent(undisturbed):
        wrong.append("requests")
    if killed.effects(root).keys() != killed.effects(undisturbed).keys():
        wrong.append("effects at the bank")
    wrong += [f"{name}: sent twice, not the same" for name, d in killed.deliveries(root).items() if len(set(d)) > 1]
    wrong += [f"{key}: {n} bank effects" for key, n in killed.effects(root).items() if n != 1]
    return wrong
