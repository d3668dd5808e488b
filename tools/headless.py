"""JupyterLab in a headless Chromium, offline, on copies: for tests/test_browser.py and tools/screenshot.py.

with Lab(folder) as lab, lab.open("02_retrieval.ipynb") as notebook:
    notebook.run_all()

Nothing of the user's own JupyterLab is read or written: configuration, settings, workspaces and state are temporary.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote, urlsplit

import notebooks
import offline

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]
SETTINGS = {
    # all cells are in the page, not only those in view
    "notebook-extension/tracker": {"windowingMode": "none", "autoStartDefaultKernel": True},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
SECONDS = 120  # for what JupyterLab does itself; a notebook gets as long as it needs
CURRENT = "const panel = jupyterapp.shell.currentWidget;"


def copy(paths, folder: Path) -> list[str]:
    """Copy notebooks into a folder that looks like the checkout to their cells; their names within that folder."""
    folder = Path(folder)
    (folder / "notebooks").mkdir(exist_ok=True)
    for name in ("data", "examples", "docs"):
        source = notebooks.ROOT / name
        if source.exists():
            try:
                os.symlink(source, folder / name, target_is_directory=True)
            except OSError:  # Windows, without the right to do so
                shutil.copytree(source, folder / name)
    for path in paths:
        shutil.copy(path, folder / "notebooks")
    return [f"notebooks/{path.name}" for path in paths]


class Lab:
    """A JupyterLab server on a folder, and a browser."""

    def __init__(self, folder: Path, **environment):
        self.folder, self._more, self._stack = Path(folder), environment, contextlib.ExitStack()

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_):
        self._stack.close()

    def _start(self):
        own = Path(self._stack.enter_context(tempfile.TemporaryDirectory("-lab", ignore_cleanup_errors=True)))
        environment = offline.environment(own) | self._more
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
            environment[name] = str(own / name.lower())
        environment["JUPYTERLAB_WORKSPACES_DIR"] = str(own / "workspaces")
        environment["JUPYTERLAB_SETTINGS_DIR"] = str(own / "settings")
        environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", "")])
        for plugin, values in SETTINGS.items():
            file = own / "settings" / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values), encoding="utf-8")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--expose-app-in-browser", "--allow-root"]
        command += ["--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
        command += [f"--ServerApp.root_dir={self.folder}", "--IdentityProvider.token=", "--LabApp.news_url="]
        command += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
        command += ["--LabApp.extension_manager=readonly"]
        log = self._stack.enter_context((own / "log").open("w+", encoding="utf-8"))
        server = subprocess.Popen(command, env=environment, cwd=own, stdout=subprocess.PIPE, stderr=log, text=True)
        self._stack.callback(self._stop, server)
        self._wait_for(server, port, log)
        self._browse()

    def _wait_for(self, server, port, log):
        """Until the server accepts connections: it is asked again and again, as long as it lives."""
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(timeout=0.1)
                log.seek(0)
                raise RuntimeError(f"JupyterLab did not start:\n{log.read()[-3000:]}")

    @staticmethod
    def _stop(server):
        server.terminate()
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        server.stdout.close()

    def _browse(self):
        from playwright.sync_api import sync_playwright

        from course_utils.doctor import NEEDS

        program = next(filter(None, map(shutil.which, NEEDS["chromium"].programs)), None)
        playwright = self._stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        self._stack.callback(browser.close)
        self.browser = browser

    @contextlib.contextmanager
    def open(self, name: str, width: int = 1280, height: int = 1000):
        """Open a notebook of the folder and wait for its kernel; an Opened."""
        page = self.browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(SECONDS * 1000)
        opened = Opened(page, self.url)
        page.goto(f"{self.url}/lab/tree/{quote(name)}?reset")
        page.wait_for_function(
            "globalThis.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
        )
        try:
            yield opened
        finally:
            page.evaluate(f"async () => {{ {CURRENT} await panel.sessionContext.shutdown(); }}")
            page.close()


class Opened:
    """A notebook in the browser. `failed` lists requests that failed or left this machine."""

    def __init__(self, page, url):
        self.page, self.failed = page, []
        page.on("requestfailed", lambda request: self.failed.append(f"{request.failure}: {request.url}"))
        page.on("response", lambda r: self.failed.append(f"{r.status}: {r.url}") if r.status >= 400 else None)
        page.on("request", lambda request: self._local(request.url, url))

    def _local(self, address, home):
        parts = urlsplit(address)
        if parts.scheme not in ("data", "blob") and parts.netloc != urlsplit(home).netloc:
            self.failed.append(f"leaves this machine: {address}")

    def _do(self, script, argument=None):
        return self.page.evaluate(f"async argument => {{ {CURRENT} {script} }}", argument)

    def run_all(self):
        """Run All, as from the menu, until the last cell is done.

        The command resolves at the first error, even one that is meant; an empty request queues behind all cells.
        """
        self._do(
            "await jupyterapp.commands.execute('notebook:run-all-cells');"
            "const last = {code: '', silent: true, stop_on_error: false};"
            "await panel.sessionContext.session.kernel.requestExecute(last).done.catch(() => null);"
        )

    def run(self, index: int):
        """Run the cell of this index (from 0, prose counted)."""
        self._do(
            "panel.content.activeCellIndex = argument; panel.content.deselectAll();"
            "await jupyterapp.commands.execute('notebook:run-cell')",
            index,
        )

    def write(self, index: int, source: str):
        """Replace the source of a cell, as if typed."""
        self._do("panel.content.model.cells.get(argument[0]).sharedModel.setSource(argument[1])", [index, source])

    @property
    def notebook(self):
        """The notebook as JupyterLab holds it now."""
        import nbformat

        return nbformat.from_dict(self._do("return panel.content.model.toJSON()"))

    def errors(self) -> list[str]:
        """Cells that ended in an error which their tags do not announce, or that did not run."""
        nb, found = self.notebook, []
        for index, cell in enumerate(nb.cells):
            if cell.cell_type != "code" or not "".join(cell.source).strip():
                continue
            if cell.execution_count is None:
                found.append(f"{notebooks.where(nb, index)} did not run")
            for output in cell.outputs:
                if output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", []):
                    found.append(f"{notebooks.where(nb, index)}: {output.ename}: {output.evalue}")
        return found

    def move_slider(self, index: int) -> tuple[str, str]:
        """Press an arrow key on the first slider of a cell; the cell's text before, and after its HTML has changed.

        Only what the kernel wrote counts: the slider's own read-out changes without any.
        """
        area = self.page.locator(".jp-Notebook .jp-Cell").nth(index).locator(".jp-OutputArea")
        said = "cell => [...cell.querySelectorAll('.widget-html-content')].map(e => e.innerHTML).join()"
        before, written = area.inner_text(), area.evaluate(said)
        handle = area.locator("[role=slider]").first
        at_end = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
        handle.focus()
        self.page.keyboard.press("ArrowLeft" if at_end else "ArrowRight")
        self.page.wait_for_function(f"([cell, old]) => ({said})(cell) !== old", arg=[area.element_handle(), written])
        return before, area.inner_text()

    def cells_with_slider(self) -> list[int]:
        """Indices of the cells that show a slider."""
        cells = self.page.locator(".jp-Notebook .jp-Cell").all()
        return [index for index, cell in enumerate(cells) if cell.locator("[role=slider]").count()]

    def text(self, index: int) -> str:
        """All text that the outputs of a cell show on the page."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index).locator(".jp-OutputArea").inner_text()
