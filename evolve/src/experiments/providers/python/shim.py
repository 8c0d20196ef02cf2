"""Calls functions for an experiment: one JSON object a line in, one a line out.

Modules may print; what they print goes to standard error, so that it does not stand among the answers.
"""

import importlib
import inspect
import json
import os
import sys
import threading
import traceback

answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)
sys.stdout = sys.stderr
lock = threading.Lock()


def answer(request, **fields):
    text = json.dumps({"id": request["id"], **fields}, default=as_json)
    with lock:
        answers.write(text + "\n")
        answers.flush()


def as_json(value):
    if isinstance(value, (bytes, bytearray)):
        return value.decode("utf-8", "replace")
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, BaseException):
        return raised(value)
    return str(value)


def raised(error):
    return traceback.format_exception_only(type(error), error)[-1].strip()


def function(request):
    module = importlib.import_module(request["module"])
    found = getattr(module, request["func"], None)
    if not callable(found):
        raise AttributeError(f"the module {request['module']} has no function {request['func']}")
    return found


def parameters(found):
    try:
        return inspect.signature(found).parameters
    except (TypeError, ValueError):
        # Some functions written in C do not tell.
        return None


def check(request):
    """Whether the function is there and takes these arguments."""
    found = function(request)
    taken = parameters(found)
    if taken is not None:
        given = {name: None for name in request["arguments"]}
        for name in ("secrets", "configuration"):
            if name in taken:
                given[name] = None
        inspect.signature(found).bind(**given)
    answer(request, output=None)


def call(request):
    found = function(request)
    arguments = dict(request["arguments"])
    taken = parameters(found) or {}
    if request["secrets"] is not None and "secrets" in taken:
        arguments["secrets"] = request["secrets"]
    if "configuration" in taken:
        arguments["configuration"] = request["configuration"]
    answer(request, output=found(**arguments))


def serve(request):
    try:
        {"check": check, "call": call}[request["do"]](request)
    except BaseException as error:  # SystemExit too: a function's exit is its failure, not ours.
        answer(request, error=raised(error))


sys.path[:0] = [path for path in json.loads(os.environ.pop("MAINSTAY_PYTHON_PATHS", "[]"))]
for line in sys.stdin:
    threading.Thread(target=serve, args=(json.loads(line),), daemon=True).start()
