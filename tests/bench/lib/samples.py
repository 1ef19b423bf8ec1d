"""Trades for synthetic chains: events as the orderbook emits them, in the lengths of the real ones.

Of 30 recorded TakeOrderV2 the data has 833 to 8,705 bytes, 1,633 in the middle and 3,061 on average; of 9 ClearV2 1,409
to 8,609. What makes them long is the order's bytecode, which no reader looks into: here it is noise.
"""

import hashlib
from pathlib import Path

from .abi import encode

ORDERBOOK = "0x8a791620dd6260079bf849dc5567adc3f2fdc318"
OWNER = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8"
OTHER = "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc"
TAKER = "0x90f79bf6eb2c4f870365e785982e1f101e93b906"
USDC = "0x5fbdb2315678afecb367f032d93f642f64180aa3"
# Of the bytecode, so that the events have the lengths of real ones.
TAKE_BYTECODES = (64, 480, 864, 864, 1280, 2400, 7936)
CLEAR_BYTECODES = (64, 1024, 3600)


def _types(text: str) -> list[dict]:
    """ABI types: "(address,(uint256,bytes)[])" as the compiler's JSON has them."""
    found, depth, start = [], 0, 1
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if (letter == "," and depth == 1) or depth == 0:
            found.append(_type(text[start:place]))
            start = place + 1
    return found


def _type(text: str) -> dict:
    if not text.startswith("("):
        return {"type": text}
    body, _, suffix = text.rpartition(")")
    return {"type": "tuple" + suffix, "components": _types(body + ")")}


IO = "(address,uint8,uint256)"
ORDER = f"(address,(address,address,bytes),{IO}[],{IO}[],bytes32)"
TAKE = _types(f"(address,({ORDER},uint256,uint256,(address,uint256[],bytes)[]),uint256,uint256)")
CLEAR = _types(f"(address,{ORDER},{ORDER},(uint256,uint256,uint256,uint256,uint256,uint256))")
AFTER = _types("(address,(uint256,uint256,uint256,uint256))")


def equity(index: int) -> str:
    """The address of an equity token."""
    return "0x" + "e9" * 18 + f"{index:04x}"


def noise(length: int) -> bytes:
    words = (hashlib.sha256(b"%d" % place).digest() for place in range(length // 32 + 1))
    return b"".join(words)[:length]


def order(owner: str, token: str, bytecode: int) -> tuple:
    """Gives and takes the token and USDC: input 0 and output 1 are USDC."""
    usdc, stock = (USDC, 6, 1), (token, 18, 2)
    evaluable = ("0x" + "11" * 20, "0x" + "22" * 20, noise(bytecode))
    return (owner, evaluable, [usdc, stock], [stock, usdc], noise(32))


def take(owner: str, token: str, direction: str, shares: int, bytecode: int = 864, micro=0) -> bytes:
    """Somebody takes the owner's order: shares whole and millionths, at 200 dollars each."""
    place = 0 if direction == "SELL" else 1
    stock, dollars = shares * 10**18 + micro * 10**12, shares * 200 * 10**6
    left, entered = (stock, dollars) if direction == "SELL" else (dollars, stock)
    return encode(TAKE, (TAKER, (order(owner, token, bytecode), place, place, []), left, entered))


def clear(owner: str, token: str, bytecode: int) -> tuple[bytes, bytes]:
    """The owner, who is alice, sells a share and a half to another; and the event behind it."""
    mine, theirs = order(owner, token, bytecode), order(OTHER, token, 64)
    event = encode(CLEAR, (TAKER, mine, theirs, (0, 0, 1, 1, 7, 8)))
    stock, dollars = 15 * 10**17, 300 * 10**6
    return event, encode(AFTER, (TAKER, (stock, dollars, dollars, stock)))


def write(path: Path) -> Path:
    """The file of node/chain.c."""
    lines = [f"orderbook {ORDERBOOK}"]
    for word, owner in (("ours", OWNER), ("theirs", OTHER)):
        for index, length in enumerate(TAKE_BYTECODES):
            direction = ("SELL", "BUY")[index % 2]
            lines.append(f"take {word} 0x{take(owner, equity(index), direction, 1 + index, length).hex()}")
        for index, length in enumerate(CLEAR_BYTECODES):
            event, after = clear(owner, equity(index), length)
            lines += [f"clear {word} 0x{event.hex()}", f"after {word} 0x{after.hex()}"]
    path.write_text("\n".join(lines) + "\n")
    return path


def symbol_of(index: int) -> str:
    """The symbol of equity(index): letters, so that its ticker is one that a broker may have."""
    letters = ""
    for _ in range(3):
        index, letter = divmod(index, 26)
        letters = chr(ord("A") + letter) + letters
    return f"B{letters}0x"


def write_queue(path: Path, symbols: int = 10) -> Path:
    """The file of floor/queue.c: short events, so that a million of them fit on a disk."""
    lines = [f"orderbook {ORDERBOOK}", f"owner {OWNER}", f"token {USDC} USDC 6"]
    for index in range(symbols):
        lines.append(f"token {equity(index)} {symbol_of(index)} 18")
        for direction in ("SELL", "BUY"):
            for shares in (1, 2, 3):
                data = take(OWNER, equity(index), direction, shares, 64, micro=125_000)
                lines.append(f"take 0x{data.hex()}")
    path.write_text("\n".join(lines) + "\n")
    return path
