# One word for each thing a person does here; `make demo` and `make test` need Python 3.11+ and nothing else.
PYTHON ?= python3
BIN := .venv/bin
DEMO_DIR ?= demo
WORKERS ?= 2

# What needs no browser and trains nothing; of these `test-quick` leaves out certificates, background work
# and what is marked slow.
QUICK := $(addprefix tests/,annotator/arrays annotator/formats annotator/images annotator/services \
  annotator/store annotator/ui annotator/test_domain.py annotator/test_settings.py mlrpl/datasets \
  mlrpl/test_labels.py mlrpl/test_metrics.py test_architecture.py test_docs.py \
  test_public_names.py)
# One thread a process: the processes share the processors already, and more threads only wait.
# Bytecode is kept even where the environment says not to, or each of the hundreds of processes that
# tests start would compile all modules anew.
PYTEST = OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest \
  --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: install demo programs test test-quick check format bench clean

install: .venv/.demo-ready

.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/.demo-ready: .venv/.made pyproject.toml constraints.txt
	@echo "Installing (a few minutes the first time: PyTorch is large) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[demo]'
	@touch $@

.venv/.test-ready: .venv/.made pyproject.toml constraints.txt
	@echo "Installing with everything the tests need ..."
	@scripts/install-for-tests
	@touch $@ .venv/.demo-ready

demo: .venv/.demo-ready
	@$(BIN)/annotator demo --dir $(DEMO_DIR)

programs: .venv/.made
	@scripts/ensure-browser
	@scripts/ensure-nginx

test: programs .venv/.test-ready
	@$(PYTEST)

test-quick: .venv/.test-ready
	@$(PYTEST) -m 'not slow' --ignore tests/annotator/services/certificates \
	  --ignore tests/annotator/services/background $(QUICK)

check: .venv/.test-ready
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy && $(BIN)/lint-imports
	@$(BIN)/python scripts/check_javascript.py || [ $$? = 3 -a -z "$$CI" ]

format: .venv/.test-ready
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

bench: .venv/.test-ready
	@$(BIN)/python benchmarks/run.py

clean:
	@rm -rf .venv node_modules build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
