"""`impact compress`: what a data holder hands over in the place of rows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from impact.cli.check import WIDTH, columns_of, language_of, wrapped
from impact.cli.world import built_world
from impact.moments.disclose.rules import LEAST_THRESHOLD, Rules
from impact.text import Language, Text

if TYPE_CHECKING:
    import pandas as pd

    from impact.run.bundle.compress import Compressed, Step

_DEFAULT = Rules()
_STEPS: dict[str, Text] = {
    "data": Text("reading and cleaning", "读取与清洗"),
    "moments": Text("compressing", "压缩"),
    "disclosure": Text("withholding small cells", "隐匿小单元"),
    "noise": Text("measuring what it costs", "测量代价"),
    "write": Text("writing", "写出"),
}


def compress(
    study: Annotated[Path, typer.Argument(help="A study file, such as studies/waiver-eligibility.yaml.")],
    out: Annotated[Path, typer.Option(help="File that receives the bundle, such as waiver.bundle.zip; it appears whole or not at all.")],
    data: Annotated[
        Path | None,
        typer.Option(help="Folder that the study's paths are relative to. [env: IMPACT_DATA; default: data]", show_default=False),
    ] = None,
    threshold: Annotated[int, typer.Option(min=LEAST_THRESHOLD, help="Fewest workers that a number may rest on.")] = _DEFAULT.threshold,
    base: Annotated[int, typer.Option(min=1, help="Counts are rounded to multiples of this.")] = _DEFAULT.base,
    dominance: Annotated[
        float, typer.Option(min=0.5, max=1.0, help="Largest share of a sum that may be of one contributor.")
    ] = _DEFAULT.dominance,
    fine_units: Annotated[
        bool,
        typer.Option("--fine-units", help="Keep units apart that only a benchmark tells apart, at the price of more that is withheld."),
    ] = False,
    least_months: Annotated[int, typer.Option(min=1, help="Fewest months that a unit, or workers of one pattern, must be seen in.")] = (
        _DEFAULT.least_months
    ),
) -> None:
    """Compress a study where its data are: one file that is safe to hand over, and what it says and does not say.

    Runs at the data holder and sends nothing anywhere. IMPACT_LANG=zh prints Chinese.

    Example: impact compress studies/waiver-eligibility.yaml --out waiver.bundle.zip
    """
    from impact.run.bundle.compress import compress_study

    data_root = data or Path(os.environ.get("IMPACT_DATA") or "data")
    language = language_of(os.environ)
    built_world(study, data_root)
    rules = Rules(threshold=threshold, base=base, dominance=dominance, least_months=least_months)
    with _progress(language) as on_step:
        written = compress_study(study, data_root, out, rules, os.environ, on_step, fine_units)
    for line in lines_of(written, language):
        typer.echo(line)


def lines_of(written: Compressed, language: Language) -> list[str]:
    """Lay out for a terminal of 80 columns what is in a bundle, what was withheld and what that costs."""
    from impact.report.sections.bundle import worth

    provenance, record = written.bundle.provenance, written.bundle.record
    stamp = ["SYNTHETIC / 合成数据"] if provenance["synthetic"] else []
    lines = [*stamp, *wrapped(f"{provenance['study']}: {provenance['title'][language]}"), ""]
    lines += [line for sentence in record["sentences"] for line in _bullet(sentence[language])]
    lines += ["", *_noise(written.noise, language)]
    lines += ["", *wrapped(worth(record["noise"])[language])]
    if written.left_out:
        lines += ["", Text("Cannot be estimated from the bundle", "无法由数据包估计")[language]]
        lines += [line for name, reason in written.left_out.items() for line in _bullet(f"{name}: {reason[language]}")]
    return [*lines, "", *_where(written, language)]


def _bullet(text: str) -> list[str]:
    first = wrapped(f"- {text}", "  ")
    return [first[0].removeprefix("  "), *first[1:]]


def _noise(noise: pd.DataFrame, language: Language) -> list[str]:
    from impact.run.bundle.statement import noise_title

    head = Text(
        "Every estimate from all cells (stays here), from the bundle, and their difference in standard errors",
        "各项估计：全部单元（仅在此显示）、数据包、两者之差（标准误）",
    )
    lines = wrapped(head[language])
    for row in noise.astype(object).where(noise.notna(), None).to_dict("records"):
        title = noise_title({str(name): value for name, value in row.items()})[language]
        numbers = f"{_number(row['full_estimate']):>12}{_number(row['estimate']):>12}{_steps(row['in_errors']):>10}"
        lines += _titled(title, numbers)
    return lines


def _titled(title: str, numbers: str) -> list[str]:
    """Put numbers behind the last line of a title that leaves room for them."""
    lines = wrapped(title, "  ")
    room = WIDTH - len(numbers)
    if columns_of(lines[-1]) > room:
        lines.append("")
    return [*lines[:-1], lines[-1] + " " * (room - columns_of(lines[-1])) + numbers]


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:+.4f}" if abs(value) < 10 else f"{value:+,.1f}"


def _steps(value: float | None) -> str:
    return "–" if value is None else f"{value:+.2f}"


def _where(written: Compressed, language: Language) -> list[str]:
    advice = Text(
        "Send the file one way and this hash another: only then does the hash prove anything. Read the statement in it first.",
        "请经不同途径分别送出文件与该哈希值：唯有如此，哈希值才有证明作用。发送前请先阅读其中的说明。",
    )
    megabytes = written.path.stat().st_size / 1e6
    return [f"Bundle    {written.path}   ({megabytes:,.2f} MB)", f"SHA-256   {written.bundle.sha256}", *wrapped(advice[language])]


@contextmanager
def _progress(language: Language) -> Iterator[Callable[[Step], None]]:
    """Show a bar over the steps on a terminal, and one line a step elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda step: typer.echo(step, err=True)
        return
    with Progress(
        TextColumn("{task.description:<24}"), BarColumn(bar_width=None), TimeElapsedColumn(), console=console, transient=True
    ) as bar:
        task = bar.add_task("", total=len(_STEPS))
        yield lambda step: bar.update(task, description=_STEPS[step][language], completed=list(_STEPS).index(step))
