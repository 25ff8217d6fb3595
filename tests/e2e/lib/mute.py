#!/usr/bin/env python3
"""Connections that ask once and do not read: python3 mute.py PORT N, the request as a JSON string on the
first line of stdin. Their windows and segments are so small that little fits in between. Prints "ready";
then each line "read" reads the next one to its last chunk and prints {"ids", "whole"}."""
import json
import socket
import sys


def ask(port, request):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    s.connect(("127.0.0.1", port))
    s.sendall(request)
    s.settimeout(20)
    return s


def unchunked(got):
    head, _, rest = bytes(got).partition(b"\r\n\r\n")
    body = b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        n = int(size, 16)
        body, rest = body + rest[:n], rest[n + 2 :]
    return body


def read(s):
    got = bytearray()
    try:
        while not got.endswith(b"\r\n0\r\n\r\n"):
            data = s.recv(65536)
            if not data:
                break
            got += data
    except OSError:
        pass
    whole = got.endswith(b"\r\n0\r\n\r\n")
    return {"ids": unchunked(got).count(b"\nid: ") if whole else 0, "whole": whole}


def main():
    request = json.loads(sys.stdin.readline()).encode()
    sockets = [ask(int(sys.argv[1]), request) for _ in range(int(sys.argv[2]))]
    print("ready", flush=True)
    for _ in sys.stdin:
        print(json.dumps(read(sockets.pop())), flush=True)


main()
