# make lab      set up if need be, then open JupyterLab on the lessons      LAYERS=core  LESSON=3  PORT=8889  BROWSER=no  PROJECTOR=1
# make test     set up if need be, then pass every test      make test-all: the long ones
# The environment's own Python once it is there; before that the first 3.11 to 3.13 found, or PYTHON=/path/to/python3.12
VENV   ?= .venv
LAYERS ?=
ifndef PYTHON
PYTHON := $(shell for p in $(VENV)/bin/python python3.11 python3.12 python3.13 python3 python; do \
  "$$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && echo "$$p" && break; done)
endif
RUN := $(VENV)/bin/python
export VENV

.PHONY: setup lab test test-all reset notebooks record new-lesson doctor weights-large repair lint lock site slides upgrade
.DEFAULT_GOAL := lab

setup:
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed, and none was found. Install one, or name it: make lab PYTHON=/path/to/python3.12"; exit 1; }
	@"$(PYTHON)" bootstrap.py $(LAYERS)

lab: setup
	@$(RUN) tools/lab.py open $(if $(LESSON),--lesson $(LESSON)) $(if $(PORT),--port $(PORT)) $(if $(filter no,$(BROWSER)),--no-browser) $(if $(PROJECTOR),--projector)

# Unit tests, provider, exercises and browser; then every notebook, strictly.
test: setup
	$(RUN) -m pytest -q -n 2 --dist loadfile -m "not long" tests
	$(RUN) tools/check_notebooks.py

# The long pass, beside make test: models on all their held-out data, every lesson in the browser, and every notebook
# once more under other processor settings, hash seed and time zone.
test-all: setup
	@"$(PYTHON)" bootstrap.py core dev site
	$(RUN) -m pytest -q -m long tests
	$(RUN) tools/notebooks.py --elsewhere

# make reset LESSON=3: a fresh copy of a lesson; the learner's own is kept beside it
reset: setup
	@$(RUN) tools/lab.py reset $(if $(LESSON),--lesson $(LESSON))

# For those who write lessons: execute again and normalise; put replies on record; begin one (make new-lesson N=3 NAME=documents).
notebooks: setup
	$(RUN) tools/notebooks.py $(LESSON)
record: setup
	$(RUN) tools/record.py $(LESSON)
new-lesson: setup
	$(RUN) tools/new_lesson.py $(or $(N),$(LESSON)) $(NAME)

# Is this machine ready? One line a check, a fix beside each failure.
doctor: setup
	@$(RUN) -m course_utils doctor

# The weights of the tier large: 1.1 GB, needed only to ask it something new.
weights-large: LAYERS = core weights-large
weights-large: setup

# A further layer: make providers, make frameworks, make stores, make serving, make dev, make weights
.PHONY: providers frameworks stores serving dev weights weights-small
providers frameworks stores serving dev weights weights-small:
	@"$(PYTHON)" bootstrap.py core $@

# For teachers: the lessons as a searchable site and as slides, both without a server or network, in build/.
site: LAYERS = core dev site
site: setup
	$(RUN) tools/build_site.py $(foreach lesson,$(LESSON),--lesson $(lesson))
slides: LAYERS = core dev site
slides: setup
	$(RUN) tools/slides.py $(LESSON)

# Install again what is there, over whatever has been damaged.
repair:
	@"$(PYTHON)" bootstrap.py --repair $(LAYERS)

lint: setup
	$(RUN) -m ruff check .
	$(RUN) -c "from importlinter.cli import lint_imports_command as lint; lint()"

# make lock UV=/path/to/uv: a new dependency joins the locks, standing pins stay; UPGRADE=1 moves them all
UV ?= uv
lock:
	"$(PYTHON)" requirements/lock.py --uv "$(UV)" $(if $(UPGRADE),--upgrade)

# Everything at its newest version: the locks move, .venv follows, every notebook runs again, and what changed in its
# outputs is told cell by cell (build/upgrade.txt). Nothing is written into the notebooks; `make notebooks` does that.
upgrade:
	@$(MAKE) lock UPGRADE=1
	@$(MAKE) setup
	@mkdir -p build
	$(RUN) tools/notebooks.py --check $(LESSON) >build/upgrade.txt 2>&1; code=$$?; cat build/upgrade.txt; exit $$code
