"""Live progress on the terminal: the stages, how far each is, what is waited for; plain lines where no terminal is."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from migration.domain.wording import STAGES as STAGE_NAMES
from migration.stages.order import ROUNDS, STAGES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from migration.demo.rest import TaskState

ORDER: Final = (*STAGES[: STAGES.index("residual")], ROUNDS, *STAGES[STAGES.index("residual") :])
TITLES: Final = {stage: " ".join(STAGE_NAMES[stage]) for stage in ORDER}
MARKS: Final = {
    "done": ("✔", "green"),
    "failed": ("✘", "red"),
    "waiting": ("…", "yellow"),
    "running": ("▶", "cyan"),
    "later": ("·", "dim"),
    "skipped": ("–", "dim"),
}
KEPT_LINES: Final = 6


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one stage is: `state` is a key of MARKS; `current` names the task and batch at work."""

    stage: str
    state: str
    done: int
    total: int
    current: str


def progress(tasks: Sequence[TaskState]) -> list[Progress]:
    """Sum the task instances of a run up by stage, in order."""
    by_stage = {stage: [task for task in tasks if task.stage == stage] for stage in ORDER}
    return [_of(stage, by_stage[stage]) for stage in ORDER]


def _of(stage: str, tasks: Sequence[TaskState]) -> Progress:
    states = Counter(task.state for task in tasks)
    done = states["success"] + states["skipped"]
    at_work = next((t for t in tasks if t.state in {"up_for_reschedule", "running", "up_for_retry", "failed"}), None)
    current = "" if at_work is None else " ".join(filter(None, (at_work.step, at_work.batch)))
    if states["failed"]:
        state = "failed"
    elif tasks and states["skipped"] == len(tasks):
        state = "skipped"
    elif tasks and done == len(tasks):
        state = "done"
    elif states["up_for_reschedule"]:
        state = "waiting"
    else:
        state = "running" if at_work or done else "later"
    return Progress(stage, state, done, len(tasks), current)


@dataclass
class Screen:
    """What the terminal shows. `say` adds a line; `show` brings the table up to date."""

    console: Console = field(default_factory=Console)
    began: float = field(default_factory=time.monotonic)
    _rows: list[Progress] = field(default_factory=list)
    _lines: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    _live: Live | None = None
    _told: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._live = Live(self._view(), console=self.console, refresh_per_second=4)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def say(self, text: str) -> None:
        """Tell one thing that happened."""
        line = f"{self._clock()}  {text}"
        if self._live is None:
            self.console.print(line, markup=False, highlight=False, soft_wrap=True)
            return
        self._lines.append(line)
        self._live.update(self._view())

    def show(self, rows: Sequence[Progress]) -> None:
        """Show where the stages are; where there is no terminal, tell only what changed."""
        self._rows = list(rows)
        if self._live is not None:
            self._live.update(self._view())
            return
        for row in rows:
            if row.state != "later" and self._told.get(row.stage) != row.state:
                self._told[row.stage] = row.state
                self.say(f"{MARKS[row.state][0]} {TITLES[row.stage]}: {row.state} {row.current}".rstrip())

    def _clock(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self.began), 60)
        return f"{minutes:02d}:{seconds:02d}"

    def _view(self) -> Group:
        table = Table(title=f"资金存管迁移 Cutover  {self._clock()}", title_justify="left", expand=False)
        table.add_column("")
        table.add_column("阶段 Stage", min_width=26)
        table.add_column("任务 Tasks", justify="right")
        table.add_column("正在 Now", min_width=32)
        for row in self._rows:
            mark, style = MARKS[row.state]
            count = f"{row.done}/{row.total}" if row.total else ""
            table.add_row(Text(mark, style), Text(TITLES[row.stage], style), count, Text(row.current, style))
        return Group(table, *(Text(line, "dim") for line in self._lines))
