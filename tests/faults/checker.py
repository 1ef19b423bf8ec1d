"""Compares a database of Ballast's with the chain's truth and with the laws of the ledger.

    with TruthTeller() as teller:
        checker = Checker(anvil.url, market.orderbook, [market.owner], first_block, teller)
        problems = checker.violations(folder / "ballast.db")

A violation is a sentence. No sentence: the database is right.
"""

import contextlib
import sqlite3
from collections import Counter, defaultdict
from decimal import ROUND_DOWN, Context, Decimal
from pathlib import Path

from truth import Truth, TruthTeller

INVARIANTS = Path(__file__).resolve().parents[1] / "invariants.sql"
MOST_TOLD = 10
_EXACT = Context(prec=200)
_PLACE = ("tx_hash", "log_index", "block_number")
_TRADE = (*_PLACE, "order_owner", "symbol", "direction", "amount", "token_amount", "usdc_amount")
_CONVERSION = ("token", "block_hash", "block_number", "shares", "assets")
_VAULT = ("token", "asset", "asset_decimals")
_EVENT = (*_PLACE, "block_hash")
_SIGN = {"BUY": 1, "SELL": -1}


class Checker:
    """The truth about the owners' orders at one orderbook, from first_block on."""

    def __init__(self, node_url: str, orderbook: str, owners, first_block: int, teller: TruthTeller | None = None):
        self.node_url = node_url
        self.orderbook = orderbook
        self.owners = list(owners)
        self.first_block = first_block
        self._teller = teller or TruthTeller()

    def truth(self) -> Truth:
        return self._teller.ask(self.node_url, self.orderbook, self.owners, self.first_block)

    def violations(self, database_path, complete: bool = True) -> list[str]:
        """complete: the programs have had their time, so everything on the chain must be in the database."""
        truth = self.truth()
        with _opened(database_path) as database:
            found = _laws(database) + _reversals(database) + _positions(database) + _worths(database)
            if complete:
                found += _events(database, truth) + _trades(database, truth) + _conversions(database, truth)
                found += _coverage(database, truth, self.first_block) + _waiting(database) + _unhedged(database)
            else:
                found += _covered_but_missing(database, truth)
        return found

    def granted_too_much(self, database_path, truth: Truth | None = None) -> list[str]:
        """Blocks that are covered although an event of theirs is not in the queue. Cheap, for a running system.

        Give the truth when the chain stands still; it is asked for otherwise.
        """
        if not Path(database_path).exists():
            return []
        truth = truth or self.truth()
        try:
            with _opened(database_path) as database:
                return _covered_but_missing(database, truth)
        except sqlite3.OperationalError as problem:
            if "no such table" in str(problem):
                return []
            raise


@contextlib.contextmanager
def _opened(path):
    """One snapshot of the whole database."""
    uri = f"{Path(path).resolve().as_uri()}?mode=ro"
    with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=5)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("BEGIN")
        yield connection


def _rows(database, sql: str) -> list[dict]:
    return [dict(row) for row in database.execute(sql)]


def _told(sentences: list[str]) -> list[str]:
    if len(sentences) <= MOST_TOLD:
        return sentences
    return sentences[:MOST_TOLD] + [f"and {len(sentences) - MOST_TOLD} more of: {sentences[0]}"]


def _laws(database) -> list[str]:
    found, pending = [], ""
    for piece in INVARIANTS.read_text().split(";")[:-1]:
        pending += piece + ";"
        if not sqlite3.complete_statement(pending):
            continue
        found += _told([f"law broken: {_title(pending)} {row}" for row in _rows(database, pending)])
        pending = ""
    return found


def _title(statement: str) -> str:
    """The last comment before the statement itself."""
    before = []
    for line in statement.strip().splitlines():
        if line and not line.startswith("--"):
            break
        before.append(line.removeprefix("--").strip())
    return " ".join(before).rpartition("  ")[2].strip() or "no title"


def _difference(name: str, wanted, present) -> list[str]:
    """Both as multisets of tuples."""
    wanted, present = Counter(wanted), Counter(present)
    missing = [f"{name} missing: {one}" for one in sorted((wanted - present).elements(), key=repr)]
    surplus = [f"{name} too many: {one}" for one in sorted((present - wanted).elements(), key=repr)]
    return _told(missing) + _told(surplus)


def _columns(rows, names) -> list[tuple]:
    return [tuple(row[name] for name in names) for row in rows]


def _events(database, truth: Truth) -> list[str]:
    standing = _rows(database, "SELECT * FROM event_queue WHERE removed = 0")
    return _difference("event", _columns(truth.events, _EVENT), _columns(standing, _EVENT))


def _trades(database, truth: Truth) -> list[str]:
    live = _rows(database, "SELECT * FROM live_trades")
    found = _difference("live trade", _columns(truth.fills, _TRADE), _columns(live, _TRADE))
    tickers = {one["symbol"]: one["ticker"] for one in truth.fills}
    return found + _told([
        f"ticker of trade {one['id']}: {one['symbol']} is not {one['base_symbol']}"
        for one in live
        if tickers.get(one["symbol"], one["base_symbol"]) != one["base_symbol"]
    ])


def _conversions(database, truth: Truth) -> list[str]:
    """What is known of blocks that left the chain, and of vaults whose fills all did, stays: the chain tells no more."""
    known = [row for row in _rows(database, "SELECT * FROM vault_conversions") if row["block_hash"] in truth.hashes.values()]
    vaults = [row for row in _rows(database, "SELECT * FROM vaults") if row["token"] in {one["token"] for one in truth.vaults}]
    return _difference("conversion", _columns(truth.conversions, _CONVERSION), _columns(known, _CONVERSION)) + _difference(
        "vault", _columns(truth.vaults, _VAULT), _columns(vaults, _VAULT)
    )


def _worths(database) -> list[str]:
    """Every trade in wrapped shares, also one that was taken back, is what its event's own block says of it."""
    rows = _rows(database, """
        SELECT t.id, t.amount, t.token_amount, k.symbol GLOB 'wt[A-Z]*' AS wrapped, k.decimals, v.asset_decimals, c.shares, c.assets
        FROM onchain_trades AS t
        JOIN event_queue AS q ON q.id = t.event_id
        JOIN tokens AS k ON k.symbol = t.symbol
        LEFT JOIN vaults AS v ON v.token = k.address
        LEFT JOIN vault_conversions AS c ON c.token = k.address AND c.block_hash = q.block_hash""")
    worths = defaultdict(set)
    for row in rows:
        if not row["wrapped"]:
            worths[row["id"]].add(row["token_amount"] is None)
        elif row["assets"] is not None and row["token_amount"] is not None:
            moved = _rounded(Decimal(row["token_amount"]), row["decimals"])
            same = moved == _EXACT.scaleb(int(row["shares"], 16), -row["decimals"])
            worth = _EXACT.scaleb(int(row["assets"], 16), -row["asset_decimals"])
            worths[row["id"]].add(same and _rounded(worth, 18) == Decimal(row["amount"]))
        else:
            worths[row["id"]].add(False)
    return _told([f"worth of trade {trade}: none of its block says so" for trade, right in worths.items() if True not in right])


def _rounded(amount: Decimal, digits: int) -> Decimal:
    """Towards zero."""
    return amount.quantize(Decimal(1).scaleb(-digits), ROUND_DOWN, _EXACT)


def _ranges(database) -> list[tuple[int, int]]:
    rows = _rows(database, "SELECT first_block, last_block FROM block_coverage ORDER BY first_block")
    return _columns(rows, ("first_block", "last_block"))


def _coverage(database, truth: Truth, first_block: int) -> list[str]:
    ranges = _ranges(database)
    if ranges == [(first_block, truth.head)]:
        return []
    return [f"coverage is {ranges}, not one range {first_block}-{truth.head}"]


def _covered_but_missing(database, truth: Truth) -> list[str]:
    ranges = _ranges(database)
    queued = set(_columns(_rows(database, "SELECT * FROM event_queue"), _EVENT))
    return _told([
        f"covered but missing: {one}"
        for one in _columns(truth.events, _EVENT)
        if one not in queued and any(first <= one[2] <= last for first, last in ranges)
    ])


def _waiting(database) -> list[str]:
    rows = _rows(database, "SELECT id, block_number FROM event_queue WHERE processed = 0 AND removed = 0")
    return _told([f"event {row['id']} of block {row['block_number']} waits" for row in rows])


def _reversals(database) -> list[str]:
    rows = _rows(database, """
        SELECT t.id, t.base_symbol, t.symbol, t.direction, t.amount, t.event_id, q.removed, q.processed,
               t.reverses_trade_id, o.direction AS original_direction, o.amount AS original_amount,
               o.event_id AS original_event, o.symbol AS original_symbol, o.reverses_trade_id AS second_order,
               (SELECT count(*) FROM onchain_trades AS r WHERE r.reverses_trade_id = t.id) AS reversed
        FROM onchain_trades AS t
        JOIN event_queue AS q ON q.id = t.event_id
        LEFT JOIN onchain_trades AS o ON o.id = t.reverses_trade_id""")
    found = []
    for row in rows:
        name = f"trade {row['id']}"
        if row["reverses_trade_id"] is None:
            if not row["removed"] and row["reversed"]:
                found.append(f"{name} is reversed though its event {row['event_id']} stands")
            if row["reversed"] > 1:
                found.append(f"{name} is reversed {row['reversed']} times")
            continue
        if row["second_order"] is not None or row["reversed"]:
            found.append(f"{name} takes part in the reversal of a reversal")
        if row["original_direction"] == row["direction"] or row["original_amount"] != row["amount"]:
            found.append(f"{name} does not undo trade {row['reverses_trade_id']}: {row}")
        if (row["original_event"], row["original_symbol"]) != (row["event_id"], row["symbol"]):
            found.append(f"{name} is of another event or token than trade {row['reverses_trade_id']}")
    return _told(found)


def _not_yet_reversed(database) -> list[str]:
    rows = _rows(database, """
        SELECT t.id, t.event_id FROM onchain_trades AS t JOIN event_queue AS q ON q.id = t.event_id
        WHERE q.removed = 1 AND t.reverses_trade_id IS NULL
          AND NOT EXISTS (SELECT 1 FROM onchain_trades AS r WHERE r.reverses_trade_id = t.id)""")
    return _told([f"trade {row['id']} of the removed event {row['event_id']} is not reversed" for row in rows])


def _sum(amounts) -> Decimal:
    total = Decimal(0)
    for amount in amounts:
        total = _EXACT.add(total, amount)
    return total


def _positions(database) -> list[str]:
    """net_position = signed live trades + signed executions: filled, or asked for while they are open.

    A trade counts as live until its reversal is booked, so this holds at every moment.
    """
    accounts = {row["symbol"]: row for row in _rows(database, "SELECT * FROM trade_accumulators")}
    pending = {row["pending_execution_id"] for row in accounts.values()}
    terms = defaultdict(list)
    for row in _rows(database, "SELECT base_symbol, direction, amount FROM live_trades"):
        terms[row["base_symbol"]].append(Decimal(row["amount"]) * _SIGN[row["direction"]])
    for row in _rows(database, "SELECT id, symbol, direction, shares, filled_shares FROM executions"):
        shares = row["shares"] if row["id"] in pending else row["filled_shares"]
        terms[row["symbol"]].append(Decimal(shares) * _SIGN[row["direction"]])
    found = []
    for symbol in sorted(terms.keys() | accounts.keys()):
        wanted = _sum(terms[symbol])
        net = Decimal(accounts[symbol]["net_position"]) if symbol in accounts else Decimal(0)
        if net != wanted:
            found.append(f"net_position of {symbol} is {net}, the trades and executions say {wanted}")
    return found


def _unhedged(database) -> list[str]:
    rows = _rows(database, """
        SELECT symbol, net_position FROM trade_accumulators AS a
        WHERE pending_execution_id IS NULL AND NOT EXISTS (
            SELECT 1 FROM executions AS e WHERE e.symbol = a.symbol AND e.status NOT IN ('FILLED', 'FAILED'))""")
    found = [
        f"{row['net_position']} of {row['symbol']} is unhedged and no execution is open"
        for row in rows
        if abs(Decimal(row["net_position"])) >= 1
    ]
    return found + _not_yet_reversed(database)
