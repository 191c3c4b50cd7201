# make venv | dev | sweep | test | slow | faults | fuzz | bench | docs | clean. PYTHON chooses the interpreter.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV := $(VENV)/.developing
TORCH := $(shell sed -n 's/^torch==/torch==/p' constraints.txt)
ARGS ?=

# One thread per process: two OpenMP threads on a busy two-core machine can be ten times slower.
export OMP_NUM_THREADS ?= 1
export OMP_WAIT_POLICY ?= PASSIVE
export WANDB_MODE ?= offline
export HF_HUB_OFFLINE ?= 1

.PHONY: venv dev sweep test lint slow faults fuzz bench docs clean
.DEFAULT_GOAL := test

venv: $(STAMP)
dev: $(DEV)

# torch goes first, at the pinned version and from whatever index pip is configured with, so that a
# CPU build that is at hand is kept when the rest is resolved.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "dato needs Python 3.11 or newer; '$(PYTHON)' is not. Try: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "'$(PYTHON)' has no venv module. On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet '$(TORCH)' -c constraints.txt
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[search]'
	@touch $@

# What only tests and linters need comes later: a sweep does not wait for it.
$(DEV): $(STAMP)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $@

sweep: venv
	$(BIN)/dato-search sweep $(ARGS)

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict
	$(BIN)/lint-imports

test: lint
	$(BIN)/pytest -n 2 --dist loadfile $(ARGS)

slow: dev
	$(BIN)/pytest -m slow $(ARGS)

faults: dev
	$(BIN)/pytest tests/faults -m 'slow or not slow' $(ARGS)

fuzz: dev
	$(BIN)/python -m tests.fuzz --seconds 600 $(ARGS)

bench: dev
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev,bench]'
	$(BIN)/pytest -m benchmark $(ARGS) || test $$? = 5 # 5: no benchmark is marked yet

docs: dev
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev,docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build # its theme advertises the successor in every build

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find dato search conf tests experiments -name __pycache__ -type d -prune -exec rm -rf {} +
