"""curves.png: a run's losses, validation figures and learning rate over its steps."""

from colornet.files import write_whole

PANELS = (
    ("mse", "val_mse"),
    ("cross_entropy",),
    ("val_rmse_ab",),
    ("val_psnr",),
    ("val_top1",),
    ("learning_rate",),
)


def draw_curves(rows, path):
    """Draw the rows of a metrics.jsonl, whole or not at all; raises OSError."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 6), layout="constrained")
    for axes, names in zip(figure.subplots(2, 3).flat, PANELS):
        for name in names:
            points = [(row["step"], row[name]) for row in rows if row.get(name) is not None]
            if points:
                axes.plot(*zip(*points), label=name)
        axes.set_title(", ".join(name for name in names if name != "val_mse"))
        axes.set_xlabel("step")
    write_whole(path, figure.savefig)
