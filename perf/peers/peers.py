"""cryptofeed and ccxt on the same frames as the Rust candidates, in memory, with no network.

    peers.py venv DIR      makes (or completes) a virtual environment with the versions below; needs PyPI
    peers.py serve FILE    measures on demand: `perf/peers` writes FILE and asks, a turn a line, so that these two take
                           turns with everybody else

A turn is a line `cryptofeed bookTicker 500` on standard input; the answer is a line `12345.6`, the nanoseconds of processor
time of this thread for each message, or `none: why`. What is timed is the handler that the library itself calls with the text
of a frame, until the object or the book that its user would see is there; reading sockets is not in it.
"""

import asyncio
import json
import logging
import subprocess
import sys
import time
import venv
from pathlib import Path

REQUIRED = {"cryptofeed": "2.4.1", "ccxt": "4.5.90"}
# Frames that are made ready at once: diffs must carry ids that go on, so each is used once.
WARM_UP = 64


def make_venv(directory):
    python = Path(directory) / "bin" / "python"
    stamp = Path(directory) / "versions.json"
    if stamp.exists() and json.loads(stamp.read_text()) == REQUIRED:
        return
    print(f"making a virtual environment in {directory}: {', '.join(REQUIRED)}", file=sys.stderr)
    venv.create(directory, with_pip=True)
    packages = [f"{name}=={version}" for name, version in REQUIRED.items()]
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages], check=True)
    stamp.write_text(json.dumps(REQUIRED))


class Frames:
    """The frames of one kind, for ever, update ids going on."""

    def __init__(self, kind):
        self.templates = [(template["text"], template["ids"]) for template in kind["templates"]]
        self.id = kind["snapshotId"]
        self.at = 0

    def next(self):
        text, ids = self.templates[self.at]
        self.at = (self.at + 1) % len(self.templates)
        if ids:
            self.id += 1
            digits = str(self.id)
            for position in ids:
                text = text[:position] + digits + text[position + len(digits) :]
        return text


class Cryptofeed:
    """`Binance.message_handler`, an awaited no-op as callback. Prices become `Decimal`."""

    # It subscribes to no `trade`: its trades are the aggregated ones.
    kinds = ("bookTicker", "aggTrade", "diff-20")

    def __init__(self, snapshot):
        from cryptofeed.defines import L2_BOOK, TICKER, TRADES
        from cryptofeed.exchanges import Binance
        from cryptofeed.symbols import Symbols

        Symbols.set(Binance.id, {"BTC-USDT": "BTCUSDT"}, {"instrument_type": {"BTC-USDT": "spot"}})
        self.seen = 0

        async def callback(_object, _receipt):
            self.seen += 1

        channels = [TRADES, TICKER, L2_BOOK]
        callbacks = {channel: callback for channel in channels}
        self.feed = Binance(symbols=["BTC-USDT"], channels=channels, callbacks=callbacks)
        self.feed._reset()

        class Rest:
            async def read(self, _url):
                return snapshot

        self.feed.http_conn = Rest()

    async def run(self, texts):
        handler, now = self.feed.message_handler, time.time()
        for text in texts:
            await handler(text, None, now)

    async def time(self, texts):
        await self.run(texts[:WARM_UP])
        rest, before, seen = texts[WARM_UP:], time.thread_time_ns(), self.seen
        await self.run(rest)
        spent = time.thread_time_ns() - before
        assert self.seen - seen == len(rest), "a frame came to nothing"
        return spent / len(rest)


class Ccxt:
    """`ccxt.pro`: `Client.handle_text_or_binary_message`. Prices become floats; the raw message is kept beside them."""

    kinds = ("bookTicker", "trade", "aggTrade", "diff-20")

    def __init__(self, snapshot):
        import ccxt.pro

        self.exchange = exchange = ccxt.pro.binance()
        market = exchange.safe_market_structure(
            {"id": "BTCUSDT", "symbol": "BTC/USDT", "base": "BTC", "quote": "USDT", "baseId": "BTC", "quoteId": "USDT"}
            | {"type": "spot", "spot": True, "contract": False, "active": True}
        )
        exchange.set_markets([market])
        self.client = exchange.client("wss://stream.binance.com:9443/ws/0")
        book = exchange.order_book({}, 1000)
        parsed = exchange.parse_order_book(json.loads(snapshot), "BTC/USDT")
        parsed["nonce"] = json.loads(snapshot)["lastUpdateId"]
        book.reset(parsed)
        exchange.orderbooks["BTC/USDT"] = book

    def state(self, kind):
        if kind == "diff-20":
            return self.exchange.orderbooks["BTC/USDT"]["nonce"]
        if kind == "bookTicker":
            return self.exchange.bidsasks["BTC/USDT"]["bid"]
        return self.exchange.trades["BTC/USDT"][-1]["id"]

    async def time(self, texts):
        handle = self.client.handle_text_or_binary_message
        for text in texts[:WARM_UP]:
            handle(text)
        rest, before = texts[WARM_UP:], time.thread_time_ns()
        for text in rest:
            handle(text)
        return (time.thread_time_ns() - before) / len(rest)

    async def close(self):
        await self.exchange.close()


def check_ccxt(peer, kind, text):
    """What the last frame said must be what its user sees."""
    data = json.loads(text)["data"]
    expected = {"diff-20": data.get("u"), "bookTicker": float(data.get("b", 0)) if kind == "bookTicker" else None}
    if kind in expected:
        assert peer.state(kind) == expected[kind], f"{kind}: {peer.state(kind)} is not {expected[kind]}"
    else:
        assert peer.state(kind) == str(data["t" if kind == "trade" else "a"]), kind


async def serve(path):
    logging.disable(logging.CRITICAL)
    kinds = json.loads(Path(path).read_text())
    peers, frames = {}, {}
    for name, make in (("cryptofeed", Cryptofeed), ("ccxt", Ccxt)):
        try:
            peers[name] = make(kinds["diff-20"]["snapshot"])
        except Exception as error:  # The other one may run all the same.
            peers[name] = f"{type(error).__name__}: {error}".replace("\n", " ")
    print("ready", flush=True)
    while line := await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline):
        name, kind, count = line.split()
        peer = peers[name]
        if isinstance(peer, str):
            print(f"none: {peer}", flush=True)
            continue
        if kind not in peer.kinds:
            print("none: it has no such kind", flush=True)
            continue
        source = frames.setdefault((name, kind), Frames(kinds[kind]))
        texts = [source.next() for _ in range(WARM_UP + int(count))]
        try:
            spent = await peer.time(texts)
            if name == "ccxt":
                check_ccxt(peer, kind, texts[-1])
            print(f"{spent:.1f}", flush=True)
        except Exception as error:
            print(f"none: {type(error).__name__}: {error}".replace("\n", " "), flush=True)
    if isinstance(peers["ccxt"], Ccxt):
        await peers["ccxt"].close()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["venv", directory]:
            make_venv(directory)
        case ["serve", path]:
            asyncio.run(serve(path))
        case _:
            sys.exit(__doc__)
