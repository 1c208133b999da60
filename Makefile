# Two commands do everything on a machine that has Python 3.11 or newer, git and make: `make report` and `make test`.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
STUDY  ?= studies/dier.yaml

.DEFAULT_GOAL := help
.PHONY: help env spark report test test-fast golden lint lab docs bench bench-world calibration scenarios coverage-study lock clean

help: ## Show the commands.
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

env: $(STAMP) ## Create .venv from pyproject.toml and requirements.lock (report and test do this themselves).

$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "impact needs Python 3.11 or newer; found " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	@echo "Setting up $(VENV); the first time takes a minute or two."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

spark: $(STAMP) ## Add Spark to .venv (400 MB; runs on Java 17 or 21).
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-spark.lock

report: $(STAMP) ## Run the main job: STUDY=studies/dier.yaml on the synthetic world, into reports/.
	@$(BIN)/impact run $(STUDY)

test: $(STAMP) ## Pass the checks and the tests.
	@$(MAKE) --no-print-directory lint
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder  # the long files of tests/e2e come early, not last and alone

test-fast: $(STAMP) ## The tests without the end-to-end runs.
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --ignore tests/e2e

golden: $(STAMP) ## Write the reviewed words of the report anew; read the difference before you commit it.
	@IMPACT_WRITE_GOLDEN=1 $(BIN)/python -m pytest tests/e2e/test_run.py -k words_of_the_report

lint: $(STAMP) ## ruff and mypy.
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary

lab: $(STAMP) ## Open JupyterLab on the notebooks.
	@$(BIN)/jupyter lab --notebook-dir . notebooks/01_data.ipynb

docs: $(STAMP) ## Write what is generated: data dictionary, study schema, environment.yml.
	@$(BIN)/python tools/generate.py

bench: $(STAMP) ## Time the pass from a file to estimates; writes docs/benchmarks.md.
	@$(BIN)/python tools/bench

bench-world: $(STAMP) ## Time the synthetic world at the scale of a national platform; writes docs/benchmarks-world.md.
	@$(BIN)/python tools/bench_world.py

calibration: $(STAMP) ## Hold the synthetic world against its targets; writes docs/calibration.md.
	@$(BIN)/python tools/evidence_world.py calibration

scenarios: $(STAMP) ## Ask worlds whose truth is known; writes docs/scenarios.md (some minutes).
	@$(BIN)/python tools/evidence_world.py scenarios

coverage-study: $(STAMP) ## Ask how often intervals hold; writes docs/coverage.md (some minutes).
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python tools/coverage_study.py

LOCK := uv pip compile pyproject.toml --universal --generate-hashes --python-version 3.11 --no-header --no-annotate --quiet

lock: $(STAMP) ## Pin the newest allowed versions in requirements.lock, and what Spark adds in requirements-spark.lock (needs uv).
	@$(LOCK) --extra real-data --extra postgres --extra dev -o requirements.lock
	@$(LOCK) --extra spark --constraint requirements.lock $$(sed -nE 's/^([A-Za-z0-9._-]+)==.*/--no-emit-package \1/p' requirements.lock) -o requirements-spark.lock
	@$(MAKE) --no-print-directory docs

clean: ## Remove the environment and caches; runs in reports/ stay.
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
