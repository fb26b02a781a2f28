"""The figures of the model card: the table of scores, and the loss curve as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from byzer_nb.train.tiny.evaluation import Answer, Score, scores


def score_table(seen: Sequence[Answer], unseen: Sequence[Answer]) -> str:
    """A Markdown table: each task on wordings of the training, and on those kept out of it."""
    known = {score.task: score for score in scores(seen)}
    others = {score.task: score for score in scores(unseen)}
    lines = ["| task | new values | new values and new wordings |", "|---|---|---|"]
    for task in {**known, **others}:
        lines.append(f"| {task} | {_share(known.get(task))} | {_share(others.get(task))} |")
    return "\n".join(lines) + "\n"


def mistakes(given: Sequence[Answer], *, of_each: int = 5) -> str:
    """Some wrong answers of each task, to be read by whoever wants to make the next model better."""
    by_task: dict[str, list[str]] = {}
    for answer in given:
        if not answer.is_right:
            told = f"asked:  {answer.example.prompt_text()}\nwanted: {answer.example.answer}\nsaid:   {answer.text}\n"
            by_task.setdefault(answer.example.task, []).append(told)
    return "\n".join(f"# {task}\n\n" + "\n".join(by_task[task][:of_each]) for task in sorted(by_task))


def loss_picture(losses: Sequence[tuple[float, float]], file: Path, *, smooth: int = 20) -> None:
    """Draw the loss over the tokens, each point the mean of a few steps."""
    from matplotlib.figure import Figure  # half a second to import, and only wanted here
    from matplotlib.ticker import ScalarFormatter

    points = [losses[at : at + smooth] for at in range(0, len(losses), smooth)]
    figure = Figure(figsize=(6, 3), dpi=80, layout="constrained")
    axes = figure.add_subplot()
    axes.plot(
        [point[-1][0] for point in points],
        [sum(loss for _, loss in point) / len(point) for point in points],
        linewidth=1.5,
    )
    axes.set(xlabel="million tokens", ylabel="loss")
    axes.set_yscale("log", base=2)
    axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.grid(visible=True, which="both", alpha=0.3)
    figure.savefig(file)


def _share(score: Score | None) -> str:
    return "" if score is None else f"{score.right}/{score.total} ({score.share:.1%})"
