"""OpenFeature's Python SDK with its OFREP provider, unchanged: asks for flags and tells what it got, as JSON."""

import argparse
import json

from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--asks", required=True, help="a list of {type, key, default, context}")
    arguments = parser.parse_args()
    api.set_provider_and_wait(OFREPProvider(arguments.url))
    client = api.get_client()
    ask = {
        "boolean": client.get_boolean_details,
        "string": client.get_string_details,
        "integer": client.get_integer_details,
        "float": client.get_float_details,
        "object": client.get_object_details,
    }
    told = []
    for asked in json.loads(arguments.asks):
        context = dict(asked.get("context", {}))
        who = EvaluationContext(targeting_key=context.pop("targetingKey", None), attributes=context)
        got = ask[asked["type"]](asked["key"], asked["default"], who)
        told.append({"value": got.value, "variant": got.variant, "reason": got.reason, "error": got.error_code})
    print(json.dumps(told))


if __name__ == "__main__":
    main()
