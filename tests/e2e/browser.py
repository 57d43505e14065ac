"""Chromium without a window, over its debugging pipe: open a page, ask it, look at it.

Not executable, so tests/e2e/run leaves it alone.  The protocol is JSON, each message ended by NUL, on
descriptors 3 and 4 of the browser (--remote-debugging-pipe).
"""
import base64
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import time

CHROMIUM = next((path for path in map(shutil.which, ("chromium", "chromium-browser")) if path), None)


class Browser:
    def __init__(self, folder):
        """`folder`: for its profile.  Nothing is fetched from outside: its network is a dead proxy."""
        to_read, self.out = self.pipe()
        self.into, to_write = self.pipe()

        def own_descriptors():
            os.dup2(to_read, 3)
            os.dup2(to_write, 4)

        self.child = subprocess.Popen(
            [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-extensions", "--disable-background-networking", "--disable-component-update",
             "--proxy-server=127.0.0.1:9", "--force-color-profile=srgb", "--user-data-dir=" + folder,
             "--remote-debugging-pipe", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            preexec_fn=own_descriptors, pass_fds=(3, 4), env={**os.environ, "HOME": folder})
        os.close(to_read)
        os.close(to_write)
        self.number, self.text, self.events, self.session = 0, b"", [], None

    @staticmethod
    def pipe():
        """Two descriptors that are surely not 3 or 4."""
        ends = os.pipe()
        high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 20) for end in ends]
        for end in ends:
            os.close(end)
        return high

    def close(self):
        os.close(self.out)
        os.close(self.into)
        try:
            self.child.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait()

    def message(self, deadline):
        while b"\0" not in self.text:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.into], [], [], left)[0]:
                raise TimeoutError("the browser does not answer")
            more = os.read(self.into, 1 << 16)
            if not more:
                raise EOFError("the browser ended")
            self.text += more
        one, self.text = self.text.split(b"\0", 1)
        return json.loads(one)

    def call(self, method, timeout=60, **parameters):
        self.number += 1
        ask = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            ask["sessionId"] = self.session
        data = json.dumps(ask).encode() + b"\0"
        while data:
            data = data[os.write(self.out, data):]
        deadline = time.monotonic() + timeout
        while True:
            m = self.message(deadline)
            if m.get("id") == self.number:
                if "error" in m:
                    raise RuntimeError("%s: %s" % (method, m["error"]))
                return m["result"]
            self.events.append(m)

    def wait(self, event, timeout=60):
        deadline = time.monotonic() + timeout
        while not any(m.get("method") == event for m in self.events):
            self.events.append(self.message(deadline))

    def open(self, path, width=1280, height=900, mobile=False, dark=False, media=""):
        """A page of this size.  What it asked for and complained of afterwards: requests(), complaints()."""
        if self.session is None:
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Network", "Log", "Accessibility", "DOM"):
                self.call(domain + ".enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2 if mobile else 1,
                  mobile=mobile)
        self.call("Emulation.setEmulatedMedia", media=media,
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.events.clear()
        self.call("Page.navigate", url="file://" + os.path.abspath(path))
        self.wait("Page.loadEventFired")

    def ask(self, expression):
        """The value of some JavaScript, run beside the page's policy."""
        done = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in done:
            raise RuntimeError(json.dumps(done["exceptionDetails"])[:500])
        return done["result"].get("value")

    def key(self, name, code, number):
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=code, windowsVirtualKeyCode=number)

    def requests(self):
        return [m["params"]["request"]["url"] for m in self.events if m.get("method") == "Network.requestWillBeSent"]

    def complaints(self):
        found = [m["params"]["entry"]["text"] for m in self.events if m.get("method") == "Log.entryAdded"]
        found += [json.dumps(m["params"]["args"]) for m in self.events if m.get("method") == "Runtime.consoleAPICalled"]
        return found + [m["params"]["exceptionDetails"]["text"] for m in self.events
                        if m.get("method") == "Runtime.exceptionThrown"]

    def picture(self, path, whole=True):
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 8000), "scale": 1}
        more = {"clip": clip, "captureBeyondViewport": True} if whole else {}
        data = self.call("Page.captureScreenshot", format="png", **more)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def paper(self, path):
        data = base64.b64decode(self.call("Page.printToPDF", printBackground=False, preferCSSPageSize=True)["data"])
        with open(path, "wb") as file:
            file.write(data)
        return data

    def spoken(self):
        """What a screen reader gets: [(role, name)] in the order of the page."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [(n["role"]["value"], n.get("name", {}).get("value", "")) for n in nodes
                if not n.get("ignored") and "role" in n]
