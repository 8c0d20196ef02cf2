"""Uses a fault proxy through Toxiproxy's Python client, unchanged, and tells in JSON what it saw.

toxiproxy_client.py API_HOST API_PORT UPSTREAM; the upstream sends back what it is sent.
"""

import json
import socket
import sys
import time

from toxiproxy import Toxiproxy
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

host, port, upstream = sys.argv[1], int(sys.argv[2]), sys.argv[3]
toxiproxy = Toxiproxy()
toxiproxy.update_api_consumer(host, port)
seen = {"running": toxiproxy.running(), "version": json.loads(toxiproxy.version())["version"]}
proxy = toxiproxy.create(upstream=upstream, name="shop")


def ping_ms():
    address, listening = proxy.listen.rsplit(":", 1)
    with socket.create_connection((address, int(listening)), timeout=5) as connection:
        start = time.monotonic()
        connection.sendall(b"x")
        assert connection.recv(1) == b"x"
        return (time.monotonic() - start) * 1000


def raises(kind, call):
    try:
        call()
    except kind as error:
        return json.loads(error.args[0])
    return None


ping_ms()
proxy.add_toxic(type="latency", attributes={"latency": 100})
seen["late_ms"] = ping_ms()
seen["toxics"] = {name: toxic.attributes for name, toxic in proxy.toxics().items()}
seen["twice"] = raises(ProxyExists, lambda: proxy.add_toxic(type="latency"))
seen["unknown"] = raises(InvalidToxic, lambda: proxy.add_toxic(type="nonsense"))
seen["missing"] = raises(NotFound, lambda: proxy.destroy_toxic("none"))
proxy.destroy_toxic("latency_downstream")
with proxy.down():
    seen["refused"] = False
    try:
        ping_ms()
    except ConnectionRefusedError:
        seen["refused"] = True
ping_ms()
toxiproxy.populate([{"name": "other", "upstream": upstream, "listen": "127.0.0.1:0"}])
toxiproxy.reset()
seen["proxies"] = sorted(toxiproxy.proxies())
toxiproxy.destroy_all()
seen["left"] = sorted(toxiproxy.proxies())
print(json.dumps(seen))
