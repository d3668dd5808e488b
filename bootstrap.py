"""Make .venv and install the course into it: a start for any Python, even one that is too old to do it.

    python bootstrap.py                 every layer but weights-large
    python bootstrap.py core            the light set-up; any names of requirements/*.lock will do
    python bootstrap.py --lab           and open JupyterLab after it (what `make lab` does)
    python bootstrap.py --repair        install again what is there, over whatever has been damaged
    python bootstrap.py --here core     into the Python that runs this, which has its own torch (conda, Binder)

The work is done in requirements/install.py.
"""

import sys

TOO_OLD = (
    "The course needs Python 3.11, 3.12 or 3.13, and this is Python %d.%d. Install one of them and run this again "
    "with it (make finds it by itself; Windows: py -3.11 bootstrap.py --lab)."
)

if not (3, 11) <= sys.version_info[:2] < (3, 14):
    sys.exit(TOO_OLD % sys.version_info[:2])

if __name__ == "__main__":
    from requirements import install

    install.main()
