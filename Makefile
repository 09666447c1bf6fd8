# The two commands a newcomer needs are `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := .stamps
ARGS ?=

.PHONY: run test check coverage bench servers format clean

run: $(STAMPS)/run
	$(BIN)/chamado run $(ARGS)

# Unit, integration and acceptance tests, with the real servers that they talk to.
test: $(STAMPS)/dev servers
	$(BIN)/pytest -n auto --dist loadgroup $(ARGS)

check: $(STAMPS)/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	mkdir -p .typing/chamado
	for wing in config parsers notifier daemon; do \
	  ln -sfn ../../$$wing .typing/chamado/$$wing; done
	$(BIN)/mypy

# The same tests, with the lines and branches that none of them reached.
coverage: $(STAMPS)/dev servers
	$(BIN)/pytest -n auto --dist loadgroup --cov \
	  --cov-report=term-missing:skip-covered $(ARGS)

bench: $(STAMPS)/dev servers
	$(BIN)/python -m bench $(ARGS)

format: $(STAMPS)/dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Dovecot, Postfix, PostgreSQL and the like: installed where root and apt allow it,
# and where not, said aloud, with what stays untested.
servers:
	sh tests/servers.sh

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(STAMPS)/run: $(VENV)/bin/python pyproject.toml
	$(BIN)/pip install --quiet --editable .
	mkdir -p $(STAMPS) && touch $@

$(STAMPS)/dev: $(VENV)/bin/python pyproject.toml
	$(BIN)/pip install --quiet --editable '.[dev]'
	mkdir -p $(STAMPS) && touch $@ $(STAMPS)/run

clean:
	rm -rf $(VENV) $(STAMPS) .typing build dist *.egg-info
