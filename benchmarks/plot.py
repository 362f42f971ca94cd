"""The picture: CPU time for each mail, and mails a second, ours in colour and the others in grey."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks import work
from benchmarks.contenders import CONTENDERS, OURS
from benchmarks.figures import rounded
from benchmarks.report import floor_cpu, of, valid

if TYPE_CHECKING:
    from pathlib import Path

BLUE, GREY, LIGHT, INK = "#0072B2", "#9A9A9A", "#CFCFCF", "#333333"
"""Blue and greys differ in lightness too, for whoever sees no colours."""

FLOOR = "the floor"


def draw(path: Path, records: list[dict[str, Any]], seen: dict[str, str]) -> None:
    """Draw one panel for CPU time and one for the rates; SVG or PNG, as the path ends."""
    import matplotlib as mpl  # noqa: PLC0415 - only `make bench` installs it

    mpl.use("svg" if path.suffix == ".svg" else "agg")
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "bench", "font.family": "sans-serif", "font.size": 10})
    from matplotlib import pyplot as plt  # noqa: PLC0415

    both = [one for one in records if one.get("template") == work.BOTH]
    counts = sorted({one["processes"] for one in both})
    names = [one.name for one in CONTENDERS if valid(both, contender=one.name, processes=counts[0])][::-1]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.2, 3.6), layout="constrained")
    _cpu(left, both, names, counts[0], floor_cpu(records))
    _rates(right, both, names, counts)
    for panel in (left, right):
        panel.spines[["top", "right", "bottom"]].set_visible(False)
        panel.tick_params(left=False, bottom=False, labelbottom=False, colors=INK)
        panel.margins(x=0.18)
    where = f"{seen['cores']} cores of {seen['processor']}, RabbitMQ {seen['RabbitMQ']}, Python {seen['Python']}"
    figure.supxlabel(f"{where}; medians. {seen['command']}, {seen['day']}", fontsize=8, color=INK)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else {}, dpi=110)
    plt.close(figure)


def _cpu(panel: Any, records: list[dict[str, Any]], names: list[str], count: int, least: float) -> None:
    values = {name: of(valid(records, contender=name, processes=count), "cpu_per_mail").median for name in names}
    if least:
        values = {FLOOR: least, **values}
    colours = [BLUE if name == OURS else LIGHT if name == FLOOR else GREY for name in values]
    bars = panel.barh(list(values), list(values.values()), color=colours, height=0.7)
    panel.bar_label(bars, [f"{rounded(value)} ms" for value in values.values()], padding=4, color=INK)
    panel.set_title("CPU time for a mail: less is better", loc="left", color=INK, fontsize=11)
    _embolden(panel)


def _rates(panel: Any, records: list[dict[str, Any]], names: list[str], counts: list[int]) -> None:
    height = 0.8 / len(counts)
    for at, count in enumerate(counts):
        mine = {name: valid(records, contender=name, processes=count) for name in names}
        values = [of(rounds, "rate").median if rounds else 0.0 for rounds in mine.values()]
        places = [number + 0.4 - height * (at + 0.5) for number in range(len(names))]
        colours = [BLUE if name == OURS else GREY for name in names]
        bars = panel.barh(places, values, color=colours, height=height * 0.92, alpha=1 if at else 0.6)
        said = f" with {count} process{'es' if count > 1 else ''}"
        labels = [f"{value:,.0f}{said if name == names[-1] else ''}" for name, value in zip(names, values, strict=True)]
        panel.bar_label(bars, labels, padding=4, color=INK, fontsize=9)
    panel.set_yticks(range(len(names)), names)
    panel.set_title("Mails a second: more is better", loc="left", color=INK, fontsize=11)
    panel.margins(x=0.45)
    _embolden(panel)


def _embolden(panel: Any) -> None:
    for label in panel.get_yticklabels():
        if label.get_text() == OURS:
            label.set_fontweight("bold")
            label.set_color(BLUE)
