"""A study file says what it means, or is refused with the place, what was found, and what to write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from impact.errors import StudyError
from impact.sources.engine import connect
from impact.sources.open import open_source
from impact.study import Study, below, json_schema, load_study
from words import assert_three_parts, complains

STUDIES = sorted((Path(__file__).resolve().parents[2] / "studies").glob("*.yaml"))
BOTH = {"en": "Words", "zh": "文字"}
GOOD: dict[str, Any] = {
    "name": "couriers",
    "title": BOTH,
    "question": BOTH,
    "source": {"file": "panel.csv", "citation": "made up"},
    "period": "month",
    "columns": {"worker": "id", "unit": "city", "month": "month", "first_covered": "first"},
    "outcomes": [{"name": "income_net", "column": "pay", "kind": "income", "title": BOTH, "unit": BOTH}],
    "coverage": {"name": BOTH, "decided_by": "agreement"},
    "effects": {"comparison": "never"},
}


def written(folder: Path, content: object) -> Path:
    """Write a study; a text is written as it stands."""
    file = folder / "couriers.yaml"
    file.write_text(content if isinstance(content, str) else yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return file


def changed(*path: str | int, to: object = None, drop: bool = False) -> dict[str, Any]:
    """The good study with one place changed or dropped."""
    study = json.loads(json.dumps(GOOD))
    place: Any = study
    for key in path[:-1]:
        place = place[key]
    if drop:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return study


def test_a_good_study_is_read_with_its_defaults(tmp_path):
    study = load_study(written(tmp_path, GOOD))
    assert (study.name, study.columns.unit, study.outcomes[0].name) == ("couriers", "city", "income_net")
    assert (study.effects.comparison, study.effects.base, study.effects.anticipation) == ("never", "varying", 0)
    assert study.synthetic is False and study.coverage.switching == "refuse"


def test_a_study_cannot_be_changed_once_read(tmp_path):
    with pytest.raises(ValueError, match="frozen"):
        load_study(written(tmp_path, GOOD)).name = "other"


@pytest.mark.parametrize(
    ("study", "wrong", "found", "advice"),
    [
        (changed("outcoms", to=[]), "key `outcoms` is not known", "outcomes", "Did you mean `outcomes`?"),
        (changed("columns", "wroker", to="id"), "key `columns.wroker` is not known", "worker", "Did you mean `worker`?"),
        (changed("effects", "anticipate", to=1), "key `effects.anticipate` is not known", "anticipation", "Did you mean `anticipation`?"),
        (changed("outcomes", 0, "colum", to="x"), "key `outcomes.0.colum` is not known", "column", "Did you mean `column`?"),
        (changed("source", "fil", to="x"), "key `source.fil` is not known", "file", "Did you mean `file`?"),
        (changed("zzz", to=1), "key `zzz` is not known", "name", "Remove `zzz`"),
        (changed("title", drop=True), "key `title` is missing", "nothing there", "Add it"),
        (changed("title", "zh", drop=True), "key `title.zh` is missing", "nothing there", "Add it"),
        (changed("source", "citation", drop=True), "key `source.citation` is missing", "nothing there", "Add it"),
        (changed("period", to="week"), "`period` cannot be used", "`week`", "impact schema"),
        (changed("name", to="My Study"), "`name` cannot be used", "`My Study`: use small letters, digits and hyphens", "impact schema"),
        (changed("effects", "anticipation", to=-1), "`effects.anticipation` cannot be used", "`-1`", "impact schema"),
        (
            changed("outcomes", 0, "name", to="month"),
            "`outcomes.0.name` cannot be used",
            "`month` is the name of a column",
            "impact schema",
        ),
        (
            changed("columns", "covered", to="union"),
            "`columns` cannot be used",
            "name `covered` or `first_covered`, not both",
            "impact schema",
        ),
        (changed("effects", drop=True), "does not hang together", "`coverage` needs `effects`", "impact schema"),
        (changed("coverage", drop=True), "does not hang together", "or both", "impact schema"),
        (changed("outcomes", to=[]), "does not hang together", "`coverage` needs one of `outcomes`", "impact schema"),
        (
            changed("attrition", to={"year": 2019, "observed_until": "2020-12-31"}),
            "does not hang together",
            "`attrition` needs `columns: joined`",
            "impact schema",
        ),
    ],
)
def test_a_study_that_says_something_wrong_is_refused_in_three_parts(study, wrong, found, advice, tmp_path):
    with complains(StudyError, wrong, found, advice):
        load_study(written(tmp_path, study))


COVARIATES = [{"name": "age", "column": "age"}]
LEAVERS = {"year": 2019, "observed_until": "2020-12-31"}


def with_attrition(**content: object) -> dict[str, Any]:
    """The good study with joining and leaving days, and a description of who leaves."""
    study = changed("attrition", to={**LEAVERS, **content})
    return study | {"columns": study["columns"] | {"joined": "in", "left": "out"}}


def two_outcomes(name: str) -> dict[str, Any]:
    return changed("outcomes", to=[GOOD["outcomes"][0], GOOD["outcomes"][0] | {"name": name}])


def test_covariates_and_attrition_may_be_added(tmp_path):
    study = load_study(written(tmp_path, with_attrition(survival_days=[30, 60]) | {"covariates": COVARIATES}))
    assert study.attrition.survival_days == (30, 60) and study.covariates[0].name == "age"
    same_day = load_study(written(tmp_path, with_attrition(observed_until="2019-12-31")))
    assert str(same_day.attrition.observed_until) == "2019-12-31"


@pytest.mark.parametrize(
    ("study", "wrong", "found"),
    [
        (two_outcomes("income_gross"), "does not hang together", "Name one outcome: the report speaks of one"),
        (changed("covariates", to=COVARIATES * 2), "does not hang together", "The name `age` is given to two columns"),
        (
            changed("covariates", to=[{"name": "income_net", "column": "pay2"}]),
            "does not hang together",
            "The name `income_net` is given to two columns",
        ),
        *(
            (
                changed("covariates", to=[{"name": name, "column": "age"}]),
                "`covariates.0.name` cannot be used",
                f"`{name}` is the name of a column",
            )
            for name in ("set_aside", "covered_at_start", "last_uncovered", "ended", "start", "outcome", "covered", "first_covered")
        ),
        (changed("columns", "unit", to=None), "does not hang together", "`decided_by: agreement` needs `columns: unit` or `cluster` above"),
        (changed("columns", "unit", to="id"), "does not hang together", "`decided_by: agreement` needs `columns: unit` or `cluster` above"),
        (
            with_attrition(observed_until="2019-12-30"),
            "`attrition` cannot be used",
            "`observed_until` 2019-12-30 lies before the end of `year` 2019",
        ),
        (with_attrition(observed_until="2020-02-30"), "`attrition.observed_until` cannot be used", "2020-02-30"),
        (with_attrition(survival_days=[30, 90, 30]), "`attrition` cannot be used", "`survival_days` names a tenure twice"),
    ],
)
def test_a_study_whose_parts_contradict_each_other_is_refused_in_three_parts(study, wrong, found, tmp_path):
    with complains(StudyError, wrong, found, "impact schema"):
        load_study(written(tmp_path, study))


@pytest.mark.parametrize("columns", [{"unit": "city"}, {"unit": None, "cluster": "city"}, {"unit": "id", "cluster": "city"}])
def test_an_agreement_is_decided_above_the_worker(columns, tmp_path):
    study = changed("columns", to=GOOD["columns"] | columns)
    assert load_study(written(tmp_path, study)).coverage.decided_by == "agreement"


def test_every_complaint_is_made_at_once(tmp_path):
    study = changed("outcoms", to=[]) | {"period": "week"}
    with pytest.raises(StudyError) as caught:
        load_study(written(tmp_path, study))
    complaints = str(caught.value).split("\n\n")
    assert len(complaints) == 2
    for complaint in complaints:
        assert_three_parts(complaint, "couriers.yaml", "", "")


@pytest.mark.parametrize(
    ("text", "wrong", "found", "advice"),
    [
        ("name: one\nname: two\n", "not valid YAML", "key `name` stands twice", "Mend the place"),
        ("title: {en: a, zh: b, en: c}\n", "not valid YAML", "key `en` stands twice", "Mend the place"),
        ("name: [one\n", "not valid YAML", "line 2", "Mend the place"),
        ("name: one\n\tperiod: month\n", "not valid YAML", "line 2", "indent with spaces"),
        ("- one\n- two\n", "this is not a study", "list", "Start with `name:`"),
        ("", "this is not a study", "NoneType", "Start with `name:`"),
    ],
)
def test_text_that_is_no_study_is_refused(text, wrong, found, advice, tmp_path):
    with complains(StudyError, wrong, found, advice):
        load_study(written(tmp_path, text))


def test_yaml_cannot_make_objects(tmp_path):
    with complains(StudyError, "not valid YAML", "python/object", "Mend the place"):
        load_study(written(tmp_path, "name: !!python/object/apply:os.getcwd []\n"))


def test_a_missing_study_is_named_with_the_nearest_one(tmp_path):
    written(tmp_path, GOOD)
    with complains(StudyError, "there is no such study", "couriers.yaml", "Did you mean `couriers.yaml`?"):
        load_study(tmp_path / "courier.yaml")


def test_a_study_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "bad.yaml").write_bytes("name: 城市".encode("gb18030"))
    with complains(StudyError, "cannot be read as text", "Found", "Save the study as UTF-8 YAML"):
        load_study(tmp_path / "bad.yaml")


@pytest.fixture
def data_root(tmp_path: Path) -> Path:
    """A data root with a panel inside, a panel beside it, and a link from inside to the one beside."""
    root = tmp_path / "data"
    root.mkdir()
    (root / "panel.csv").write_text("id,city,month,first,pay\n1,a,2024-01,0,5\n", encoding="utf-8")
    (tmp_path / "outside.csv").write_text("secret\n1\n", encoding="utf-8")
    (root / "link.csv").symlink_to(tmp_path / "outside.csv")
    return root


def test_a_file_below_the_data_root_is_found_and_opened(data_root):
    study = Study.model_validate(GOOD)
    assert below(study, study.source.file, data_root) == (data_root / "panel.csv").resolve()
    assert open_source(connect(), study, data_root).table.count().to_pyarrow().as_py() == 1


@pytest.mark.parametrize("path", ["../outside.csv", "sub/../../outside.csv", "{outside}", "link.csv"])
def test_a_path_that_leaves_the_data_root_is_refused(path, data_root):
    path = path.format(outside=data_root.parent / "outside.csv")
    study = Study.model_validate(changed("source", "file", to=path))
    for opening in (lambda: below(study, study.source.file, data_root), lambda: open_source(connect(), study, data_root)):
        with complains(StudyError, "leaves the data root", f"`{path}`", "Put the file below the data root"):
            opening()


def test_a_file_that_is_not_there_is_named_with_what_is(data_root):
    study = Study.model_validate(changed("source", "file", to="panl.csv"))
    with complains(StudyError, "the file `panl.csv` is not there", "link.csv, panel.csv", "--data DIR or IMPACT_DATA"):
        below(study, study.source.file, data_root)


def test_an_empty_data_root_holds_nothing(tmp_path):
    with complains(StudyError, "is not there", "which holds: nothing", "--data DIR or IMPACT_DATA"):
        below(Study.model_validate(GOOD), GOOD["source"]["file"], tmp_path / "nowhere")


@pytest.mark.parametrize("file", STUDIES, ids=lambda file: file.name)
def test_every_study_of_the_project_is_valid_and_survives_as_json(file):
    study = load_study(file)
    assert study.name == file.stem
    assert Study.model_validate_json(study.model_dump_json()) == study


def test_there_are_studies():
    assert len(STUDIES) >= 2


def test_the_json_schema_names_every_key_and_explains_it():
    schema = json.loads(json_schema())
    assert set(schema["properties"]) == set(Study.model_fields)
    assert schema["additionalProperties"] is False
    for part in ("Columns", "FileSource", "Effects", "Coverage"):
        assert all(field.get("description") for field in schema["$defs"][part]["properties"].values())
