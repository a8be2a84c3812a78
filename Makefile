# On a machine with Python >= 3.11, make and git, `make demo` and `make test` do everything.

# Interpreters to try for .venv, best first; `make test PYTHON=/path/to/python` takes that one.
PYTHON ?= python3.13 python3.12 python3.11 python3
# The problem that demo plans, a file or the name of a shipped example.
EXAMPLE ?= example:two-workloads
# Processes that share the test suite.
WORKERS ?= 2

BIN := .venv/bin
PIP_INSTALL := -m pip install --quiet --quiet --disable-pip-version-check
RUNTIME := .venv/.installed-runtime
DEV := .venv/.installed-dev
WHEELS := .venv/wheels

# Nothing on this path may stand in for what is installed.
unexport PYTHONPATH

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help .venv demo test lint types format coverage wheel wheel-in torture clean

help: ## Say what each target does
	@echo "Usage: make TARGET"
	@awk -F ':.*## ' '/^[.a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' Makefile

# ---- the environment ----

.venv: $(DEV) ## Create .venv with everything a developer needs

$(BIN)/python:
	@for python in $(PYTHON); do \
	    if "$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' \
	        2>/dev/null; then \
	        echo "creating .venv with $$("$$python" --version)"; \
	        exec "$$python" -m venv --clear .venv; \
	    fi; \
	done; \
	echo "InferSave needs Python 3.11 or newer with its venv module; tried: $(PYTHON)." >&2; \
	echo "Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; \
	exit 1

$(RUNTIME): pyproject.toml | $(BIN)/python
	@echo "installing InferSave into .venv"
	@$(BIN)/python $(PIP_INSTALL) --editable .
	@touch $@

$(DEV): pyproject.toml | $(BIN)/python
	@echo "installing InferSave and its development tools into .venv"
	@$(BIN)/python $(PIP_INSTALL) --editable '.[dev]'
	@touch $(RUNTIME) $@

# The name infersave for mypy: this folder is the package.
.dev/infersave:
	@mkdir -p .dev && ln -sfn .. $@

# ---- what a person runs ----

demo: $(RUNTIME) ## Plan a shipped example fleet on real prices and print it
	$(BIN)/infersave plan $(EXAMPLE)

test: lint types ## Lint, types and the whole test suite
	$(BIN)/pytest -n $(WORKERS)

lint: $(DEV) ## Check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV) .dev/infersave ## Check types, and show paths as they are in the checkout
	@$(BIN)/mypy >.dev/mypy.txt && \
	    MYPYPATH=catalogs/maintain $(BIN)/mypy --explicit-package-bases catalogs/maintain/*.py \
	    >>.dev/mypy.txt; status=$$?; \
	    sed 's|^\.dev/infersave/||' .dev/mypy.txt; exit $$status

format: $(DEV) ## Rewrite the code in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

coverage: $(DEV) ## Run the suite and list the lines it never reaches
	$(BIN)/pytest -n $(WORKERS) --cov --cov-report=term-missing

# ---- what a stranger gets ----

# In a temporary folder: a build in the tree would ship modules that are gone from it.
wheel: $(WHEELS)/.complete ## Build sdist and wheel, then test the wheel in a clean environment
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && trap 'exit 130' INT TERM && \
	    $(MAKE) --no-print-directory wheel-in FOLDER="$$folder"

# What that environment installs, kept so that only the first run needs a network.
$(WHEELS)/.complete: pyproject.toml | $(DEV)
	@echo "fetching what the wheel needs into $(WHEELS)"
	@rm -rf $(WHEELS)
	@$(BIN)/python -m pip download --quiet --quiet --disable-pip-version-check \
	    --dest $(WHEELS) 'setuptools>=77' '.[test]'
	@touch $@

wheel-in: export PIP_NO_INDEX = 1
wheel-in: export PIP_FIND_LINKS = $(WHEELS)
wheel-in:
	@echo "building the sdist, then the wheel from the sdist"
	@$(BIN)/python -m build --outdir $(FOLDER)/dist . >$(FOLDER)/build.txt 2>&1 || \
	    { cat $(FOLDER)/build.txt; exit 1; }
	@ls $(FOLDER)/dist
	@$(BIN)/python -m venv $(FOLDER)/venv
	@$(FOLDER)/venv/bin/python $(PIP_INSTALL) $(FOLDER)/dist/*.whl
	@echo "comparing the installed files with the checkout's"
	@find __init__.py __main__.py py.typed catalogs cli models solver -type f \
	    \( -name '*.py' -o -name py.typed -o -path 'catalogs/data/*' -o -path 'cli/page/*' \) \
	    ! -path 'catalogs/maintain/*' ! -name '.*' | sort >$(FOLDER)/checkout.txt
	@cd $(FOLDER)/venv/lib/python*/site-packages/infersave && \
	    find . -type f ! -path '*/__pycache__/*' | sed 's|^\./||' | sort >$(FOLDER)/installed.txt
	@diff $(FOLDER)/checkout.txt $(FOLDER)/installed.txt
	@echo "running its commands outside the checkout, with its runtime dependencies alone"
	@cd $(FOLDER) && venv/bin/infersave --help >help.txt && test -s help.txt
	@cd $(FOLDER) && venv/bin/python -m infersave plan $(EXAMPLE) --json >plan.json
	@cd $(FOLDER) && venv/bin/python -c 'import json; print(json.load(open("plan.json"))["status"])'
	@cd $(FOLDER) && venv/bin/python -c 'import importlib.util as i; \
	    assert not i.find_spec("infersave.tests"), "the wheel ships the tests"'
	@echo "running the suite against it, from a copy"
	@for wheel in $(FOLDER)/dist/*.whl; do \
	    $(FOLDER)/venv/bin/python $(PIP_INSTALL) "$$wheel[test]" || exit; done
	@mkdir $(FOLDER)/suite && cp -R tests pyproject.toml $(FOLDER)/suite
	@cd $(FOLDER)/suite && ../venv/bin/pytest -n $(WORKERS) -m 'not checkout'

torture: $(DEV) ## Search for wrong answers on thousands of random fleets (an hour or more)
	$(BIN)/python benchmarks/torture.py
	$(BIN)/python benchmarks/processes.py

clean: ## Remove everything that make has made
	rm -rf .venv .dev build dist *.egg-info .coverage .coverage.* htmlcov
	rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
