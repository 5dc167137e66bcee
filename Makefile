# make demo    the main job on the embedded default; says where the report is
# make test    the everyday test suite
# make lint    style, types, import layering, containers and shell scripts
# make release builds sdist and wheel, and runs a quick study with the wheel in a new environment; uploads nothing
# make docs    the site: docs/_build/html, without a network once its requirements are there
# Needs Python 3.11 or newer and make; everything goes into .venv. Another Python: make PYTHON=python3.12 demo
PYTHON ?=
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= runs/demo
WORKERS ?= 2
# without compiled libraries in .venv every start would take three times as long (see tools/install.py)
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test all-tests lint docs release core test-tools dev-tools docs-tools clean
.DEFAULT_GOAL := demo

demo: core
	@$(BIN)/jepascope run --out $(OUT)

test: test-tools
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

all-tests: test-tools
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "slow or not slow"

lint: dev-tools
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/hadolint containers/Dockerfile
	@$(BIN)/shellcheck containers/install.sh containers/sweep.sbatch tools/venv.sh .ci/run

release: dev-tools
	@$(BIN)/python tools/release.py

docs: docs-tools
	@$(BIN)/python -m sphinx -E -q -n -W --keep-going -d docs/_build/doctrees docs docs/_build/html
	@echo "The site: $(CURDIR)/docs/_build/html/index.html"

core:
	@tools/venv.sh $(VENV) $(PYTHON)
	@$(BIN)/python tools/install.py

test-tools:
	@tools/venv.sh $(VENV) $(PYTHON)
	@$(BIN)/python tools/install.py test

dev-tools:
	@tools/venv.sh $(VENV) $(PYTHON)
	@$(BIN)/python tools/install.py test dev

docs-tools:
	@tools/venv.sh $(VENV) $(PYTHON)
	@$(BIN)/python tools/install.py docs

clean:
	@rm -rf $(VENV) build dist docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "Removed the environment and caches; runs/ is kept."
