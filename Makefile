# What people type. `make help` lists it.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
ARGS ?=

# A production-like environment, so that `check --deploy` sees what an installation would.
PRODUCTION = GATEHOUSE_ENV_FILE=none GATEHOUSE_MODE=production GATEHOUSE_PUBLIC_URL=https://gatehouse.example \
	ALLOWED_HOSTS=gatehouse.example DATABASE_URL=postgresql://gatehouse@db/gatehouse REDIS_URL=redis://broker:6379/0 \
	SECRET_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(60))')" \
	GATEHOUSE_ENCRYPTION_KEYS="$$($(BIN)/python -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())')"

.DEFAULT_GOAL := help
.PHONY: help install up test mutants faults check bench bench-peers local-llm css format browser lock

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

install: $(INSTALLED) ## make .venv and install everything into it
	@:

# uv installs in seconds and compiles, so that every later start is fast; where it cannot, pip does the same
# with the same hashes.
$(INSTALLED): requirements-dev.lock requirements-install.lock
	@$(PYTHON) -c 'import sys; sys.exit("Gatehouse needs Python 3.11 or newer." if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing into .venv. The first time this takes a minute or two."
	@index=$$($(BIN)/python -m pip config list | sed -n "s/^[a-z:]*\.index-url='\(.*\)'$$/\1/p" | tail -n 1); \
	if $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-install.lock \
		&& env UV_LINK_MODE=copy $${index:+UV_DEFAULT_INDEX="$$index"} $(BIN)/uv pip sync --quiet --compile-bytecode \
			--require-hashes --python $(BIN)/python requirements-dev.lock; \
	then :; else \
		echo "uv cannot be used here; pip takes a little longer."; \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock; \
	fi
	@touch $(INSTALLED)

up: install ## start everything for an evaluation on this machine
	@$(BIN)/python manage.py up --with-parent

test: install browser ## the whole test suite, with its own database; ARGS="-k word" chooses
	@$(BIN)/python -m pytest -n 2 $(ARGS)

mutants: install ## break the permission filter in every way, one at a time: tests must notice; ARGS="--of COMMIT WORD"
	@$(BIN)/python -m tests.mutants $(ARGS)

faults: install ## kill every process in the middle of a sync, again and again: nothing may be lost; ARGS="--seed 2"
	@$(BIN)/python -m tests.faults $(ARGS)

# The browser tests want Debian's Chromium; who may install it gets it.
browser:
	@if ! command -v chromium >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		(apt-get -qq update && apt-get -qq install --no-install-recommends -y chromium) >/dev/null 2>&1 || true; fi

check: install ## format, lint, types, imports, migrations, templates, deployment
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/djhtml --check --tabwidth 2 $$(git ls-files '*.html' | grep '/templates/')
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy
	PYTHONWARNINGS=ignore::RuntimeWarning $(BIN)/python manage.py makemigrations --check --dry-run
	@echo "manage.py check --deploy"; $(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING

bench: install ## the benchmarks, as a table and JSON; ARGS="FOLDER" adds that of a handbook
	@$(BIN)/python -m benchmarks $(ARGS)

bench-peers: .venv-peers/.installed ## the packages of the engines that permitted search is measured beside
	@:

.venv-peers/.installed: $(INSTALLED) benchmarks/requirements-peers.lock
	@test -x .venv-peers/bin/python || $(PYTHON) -m venv --without-pip .venv-peers
	@index=$$($(BIN)/python -m pip config list | sed -n "s/^[a-z:]*\.index-url='\(.*\)'$$/\1/p" | tail -n 1); \
	env UV_LINK_MODE=copy $${index:+UV_DEFAULT_INDEX="$$index"} $(BIN)/uv pip sync --quiet --compile-bytecode \
		--require-hashes --python .venv-peers/bin/python benchmarks/requirements-peers.lock
	@touch $@

local-llm: $(INSTALLED) ## a language model of 135 million parameters to test with: python -m gateway.localllm
	@index=$$($(BIN)/python -m pip config list | sed -n "s/^[a-z:]*\.index-url='\(.*\)'$$/\1/p" | tail -n 1); \
	env UV_LINK_MODE=copy $${index:+UV_DEFAULT_INDEX="$$index"} $(BIN)/uv pip install --quiet --no-deps \
		--require-hashes --python $(BIN)/python -r requirements-local-llm.lock

css: ## the portal's style sheet anew from gateway/static_src (needs Node)
	cd gateway/static_src && npm ci --no-audit --no-fund && npm run build

format: install ## put code and templates into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djhtml --tabwidth 2 $$(git ls-files '*.html' | grep '/templates/')

lock: install ## resolve requirements*.txt anew, with hashes
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		-o requirements.lock requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		-o requirements-dev.lock requirements-dev.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		-o benchmarks/requirements-peers.lock benchmarks/requirements-peers.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-deps \
		-o requirements-local-llm.lock requirements-local-llm.txt
