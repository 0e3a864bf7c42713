"""Real kills made cheap: the whole cutover is cut at the end of every stage, and a kill replays only its own piece.

The undisturbed cutover is played by one process a piece; each is killed when its stage is done, and the world it leaves
(the folder, and the database as a template) is kept. A kill then begins with a copy of the world before its piece; after it
another process goes on to the end of the piece, where exports, request files, deliveries and the bank's effects must be those
of the undisturbed world; where they are not, it goes on to the end of all, and there they must be. That the pieces together end as one process alone would is checked when they are made.
"""

from __future__ import annotations

import random
import shutil
import signal
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg

from migration.journal.embedded import Embedded
from tests.support import killed
from tests.support.comparing import differences

PIECES = 40
"""More than there are: a story that does not end is an error."""
LET_GO_S = 20
"""How long a killed process's connections may take to end."""
END = "*.after_done"


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece: the world before it, the one after it, the point where it ends ("" for the last), its points."""

    number: int
    before: Path
    after: Path
    end: str
    points: dict[str, int]  # name -> how often


@dataclass(frozen=True, slots=True)
class Kill:
    """Where to kill; `again` is a point at which the process that finishes is killed too."""

    piece: int
    point: str
    again: str = ""

    def __str__(self) -> str:
        return f"{self.piece}:{self.point}" + (f"+{self.again}" if self.again else "")


class Segments:
    """The worlds between the pieces, and kills in them."""

    def __init__(self, place: Path, server: Embedded, starter: killed.Starter) -> None:
        self._place, self._server, self._starter = place, server, starter
        self._names = (f"{place.name}_{n}".replace("-", "_") for n in count())
        self._databases: dict[Path, str] = {}
        self._urls: dict[Path, str] = {}
        self._postgres = server.url("postgres")
        self.pieces: list[Piece] = []

    def build(self) -> None:
        """Play the undisturbed cutover, piece by piece."""
        world = self._place / "world0"
        killed.prepare(world)
        self._databases[world] = next(self._names)
        self._server.url(self._databases[world])
        for number in range(PIECES):
            after = self._restored(world, f"world{number + 1}")
            (after / "trace").write_text("")
            ended = self._starter.run(after, self._urls[after], END)
            assert ended in {0, -signal.SIGKILL}, (after / "errors").read_text()[-2000:]
            points = killed.points(after)
            end = list(points)[-1] if ended else ""
            self.pieces.append(Piece(number, world, after, end, points))
            world = after
            if ended == 0:
                return
        raise AssertionError("the story does not end")

    def close(self) -> None:
        """Drop the databases."""
        for database in self._databases.values():
            self._server.drop(database)

    def names(self) -> list[str]:
        """Every named point, in the order of the first time."""
        return list(dict.fromkeys(name for piece in self.pieces for name in piece.points))

    def plan(self, times: int, seed: int, names: list[str] | None = None) -> list[Kill]:
        """`times` kills at every name: each occurrence once, then with a second kill at a drawn point. Names take turns."""
        dice = random.Random(seed)
        of: dict[str, list[Kill]] = {}
        for name in self.names():
            where = [
                Kill(piece.number, f"{name}@{n}")
                for piece in self.pieces
                for n in range(1, piece.points.get(name, 0) + 1)
            ]
            dice.shuffle(where)
            again = [
                Kill(one.piece, one.point, dice.choice([p for p in self.pieces[one.piece].points if p != name]))
                for one in where * times
            ]
            of[name] = [*where, *again][:times]
        return [of[name][n] for n in range(times) for name in names or of]

    def kill(self, kill: Kill) -> list[str]:
        """Kill, let another process go on to the end of the piece; what differs then. Leaves nothing behind."""
        piece = self.pieces[kill.piece]
        root = self._restored(piece.before, f"case{kill.piece}")
        url = self._urls[root]
        try:
            ended = self._starter.run(root, url, kill.point)
            if ended != -signal.SIGKILL:
                return [f"not reached: the first process ended with {ended}"]
            ended = self._go_on(root, url, kill.again)
            if ended not in {0, -signal.SIGKILL}:
                return [f"the last process ended with {ended}: {(root / 'errors').read_text()[-500:]}"]
            found = differences(root, self._end(piece, "" if ended == 0 else _last(root)).after)
            return self._at_the_end(root, url) if found and ended else found
        finally:
            self._server.drop(self._databases.pop(root))
            del self._urls[root]
            shutil.rmtree(root)

    def _at_the_end(self, root: Path, url: str) -> list[str]:
        """What differs when all is done: killed between two things that the operator does, a stage may end before the second."""
        ended = self._starter.run(root, url)
        return differences(root, self.pieces[-1].after) if ended == 0 else [f"the last process ended with {ended}"]

    def _go_on(self, root: Path, url: str, again: str) -> int:
        """Another process, to the end of a stage; one more when that was killed too."""
        if again:  # after the first kill it may no longer be on the way: then the end comes first
            ended = self._starter.run(root, url, f"{again},{END}")
            if ended != -signal.SIGKILL or _last(root).endswith(END[1:]):
                return ended
        return self._starter.run(root, url, END)

    def _end(self, piece: Piece, end: str) -> Piece:
        """The piece that ends so: this one, or the next when the kill came after this one's stage was done."""
        return next((one for one in self.pieces[piece.number :] if one.end == end), piece)

    def _restored(self, world: Path, name: str) -> Path:
        """A copy of a world: folder and database."""
        root = self._place / name
        shutil.copytree(world, root, symlinks=True)
        self._alone(self._databases[world])
        self._databases[root] = next(self._names)
        self._urls[root] = self._server.clone(self._databases[world], self._databases[root])
        return root

    def _alone(self, database: str) -> None:
        """Wait until nobody is connected: only then can a database be copied."""
        url = self._postgres.replace("+psycopg", "", 1)
        late = time.monotonic() + LET_GO_S
        with psycopg.connect(url, autocommit=True) as admin:
            query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
            while admin.execute(query, [database]).fetchone() != (0,):
                assert time.monotonic() < late, f"{database} is still in use"
                time.sleep(0.02)


def _last(root: Path) -> str:
    """The point that was reached last."""
    return (root / "trace").read_text().split()[-1]
