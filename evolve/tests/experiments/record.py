"""Plays every experiment of this folder with Chaos Toolkit itself and keeps what it came to.

    python3 -m venv venv && venv/bin/pip install chaostoolkit jsonpath2
    venv/bin/python record.py

writes `toolkit` into each NAME.expect.json; `ours` is what Mainstay makes of the same experiment by itself.
"""

import http.server
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

import yaml

HERE = pathlib.Path(__file__).parent
ITEMS = {"items": [{"name": "a", "price": 1, "stock": 4}, {"name": "b", "price": 2.5, "stock": 4}]}


class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if url.path.startswith("/status/"):
            return self.answer(int(url.path.rsplit("/", 1)[1]), None)
        if url.path == "/slow":
            time.sleep(2)
            return self.answer(200, {})
        if url.path == "/items":
            return self.answer(200, ITEMS)
        parsed = json.loads(body) if self.headers.get("Content-Type") == "application/json" else None
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.answer(200, {"query": url.query, "body": body, "json": parsed, "headers": headers})

    do_POST = do_PUT = do_GET

    def answer(self, status, value):
        body = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        if value is not None:
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if body:
            self.wfile.write(body)

    def log_message(self, *_):
        pass


def play(file, url, interrupt_after_file):
    experiment = yaml.safe_load(file.read_text())
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(HERE, folder, dirs_exist_ok=True)
        arguments = [pathlib.Path(sys.executable).parent / "chaos", "run", "--journal-path", "journal.json"]
        hypothesis = experiment.get("runtime", {}).get("hypothesis", {})
        if "frequency" in hypothesis:
            arguments += ["--hypothesis-frequency", str(hypothesis["frequency"])]
        if hypothesis.get("fail_fast"):
            arguments += ["--fail-fast"]
        environment = {**os.environ, "SHOP_URL": url, "SHOP_TOKEN": "hunter22", "PYTHONPATH": folder}
        process = subprocess.Popen([*arguments, file.name], cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if interrupt_after_file:
            while not os.path.exists(f"{folder}/{interrupt_after_file}"):
                time.sleep(0.05)
            # The activity that makes the file ends, and the next begins.
            time.sleep(0.5)
            process.send_signal(signal.SIGTERM)
        exit_code = process.wait(60)
        journal = pathlib.Path(folder, "journal.json")
        return summary(exit_code, json.loads(journal.read_text()) if journal.exists() else None)


def summary(exit_code, journal):
    """What is compared: enough to tell the courses apart, nothing that differs between two runs."""
    if journal is None:
        return {"exit": exit_code}
    states = journal["steady_states"]
    during = {state["steady_state_met"] for state in states["during"]}
    return {
        "exit": exit_code,
        "status": journal["status"],
        "deviated": journal["deviated"],
        "before": look(states["before"]),
        "during": sorted(during),
        "after": look(states["after"]),
        "run": [[row["activity"]["name"], row.get("status", "failed")] for row in journal["run"]],
        "rollbacks": [[row["activity"]["name"], row.get("status", "failed")] for row in journal["rollbacks"]],
    }


def lines(value, indent):
    """One line for each field of the two summaries, as people compare them."""
    if not isinstance(value, dict):
        return json.dumps(value)
    fields = [f"{indent}  {json.dumps(key)}: {lines(inner, indent + '  ')}" for key, inner in value.items()]
    return "{\n" + ",\n".join(fields) + f"\n{indent}}}"


def look(state):
    return state and [[row["activity"]["name"], row["status"], row["tolerance_met"]] for row in state["probes"]]


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    for file in sorted(HERE.iterdir()):
        if file.suffix not in (".json", ".yaml") or file.name.endswith(".expect.json"):
            continue
        kept = file.with_suffix(".expect.json")
        expect = json.loads(kept.read_text()) if kept.exists() else {}
        expect["toolkit"] = play(file, url, expect.get("interruptAfterFile"))
        kept.write_text(lines(expect, "") + "\n")
        print(file.name, expect["toolkit"]["exit"], expect["toolkit"].get("status"))


if __name__ == "__main__":
    main()
