# Everything one does with Regen. Variables given to make (`make run PORT=8080`) reach the commands as their environment.

MAKEFLAGS += --no-print-directory
VENV := .venv/bin
PYTHON_FILES := app tests bench scripts/check-hygiene scripts/lint-schema scripts/breaking-changes
CORES := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
# Twice as many as there are cores: many tests wait for a process, a lease, a deadline.
WORKERS = $(shell expr $(CORES) \* 2)

.PHONY: help run test check bench bench-quick schema lock format clean

help:
	@echo 'make run     start the server: HOST=127.0.0.1 PORT=8000 DATA_DIR=data, or any other setting'
	@echo '             SIMULATE=1 stands in for the providers: the whole product, without a key'
	@echo 'make test    run the tests: FULL=1 runs the long ones too, WORKERS=3, ARGS="tests/accounts -k token"'
	@echo 'make check   lint, format, types, who imports whom, schema (drift, rules, breaks), locks'
	@echo 'make bench   compare with other servers side by side, and write the tables of README.md (15 minutes);'
	@echo '             ARGS=name runs one instead: chats dreams engine footprint gallery local_pictures providers uploads'
	@echo 'make bench-quick  the comparison in 2 minutes, with fewer rounds and servers'
	@echo 'make schema  write schema.graphql from the code'
	@echo 'make lock    pin the dependencies anew: ARGS=--upgrade takes newer ones'
	@echo 'make format  put the Python files into shape'
	@echo 'make clean   remove what was made here, except data'
	@echo 'PYTHON=/path/to/python3 names the interpreter that .venv is made with.'

# `exec`: the server takes the place of the shell, so make passes SIGTERM straight to it.
run:
	@scripts/set-up run && exec $(VENV)/regen serve

test:
	@scripts/apt-packages && scripts/set-up test && \
	exec scripts/test $(WORKERS) $(ARGS)

check:
	@scripts/set-up test && exec scripts/check

# The peers are installed for the comparison alone.
bench:
	@scripts/set-up $(if $(ARGS),test,bench) && exec scripts/bench $(ARGS)

bench-quick:
	@scripts/set-up bench && exec $(VENV)/python bench/comparison.py --quick

schema:
	@scripts/set-up run && exec $(VENV)/regen schema --write

lock:
	@exec scripts/lock $(ARGS)

format:
	@scripts/set-up test && \
	$(VENV)/python -m ruff check --select I --fix --quiet $(PYTHON_FILES) && \
	$(VENV)/python -m ruff format $(PYTHON_FILES)

clean:
	rm -rf .venv web/node_modules web/dist web/build tests/clients/node_modules build *.egg-info
	rm -rf bench/peers/.venv bench/peers/node_modules
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find app tests bench scripts -name __pycache__ -type d -prune -exec rm -rf {} +
