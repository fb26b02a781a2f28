"""How far a deployment is: a line for each phase in a notebook, and in a terminal."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import Any, Protocol

from IPython.display import display

from byzer_nb._lang import say
from byzer_nb.cluster.deployment import DeployedModel, DeployStep, Phase

from .footer import small


class DeployView(Protocol):
    """Where the steps of a deployment are shown."""

    def show(self, step: DeployStep | DeployedModel) -> DeployedModel | None:
        """Show a step; the last item is the model itself, which comes back."""
        ...

    def begin(self) -> None:
        """Take the place in the cell, for steps that come when the cell is over."""
        ...

    def fail(self, why: str = "") -> None:
        """Say that it ended badly, and why, unless the error itself is shown."""
        ...


def view_for(shell: Any, name: str) -> DeployView:  # Any: IPython has no types
    """The view that suits where the shell runs."""
    return TerminalView(name) if getattr(shell, "kernel", None) is None else NotebookView(name)


class NotebookView:
    """One output, repainted in place: the phases with their times, and the workers' log, folded."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._steps: dict[Phase, DeployStep] = {}  # the newest of each phase
        self._log: tuple[str, ...] = ()
        self._is_failed = False
        self._why = ""
        self._handle: Any = None  # display handles have no types

    def show(self, step: DeployStep | DeployedModel) -> DeployedModel | None:
        if isinstance(step, DeployedModel):
            return step
        self._log = step.log or self._log
        if step.phase != "failed":
            self._steps[step.phase] = step
        self._paint()
        return None

    def begin(self) -> None:
        self._paint()

    def fail(self, why: str = "") -> None:
        self._is_failed = True
        self._why = why
        self._paint()

    def _paint(self) -> None:
        lines = [_line(step) for step in self._shown()]
        html = "".join(f"<div>{mark} {small(line)}</div>" for mark, line in zip(self._marks(), lines, strict=True))
        if self._why:
            html += f"<div><b>{escape(self._why)}</b></div>"
            lines.append(self._why)
        if self._log:
            title = small(say(en="log of worker 0", zh="worker 0 的日志"))
            text = escape("\n".join(self._log))
            is_open = " open" if self._is_failed else ""
            html += f"<details{is_open}><summary>{title}</summary><pre>{text}</pre></details>"
        bundle = {"text/html": html, "text/plain": "\n".join(lines)}
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)

    def _shown(self) -> list[DeployStep]:
        """The newest step of each phase; a phase that is over has come to its end."""
        steps = list(self._steps.values())
        return [replace(step, placed=step.workers, ready=step.workers) for step in steps[:-1]] + steps[-1:]

    def _marks(self) -> list[str]:
        count = len(self._steps)
        if not count:
            return []
        last = "✗" if self._is_failed else "✓" if "ready" in self._steps else "…"
        return ["✓"] * (count - 1) + [last]


class TerminalView:
    """A printed line for each new phase."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._phase: Phase | None = None
        self._log: tuple[str, ...] = ()

    def show(self, step: DeployStep | DeployedModel) -> DeployedModel | None:
        if isinstance(step, DeployedModel):
            return step
        self._log = step.log or self._log
        if step.phase not in (self._phase, "failed"):
            self._phase = step.phase
            print(_line(step))
        return None

    def begin(self) -> None:
        print(say(en=f"{self._name} is deployed meanwhile", zh=f"正在后台部署 {self._name}"))

    def fail(self, why: str = "") -> None:
        for line in [*self._log, *([why] if why else [])]:
            print(f"  {line}")


def _line(step: DeployStep) -> str:
    seconds = f"{step.seconds:.1f} s"
    of = f"{step.workers}"
    words = {
        "checking": say(en="checking", zh="检查"),
        "placing": say(en=f"placing {step.placed} of {of}", zh=f"安排 {step.placed}/{of}"),
        "loading": say(en=f"loading, {step.ready} of {of} ready", zh=f"加载，{step.ready}/{of} 就绪"),
        "ready": say(en="ready", zh="就绪"),
    }
    return f"{words.get(step.phase, step.phase)} · {seconds}"
