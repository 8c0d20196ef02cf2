"""AWS for the tests: moto on a free port, with a key, two parameters, a secret and a function. Ends when its input does."""

import io
import json
import logging
import os
import sys
import zipfile

os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="eu-central-1")

import boto3
from moto.server import ThreadedMotoServer

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
url = f"http://{host}:{port}"

key = boto3.client("kms", endpoint_url=url).create_key()["KeyMetadata"]["KeyId"]
ssm = boto3.client("ssm", endpoint_url=url)
for value in ("5s", "3s"):
    ssm.put_parameter(Name="/shop/timeout", Value=value, Type="String", Overwrite=True)
ssm.put_parameter(Name="/shop/token", Value="ssm-hidden", Type="SecureString")
boto3.client("secretsmanager", endpoint_url=url).create_secret(Name="shop/db", SecretString=json.dumps({"user": "app", "password": "db-hidden"}))

# The function `orders` with versions 1 to 3, and its alias `live` at the first.
role = boto3.client("iam", endpoint_url=url).create_role(RoleName="orders", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
code = io.BytesIO()
with zipfile.ZipFile(code, "w") as archive:
    archive.writestr("main.py", "def handler(event, context):\n    return 1\n")
functions = boto3.client("lambda", endpoint_url=url)
functions.create_function(FunctionName="orders", Runtime="python3.13", Role=role, Handler="main.handler", Code={"ZipFile": code.getvalue()})
for release in ("one", "two", "three"):
    functions.update_function_configuration(FunctionName="orders", Description=release)
    functions.publish_version(FunctionName="orders")
functions.create_alias(FunctionName="orders", Name="live", FunctionVersion="1")

print(json.dumps({"url": url, "key": key}), flush=True)
sys.stdin.read()
server.stop()
