"""curves.png: a run's losses, validation figures and learning rate over its steps."""

from collections.abc import Sequence
from typing import Any

from colornet.files import whole_file

PANELS = (
    ("mse", "val_mse"),
    ("cross_entropy", "val_cross_entropy"),
    ("val_rmse_ab", "val_rmse_ab_gray", "val_rmse_ab_mean_color"),
    ("val_psnr",),
    ("val_top1",),
    ("learning_rate",),
)
UNITS = {"rmse_ab": "Lab units", "psnr": "dB", "top1": "share"}
LINES = {  # figures of the records, the same at every step
    "val_rmse_ab_gray": ("gray", "gray"),
    "val_rmse_ab_mean_color": ("the records' mean color", "tab:red"),
}


def draw_curves(rows: Sequence[dict[str, Any]], path: str) -> None:
    """Draw the rows of a metrics.jsonl, whole or not at all; raises OSError."""
    with whole_file(path) as file:
        figure(rows).savefig(file, format="png")


def figure(rows: Sequence[dict[str, Any]]) -> Any:
    """matplotlib's Figure of the rows of a metrics.jsonl."""
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(12, 6))
    # By hand: a constrained layout takes twice the time.
    drawn.subplots_adjust(left=0.06, right=0.98, bottom=0.08, top=0.94, hspace=0.32)
    for axes, names in zip(drawn.subplots(2, 3).flat, PANELS):
        for name in names:
            points = [(row["step"], row[name]) for row in rows if row.get(name) is not None]
            if not points:
                continue
            if name in LINES:
                label, color = LINES[name]
                axes.axhline(points[-1][1], label=label, color=color, linestyle="--")
            else:
                label = "validation" if name.startswith("val_") else "training"
                axes.plot(*zip(*points), label=label, marker="." if len(points) == 1 else None)
        title = names[0].removeprefix("val_")
        axes.set(title=title, xlabel="step", ylabel=UNITS.get(title))
        if axes.get_legend_handles_labels()[0]:
            axes.legend()
    return drawn
