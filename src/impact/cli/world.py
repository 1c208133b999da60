"""`impact simulate` and `impact scenarios`: worlds whose truth is known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

    from impact.simulate.scenarios import Played
    from impact.simulate.simulate import OnPool, Written


def simulate(
    world: Annotated[Path, typer.Argument(help="A world file, such as worlds/default.yaml.")],
    out: Annotated[Path, typer.Option(help="Folder that receives the world; it appears whole or not at all.")],
    scale: Annotated[
        float | None, typer.Option(min=1e-6, max=1.0, help="Accounts written, relative to the platforms' real numbers.", show_default=False)
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of every random number.", show_default=False)] = None,
    tables: Annotated[str, typer.Option(help="What is written, by commas; everything unless named.")] = "",
) -> None:
    """Write a synthetic world as raw exports, with its truth apart from them.

    Example: impact simulate worlds/default.yaml --out data/worlds/default --scale 0.01 --seed 1
    """
    from impact.simulate.simulate import TABLES
    from impact.simulate.simulate import simulate as write
    from impact.simulate.world import load_world

    asked = tuple(name.strip() for name in tables.split(",") if name.strip()) or TABLES
    with _pools_done() as on_pool:
        written = write(load_world(world, scale=scale, seed=seed), out, asked, on_pool=on_pool)
    _print_world(written)


@contextmanager
def _pools_done() -> Iterator[OnPool]:
    """Show a bar over the pools of a world on a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("world {task.description:<16}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("pools"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None)
        yield lambda name, done, number: progress.update(task, description=name, completed=done, total=number)


def _print_world(written: Written) -> None:
    manifest = written.manifest
    if not written.new:
        typer.echo("Nothing has changed: the same world stands there already.")
    megabytes = sum(file["bytes"] for file in manifest["files"]) / 1e6
    typer.echo(f"SYNTHETIC / 合成数据   world {manifest['world']}, seed {manifest['seed']}, scale {manifest['scale']:g}")
    typer.echo(f"Folder    {written.folder}   ({len(manifest['files']):,} files, {megabytes:,.0f} MB)")
    for name, words in (
        ("raw", "raw exports, with the usual defects"),
        ("clean", "what an ideal cleaning would leave"),
        ("truth", "effects, who really left, defects"),
    ):
        if (written.folder / name).is_dir():
            typer.echo(f"  {name + '/':<8}{words}")


def built_world(study_path: Path, data_root: Path) -> None:
    """Build the synthetic world of a study where it has one, and say so."""
    from impact.simulate.simulate import build_world

    with _pools_done() as on_pool:
        written = build_world(study_path, data_root, on_pool)
    if written and written.new:
        typer.echo(f"World     {written.folder} (synthetic, built on first use)")


def scenarios(
    only: Annotated[list[str] | None, typer.Option("--only", help="A scenario by its id, such as S3; all of them unless named.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Number of seeds, from 1.")] = 5,
    processes: Annotated[int, typer.Option(min=1, help="Processes that share the work.")] = 2,
    folder: Annotated[Path, typer.Option(help="Folder of the pack.")] = Path("worlds/scenarios"),
    as_csv: Annotated[bool, typer.Option("--csv", help="Write every seed's result as CSV to standard output, and nothing else.")] = False,
) -> None:
    """Ask worlds whose truth is known, and hold truth, estimate, interval and verdict side by side.

    Exits with 1 where a verdict is not among the expected ones. `not yet` says which part of the house is missing; it is not a pass.
    """
    from dataclasses import asdict

    import pandas as pd

    from impact.simulate.scenarios import OTHERWISE, play_all, scenario_files, summary

    files = scenario_files(folder, tuple(only or ()))
    played = list(_followed(play_all(files, range(1, seeds + 1), processes), seeds * len(files)))
    if as_csv:
        typer.echo(pd.DataFrame([asdict(one) for one in played]).to_csv(index=False, lineterminator="\n"), nl=False)
    else:
        for line in _scenario_lines(summary(played)):
            typer.echo(line)
    if any(one.status == OTHERWISE for one in played):
        raise typer.Exit(1)


def _followed(played: Iterator[Played], number: int) -> Iterator[Played]:
    """Show a bar over worlds on a terminal."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    yield from track(played, "worlds", total=number, console=console, transient=True, disable=not console.is_terminal)


def _scenario_lines(table: pd.DataFrame) -> list[str]:
    """Lay the pack out for a terminal of 80 columns: a line of numbers and a line of words each."""
    lines = [f"{'':<5}{'truth':>9}{'estimate':>10}{'interval':>22}{'covers':>8}  {'verdicts':<12}", ""]
    for row in table.to_dict("records"):
        interval = "" if row["estimate"] != row["estimate"] else f"[{_short(row['conf_low'])}, {_short(row['conf_high'])}]"
        numbers = f"{_short(row['truth']):>9}{_short(row['estimate']):>10}{interval:>22}{row['covers']:>8}"
        lines.append(f"{row['scenario']:<5}{numbers}  {row['verdicts']:<12}".rstrip())
        if row["claim_before"] == row["claim_before"]:
            lines.append(
                f"     claim: {row['claim_before']:.1%} to {row['claim_after']:.1%}; two-way fixed effects {_short(row['two_way'])}"
            )
        elif row["unweighted"] == row["unweighted"]:
            lines.append(f"     answers as they came {_short(row['unweighted'])}")
        elif row["two_way"] == row["two_way"]:
            lines.append(f"     two-way fixed effects {_short(row['two_way'])}")
        lines += [*_wrapped(f"{row['status']}: {row['why']}"), ""]
    return lines


def _wrapped(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, 80, initial_indent="     ", subsequent_indent="     ")


def _short(value: float) -> str:
    if value != value:
        return ""
    return f"{value:.4f}" if abs(value) < 10 else f"{value:,.1f}"
