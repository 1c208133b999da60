"""The way out and back: a bundle holds nobody, gives the estimates of the rows up to the noise it states, and is refused where it was touched."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from bundles import Home, make_home
from impact.cli.check import WIDTH, columns_of
from impact.cli.compress import lines_of
from impact.errors import DataError, SourceError, StudyError
from impact.moments.disclose.rules import Rules
from impact.run.answer import answer
from impact.run.bundle.compress import Compressed, compress_study
from impact.run.bundle.file import VERSION, read_bundle
from impact.run.bundle.place import bundle_for, place_bundle
from impact.run.folder import RunFolder
from impact.run.leaks import scan
from impact.run.run import Run, run_study
from impact.sources.engine import connect
from impact.sources.open import open_source
from impact.study import load_study
from impact.text import Text

ROOT = Path(__file__).parents[2]
STEP = 0.1
NOTEBOOKS = ROOT / "notebooks"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return make_home(tmp_path_factory.mktemp("holder"))


@pytest.fixture(scope="module")
def written(home: Home) -> Compressed:
    return compress_study(home.study, home.data, home.folder / "drivers.zip", Rules(), {})


@pytest.fixture(scope="module")
def run(home: Home, written: Compressed, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run where no row of a driver is."""
    return run_study(home.study, Path("nowhere"), tmp_path_factory.mktemp("reports"), notebooks=NOTEBOOKS, from_moments=written.path)


# What comes out.


def test_a_run_from_the_bundle_differs_from_all_rows_by_the_noise_that_is_stated(home: Home, written: Compressed, run: Run) -> None:
    study = load_study(home.study)
    full = answer(study, open_source(connect(), study, home.data)).overall.tidy(0.95).iloc[0]
    ladder = pd.read_parquet(run.folder / "stages" / "ladder.parquet")
    main = ladder[ladder["main"]].iloc[0]
    stated = next(row for row in written.bundle.record["noise"] if row["kind"] == "overall")
    assert main["estimate"] == pytest.approx(stated["estimate"], rel=1e-12)
    assert abs((main["estimate"] - full["estimate"]) / full["std_error"] - stated["in_errors"]) <= STEP / 2 + 1e-9
    assert main["estimate"] != full["estimate"]
    assert {row["kind"] for row in written.bundle.record["noise"]} == {"overall", "event_time", "variant", "benchmark"}


def test_the_report_says_that_it_comes_from_a_bundle_and_the_manifest_carries_its_hash(written: Compressed, run: Run) -> None:
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    for words in ("A bundle in the place of rows", "以数据包代替逐行数据", written.bundle.sha256[:16]):
        assert words in page
    assert run.manifest["source"]["sha256"] == written.bundle.sha256
    assert [stage["name"] for stage in run.manifest["stages"]] == ["bundle", "design", "effects", "report"]
    assert not list(run.folder.glob("stages/worker_month*"))


def test_another_bundle_is_another_run_and_the_same_one_is_none(home: Home, written: Compressed, run: Run, tmp_path: Path) -> None:
    reports = run.folder.parents[1]
    again = run_study(home.study, Path("nowhere"), reports, notebooks=NOTEBOOKS, from_moments=written.path)
    assert (again.new, again.folder) == (False, run.folder)
    other = compress_study(home.study, home.data, tmp_path / "other.zip", Rules(threshold=15), {})
    assert other.bundle.sha256 != written.bundle.sha256


# Who is in it.


def test_no_driver_no_name_and_no_path_stands_in_any_byte(home: Home, written: Compressed, tmp_path: Path) -> None:
    with zipfile.ZipFile(written.path) as archive:
        archive.extractall(tmp_path / "parts")
    known = home.drivers | home.names
    assert scan(tmp_path / "parts", known) == ()
    for path in (written.path, *(path for path in (tmp_path / "parts").rglob("*") if path.is_file())):
        content = path.read_bytes()
        assert not [word for word in (*known, str(home.folder), str(ROOT), sys.prefix) if word.encode() in content], path.name


def test_nothing_rests_on_fewer_workers_than_the_threshold_and_no_exact_estimate_leaves(written: Compressed) -> None:
    moments = written.bundle.moments["main"]
    assert moments.cells["n"].min() >= 10
    assert (moments.cells["n"] % 5 == 0).all()
    assert moments.bins is None
    content = json.dumps(written.bundle.record)
    full = written.noise["full_estimate"].dropna()
    assert len(full) > 10
    assert not [value for value in full if str(value) in content]
    assert all(round(row["in_errors"] / STEP, 6) % 1 == 0 for row in written.bundle.record["noise"] if row["in_errors"] is not None)


def test_an_absurd_income_is_cut_off_before_it_is_added_up(home: Home, written: Compressed) -> None:
    """Without the top code one driver would dominate the cell, and it would be withheld."""
    rows = pd.read_csv(home.data / "drivers.csv")
    absurd = rows.loc[rows["pay"].idxmax()]
    cap = written.bundle.provenance["top_codes"]["pay"]
    assert 5000 < cap < 20_000 < absurd["pay"]
    cells = written.bundle.moments["main"].cells
    cell = cells[(cells["unit"] == absurd["city"]) & (cells["month"] == int(absurd["month"][:4]) * 12 + int(absurd["month"][5:]) - 1)]
    assert len(cell) == 1
    assert (cells["wy"] / cells["w"]).max() < cap


# Whether it is what was written.


def _changed(written: Compressed, path: Path, change) -> Path:
    with zipfile.ZipFile(written.path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


PARTS = ("provenance.json", "record.json", "statement.en.md", "statement.zh.md", "moments/main.cells.parquet", "moments/main.units.parquet")


@pytest.mark.parametrize("part", PARTS)
def test_a_byte_that_was_changed_is_found_in_every_part(part: str, written: Compressed, tmp_path: Path) -> None:
    def flip(parts: dict[str, bytes]) -> None:
        content = bytearray(parts[part])
        content[len(content) // 2] ^= 1
        parts[part] = bytes(content)

    with pytest.raises(SourceError, match=f"changed after it was written.\nFound other bytes than its manifest says in {part}"):
        read_bundle(_changed(written, tmp_path / "b.zip", flip))


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_is_missing_is_named(part: str, written: Compressed, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=f"a part of the bundle is missing.\nFound no {part}"):
        read_bundle(_changed(written, tmp_path / "b.zip", lambda parts: parts.pop(part)))


def test_a_part_that_was_added_or_hashed_again_is_found(written: Compressed, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"Found other bytes than its manifest says in more\.txt"):
        read_bundle(_changed(written, tmp_path / "b.zip", lambda parts: parts.update({"more.txt": b"x"})))

    def hash_again(parts: dict[str, bytes]) -> None:
        parts["record.json"] += b" "
        manifest = json.loads(parts["manifest.json"])
        manifest["parts"]["record.json"]["sha256"] = hashlib.sha256(parts["record.json"]).hexdigest()
        parts["manifest.json"] = json.dumps(manifest).encode()

    with pytest.raises(SourceError, match="was changed after it was written"):
        read_bundle(_changed(written, tmp_path / "c.zip", hash_again))


def test_another_layout_is_refused_by_its_number(written: Compressed, tmp_path: Path) -> None:
    def older(parts: dict[str, bytes]) -> None:
        parts["manifest.json"] = parts["manifest.json"].replace(f'"version": {VERSION}'.encode(), b'"version": 0')

    with pytest.raises(SourceError, match=f"Found layout 0, wanted {VERSION}"):
        read_bundle(_changed(written, tmp_path / "b.zip", older))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no such bundle"),
        (b"no zip", "it is no bundle of moments, or was damaged"),
        (b"", "it is no bundle of moments, or was damaged"),
    ],
)
def test_what_is_no_bundle_is_refused_in_words(content: bytes | None, words: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "b.zip").write_bytes(content)
    with pytest.raises(SourceError, match=words):
        read_bundle(tmp_path / "b.zip")


def test_a_bundle_that_was_cut_short_is_refused(written: Compressed, tmp_path: Path) -> None:
    content = written.path.read_bytes()
    for length in (len(content) // 2, len(content) - 1):
        (tmp_path / "b.zip").write_bytes(content[:length])
        with pytest.raises(SourceError, match="damaged on the way"):
            read_bundle(tmp_path / "b.zip")


def test_a_byte_that_was_damaged_on_the_way_changes_nothing_or_is_refused(written: Compressed, tmp_path: Path) -> None:
    content, refused = written.path.read_bytes(), 0
    for place in range(0, len(content), len(content) // 60):
        damaged = bytearray(content)
        damaged[place] ^= 0xFF
        (tmp_path / "b.zip").write_bytes(bytes(damaged))
        try:
            assert read_bundle(tmp_path / "b.zip").sha256 == written.bundle.sha256
        except SourceError:
            refused += 1
    assert refused > 50


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("name: drivers", "name: driver"), "the bundle is of another study.\nFound `drivers`, wanted `driver`"),
        (("column: pay", "column: bonus"), "asked for other data when the bundle was made.\nFound differences in numbers"),
        (("unit: city", "unit: district"), "asked for other data when the bundle was made.\nFound differences in columns"),
    ],
)
def test_a_bundle_of_another_question_is_refused(
    change: tuple[str, str], words: str, home: Home, written: Compressed, tmp_path: Path
) -> None:
    study = tmp_path / "study.yaml"
    study.write_text(home.study.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    with pytest.raises(SourceError, match=words):
        run_study(study, Path("nowhere"), tmp_path / "reports", notebooks=NOTEBOOKS, from_moments=written.path)
    assert not (tmp_path / "reports").exists()


def test_what_the_study_asked_for_later_from_the_same_rows_is_served_and_from_others_is_left_out(
    home: Home, written: Compressed, tmp_path: Path
) -> None:
    later = "  - {name: early, title: {en: early, zh: 提前}, anticipation: 1}\n  - {name: stay, title: {en: stayers, zh: 留任者}, workers: stayers}\nbenchmarks:"
    path = tmp_path / "study.yaml"
    path.write_text(home.study.read_text(encoding="utf-8").replace("benchmarks:", later), encoding="utf-8")
    study, folder = load_study(path), RunFolder(tmp_path / "run")
    place_bundle(bundle_for(study, written.path), study, folder)
    assert set(folder.read_json("moments")) == {"main", "variant.never", "variant.early", "benchmark.two_way"}
    assert [one["title"]["en"] for one in folder.read_json("bundle")["left_out"]] == ["stayers"]


@pytest.mark.parametrize("fine_units", [False, True])
def test_a_benchmark_on_the_rows_of_the_main_estimate_is_not_made_from_joined_units(fine_units: bool, home: Home, tmp_path: Path) -> None:
    rows = pd.read_csv(home.data / "drivers.csv", dtype=str)
    (tmp_path / "data").mkdir()
    rows.assign(region=rows["city"].str.len()).to_csv(tmp_path / "data" / "drivers.csv", index=False)
    text = home.study.read_text(encoding="utf-8").replace("first_covered: agreed}", "first_covered: agreed, cluster: region}")
    path = tmp_path / "study.yaml"
    path.write_text(text.replace("outcome: pay}", "outcome: pay, sample: restricted}"), encoding="utf-8")
    written = compress_study(path, tmp_path / "data", tmp_path / "b.zip", Rules(), {}, fine_units=fine_units)
    study, folder = load_study(path), RunFolder(tmp_path / "run")
    place_bundle(bundle_for(study, written.path), study, folder)
    assert ("benchmark.two_way" in folder.read_json("moments")) == fine_units
    left_out = folder.read_json("bundle")["left_out"]
    assert [one["title"]["en"] for one in left_out] == ([] if fine_units else ["Two-way fixed effects"])
    assert all("--fine-units" in one["en"] for one in left_out)


# Where it stops.


def test_a_bundle_is_never_replaced(home: Home, written: Compressed) -> None:
    before = written.path.read_bytes()
    with pytest.raises(SourceError, match="something of that name is there already"):
        compress_study(home.study, home.data, written.path, Rules(), {})
    assert written.path.read_bytes() == before


def test_real_data_need_a_key_before_anything_is_read(home: Home, tmp_path: Path) -> None:
    study = tmp_path / "drivers.yaml"
    study.write_text(home.study.read_text(encoding="utf-8").replace("synthetic: true\n", ""), encoding="utf-8")
    steps: list[str] = []
    with pytest.raises(SourceError, match=r"there is no key to round with\.\nFound neither IMPACT_KEY nor IMPACT_KEY_FILE"):
        compress_study(study, home.data, tmp_path / "b.zip", Rules(), {}, steps.append)
    assert steps == []


def test_a_study_of_attrition_alone_or_of_units_of_one_worker_has_nothing_to_hand_over(home: Home, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="it estimates nothing that moments could carry"):
        compress_study(ROOT / "studies" / "ola-drivers.yaml", home.data, tmp_path / "b.zip", Rules(), {})
    with pytest.raises(DataError, match="every unit is one worker"):
        compress_study(
            ROOT / "studies" / "nls-bargaining.yaml",
            home.data,
            tmp_path / "b.zip",
            Rules(),
            {"IMPACT_KEY": hashlib.sha256(b"t").hexdigest()},
        )
    assert not list(tmp_path.iterdir())


def test_too_high_a_threshold_leaves_nothing_and_says_so(home: Home, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing is left to release|what may leave is too little"):
        compress_study(home.study, home.data, tmp_path / "b.zip", Rules(threshold=500), {})
    assert not list(tmp_path.iterdir())


WRITE = "import sys; from pathlib import Path; from impact.run.bundle.file import read_bundle, write_bundle; write_bundle(Path(sys.argv[2]), read_bundle(Path(sys.argv[1])))"


def test_a_full_disk_leaves_no_bundle(written: Compressed, tmp_path: Path) -> None:
    import resource

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))

    command = [sys.executable, "-c", WRITE, str(written.path), str(tmp_path / "b.zip")]
    ended = subprocess.run(command, capture_output=True, text=True, preexec_fn=little_room, check=False)
    assert "the bundle cannot be written" in ended.stderr
    assert not list(tmp_path.iterdir())


def test_a_killed_write_leaves_nothing_under_the_final_name(written: Compressed, tmp_path: Path) -> None:
    kill = "import os, signal; os.link = lambda *_: os.kill(os.getpid(), signal.SIGKILL); "
    ended = subprocess.run(
        [sys.executable, "-c", kill + WRITE, str(written.path), str(tmp_path / "b.zip")], capture_output=True, check=False
    )
    assert ended.returncode == -9
    assert not (tmp_path / "b.zip").exists()


def test_of_two_at_once_one_stands_there_whole(written: Compressed, tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITE, str(written.path), str(tmp_path / "b.zip")]
    both = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(2)]
    assert sorted(one.wait() for one in both) == [0, 1]
    assert read_bundle(tmp_path / "b.zip").sha256 == written.bundle.sha256
    assert [path.name for path in tmp_path.iterdir()] == ["b.zip"]


# What the data holder sees.


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_terminal_shows_in_80_columns_both_estimates_and_the_hash(language, written: Compressed) -> None:
    lines = lines_of(written, language)
    assert max(columns_of(line) for line in lines if str(written.path) not in line) <= WIDTH
    full = written.noise.iloc[0]["full_estimate"]
    assert any(f"{full:+,.1f}" in line for line in lines)
    assert f"SHA-256   {written.bundle.sha256}" in lines
    left_out = replace(written, left_out={"variant.never": Text("too little", "过少")})
    assert any("variant.never" in line for line in lines_of(left_out, language))


def test_statements_in_both_languages_say_what_is_not_in_it(written: Compressed) -> None:
    for language, words in {
        "en": ("No row of a worker", "Two-way fixed effects"),
        "zh": ("不含任何劳动者的逐行记录", "双向固定效应"),
    }.items():
        assert all(one in written.bundle.statement[language] for one in words)
        assert "SYNTHETIC" in written.bundle.statement[language]
