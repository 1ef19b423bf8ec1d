"""A market on a local node: tokens, two orderbooks, order owners with full vaults, and who trades with them.

    market = Market(anvil).deploy()
    [fill] = market.take("AAPL0x", "SELL", "0.3", usdc="69.15")
    fills = market.many([market.taking(...), market.clearing(...)])     one transaction
    market.across([(market.orderbook, action), (market.decoy, action)]) two orderbooks, one transaction

Each returns the Fills that Ballast is to find for the owner. Side and direction are the order owner's.
"""

from dataclasses import replace
from pathlib import Path

from .abi import Contract, encode
from .amounts import booked, canonical, float_units, float_word, raw_units, text
from .anvil import ROOT, Anvil
from .fills import (
    CLEAR_V2,
    CLEAR_V3,
    EVENT_TYPES,
    TAKE_ORDER_V2,
    TAKE_ORDER_V3,
    Action,
    Fill,
    Token,
    number_of,
)
from .process import wait_until
from .rpc import RpcError

TOKENS = {"AAPL0x": 18, "NVDAs1": 18, "tTSLA": 18, "tBRK.B": 18, "USDC": 6}
ARTIFACTS = Path(ROOT) / "build/contracts"
BALANCE = 2**200  # raw units in every vault and in every taker's wallet: more than 128 bits hold
INTERPRETER = "0x" + "11" * 20
STORE = "0x" + "22" * 20
GAS_LIMIT = 3_000_000  # for one fill
TERMS = [{"type": "uint256"}, {"type": "uint256"}]


class Reverted(AssertionError):
    """A transaction of the market failed on chain."""


class Market:
    """owner: whose orders Ballast hedges. stranger, other: owners that are none of its business. taker: sends
    the fills. watched: the owners whose fills are returned."""

    def __init__(self, anvil: Anvil, artifacts: Path = ARTIFACTS):
        self.anvil = anvil
        self.rpc = anvil.rpc
        self.deployer, self.owner, self.stranger, self.other, self.taker = anvil.accounts[:5]
        self.watched = {self.owner}
        self.tokens: dict[str, Token] = {}
        self.vaults: set[str] = set()  # those of the tokens whose shares are worth something else than themselves
        self.orderbook = self.decoy = self.router = ""
        self.deployment_block = 0
        self.book = Contract(artifacts / "Orderbook.json")
        self._token = Contract(artifacts / "Token.json")
        self._router = Contract(artifacts / "Router.json")
        self._vault = Contract(artifacts / "Vault.json")
        self.oracle_contract = Contract(artifacts / "Oracle.json")
        self._oracle_proxy = Contract(artifacts / "OracleProxy.json")
        self.oracle = ""
        self.last_tx = ""
        self._unsettled: list[tuple[str, list[tuple[str, str, list[Fill]]]]] = []

    # Setting up

    def deploy(
        self, extra_tokens: dict[str, int] | None = None, vaults: dict[str, str] | None = None
    ) -> "Market":
        """Creates everything, in three blocks (more when the node mines by the clock, or with vaults).

        vaults: ERC-4626 vaults by their symbol, and of which token. Orders of both generations trade their shares.
        """
        symbols = TOKENS | (extra_tokens or {})
        creations = [
            self._token.creation(f"Test {symbol}", symbol, decimals)
            for symbol, decimals in symbols.items()
        ]
        creations += [self.book.creation(), self.book.creation(), self._router.creation()]
        receipts = self._send_all([(self.deployer, None, data) for data in creations])
        addresses = [receipt["contractAddress"] for receipt in receipts]
        self.orderbook, self.decoy, self.router = addresses[-3:]
        self.deployment_block = int(receipts[-3]["blockNumber"], 16)
        self.tokens = {
            symbol: Token(symbol, address, decimals)
            for (symbol, decimals), address in zip(symbols.items(), addresses)
        }
        for symbol, asset in (vaults or {}).items():
            self.add_vault(symbol, asset)
        self._send_all(self._funding())
        self._send_all(self._openings())
        return self

    def add_vault(self, symbol: str, asset: str) -> None:
        """An ERC-4626 vault of shares of another token; added later, its fills are those of the second generation."""
        creation = self._vault.creation(f"Test {symbol}", symbol, self.tokens[asset].address)
        [receipt] = self._send_all([(self.deployer, None, creation)])
        self.tokens[symbol] = Token(symbol, receipt["contractAddress"], self.tokens[asset].decimals)
        self.vaults.add(symbol)

    def set_worth(self, symbol: str, worth) -> None:
        """What one share of a vault is worth from the next block but one on: see change_worth."""
        self.anvil.mine()
        self._send_all([self._worth_change(symbol, worth)])

    def change_worth(self, symbol: str, worth) -> None:
        """The same from the block on that will take the transaction up. The block before that should have no fill in a
        vault's shares: while anvil makes a block, it answers questions about the state of the one before, asked for by
        its hash, from the one that it makes."""
        self.rpc.call("eth_sendTransaction", self._transaction(*self._worth_change(symbol, worth)))

    def add_oracle(self) -> str:
        """A Pyth contract behind its proxy; the address that orders know."""
        [made] = self._send_all([(self.deployer, None, self.oracle_contract.creation())])
        creation = self._oracle_proxy.creation(made["contractAddress"])
        [proxy] = self._send_all([(self.deployer, None, creation)])
        self.oracle = proxy["contractAddress"]
        return self.oracle

    def set_price(self, feed: bytes, price: int, confidence: int, exponent: int, published: int) -> None:
        data = self.oracle_contract.call("setPrice", feed, price, confidence, exponent, published)
        self._send_all([(self.deployer, self.oracle, data)])

    def reading(self, *calls: str) -> Action:
        """An order's expression reads prices: calls of the oracle. In one transaction before a take."""
        return Action(self.book.call("readPrices", self.oracle, list(calls)))

    def order(self, owner: str, symbol: str) -> dict:
        """The owner's standing order for an equity against USDC. Its lists are in different order, and
        begin differently, so that whoever mixes up the indexes gets a wrong token."""
        token, usdc = self.tokens[symbol], self.tokens["USDC"]
        neighbour = next(one for one in self.tokens.values() if one not in (token, usdc))
        return self._order(owner, symbol, [neighbour, usdc, token], [token, usdc])

    def wide_order(self, owner: str) -> dict:
        """The owner's order of anything against anything."""
        tokens = list(self.tokens.values())
        return self._order(owner, "*", tokens, tokens[::-1])

    # Fills, made ready. The names without -ing below make ready and send.

    def taking(self, symbol: str, side: str, shares, usdc, owner: str = "", contexts=()) -> Action:
        """Somebody takes the owner's order. contexts: the signed contexts of the take."""
        owner = owner or self.owner
        order = self.order(owner, symbol)
        sold, sold_amount, bought, bought_amount = self._legs(symbol, side, shares, usdc)
        fill = self._fill(owner, symbol, side, canonical(shares), canonical(usdc))
        return self._take_action(
            order, sold, sold.raw(sold_amount), bought, bought.raw(bought_amount), [fill], contexts
        )

    def swapping(self, sold: str, sold_amount, bought: str, bought_amount, owner: str = "") -> Action:
        """The owner's order gives one token for another without USDC: two fills of one event."""
        owner = owner or self.owner
        fills = [
            self._fill(owner, sold, "SELL", canonical(sold_amount), None),
            self._fill(owner, bought, "BUY", canonical(bought_amount), None),
        ]
        given, received = self.tokens[sold], self.tokens[bought]
        amounts = given.raw(sold_amount), received.raw(bought_amount)
        return self._take_action(
            self.wide_order(owner), given, amounts[0], received, amounts[1], fills
        )

    def clearing(
        self,
        symbol: str,
        side: str,
        shares,
        usdc,
        owner_is: str = "alice",
        owner: str = "",
        counterparty: str = "",
        bounty_sold=0,
        bounty_bought=0,
    ) -> Action:
        """The owner's order is cleared against another's: shares and usdc are the owner's own amounts.

        bounty_sold: what of the token the owner gives does not reach the counterparty; bounty_bought: what
        the counterparty gives beyond what the owner receives.
        """
        owner, counterparty = owner or self.owner, counterparty or self.stranger
        sold, sold_amount, bought, bought_amount = self._legs(symbol, side, shares, usdc)
        mine, theirs = self.order(owner, symbol), self.order(counterparty, symbol)
        my_output, my_input = sold.raw(sold_amount), bought.raw(bought_amount)
        their_output = my_input + bought.raw(bounty_bought)
        their_input = my_output - sold.raw(bounty_sold)
        my_places = (_place(mine["validInputs"], bought), _place(mine["validOutputs"], sold))
        their_places = (_place(theirs["validInputs"], sold), _place(theirs["validOutputs"], bought))
        if owner_is == "alice":
            orders, places = (mine, theirs), my_places + their_places
            change = (my_output, their_output, my_input, their_input)
        else:
            orders, places = (theirs, mine), their_places + my_places
            change = (their_output, my_output, their_input, my_input)
        received = text(their_input, sold.decimals)
        given = text(their_output, bought.decimals)
        theirs_as_shares = ("BUY", received, given) if side == "SELL" else ("SELL", given, received)
        fills = [
            self._fill(owner, symbol, side, canonical(shares), canonical(usdc)),
            self._fill(counterparty, symbol, *theirs_as_shares),
        ]
        calldata = self.book.call("clear", *orders, (*places, 7, 8), change)
        return Action(calldata, CLEAR_V2, self._watched(fills))

    def taking_floats(self, symbol: str, side: str, shares, usdc, owner: str = "") -> Action:
        """A take of the second generation. Amounts: decimal text of any length, or (coefficient, exponent)."""
        owner = owner or self.owner
        sold, sold_amount, bought, bought_amount = self._legs(symbol, side, shares, usdc)
        fill = self._fill(owner, symbol, side, shares, usdc)
        return self._take_floats_action(
            self.order(owner, symbol), sold, sold_amount, bought, bought_amount, [fill]
        )

    def swapping_floats(self, sold: str, sold_amount, bought: str, bought_amount, owner: str = "") -> Action:
        """As swapping, of the second generation."""
        owner = owner or self.owner
        fills = [
            self._fill(owner, sold, "SELL", sold_amount, None),
            self._fill(owner, bought, "BUY", bought_amount, None),
        ]
        given, received = self.tokens[sold], self.tokens[bought]
        return self._take_floats_action(
            self.wide_order(owner), given, sold_amount, received, bought_amount, fills
        )

    def clearing_floats(
        self, symbol: str, side: str, shares, usdc, owner_is: str = "alice", owner: str = "", counterparty: str = ""
    ) -> Action:
        """A clear of the second generation without a bounty: shares and usdc are the owner's own amounts."""
        owner, counterparty = owner or self.owner, counterparty or self.stranger
        sold, sold_amount, bought, bought_amount = self._legs(symbol, side, shares, usdc)
        mine, theirs = (
            _as_second_generation(self.order(one, symbol)) for one in (owner, counterparty)
        )
        my_places = (_place(mine["validInputs"], bought), _place(mine["validOutputs"], sold))
        their_places = (_place(theirs["validInputs"], sold), _place(theirs["validOutputs"], bought))
        given, received = float_word(sold_amount), float_word(bought_amount)
        orders, places, change = (mine, theirs), my_places + their_places, (given, received, received, given)
        if owner_is == "bob":
            orders, places = (theirs, mine), their_places + my_places
            change = (received, given, given, received)
        opposite = {"SELL": "BUY", "BUY": "SELL"}[side]
        fills = [
            self._fill(owner, symbol, side, shares, usdc),
            self._fill(counterparty, symbol, opposite, shares, usdc),
        ]
        bounties = (bytes(31) + b"\x07", bytes(31) + b"\x08")
        calldata = self.book.call("clearFloats", *orders, (*places, *bounties), change)
        return Action(calldata, CLEAR_V3, self._watched(fills))

    def raw_event(self, topic: str, data: bytes) -> Action:
        """Any bytes under any topic, from the orderbook's address."""
        return Action(self.book.call("emitRaw", topic, data), topic)

    # Sending

    def take(self, *arguments, **options) -> list[Fill]:
        return self.many([self.taking(*arguments, **options)])

    def swap(self, *arguments, **options) -> list[Fill]:
        return self.many([self.swapping(*arguments, **options)])

    def clear(self, *arguments, **options) -> list[Fill]:
        return self.many([self.clearing(*arguments, **options)])

    def emit_raw(self, topic: str, data: bytes) -> str:
        """Sends a raw_event and returns the transaction's hash."""
        self.many([self.raw_event(topic, data)])
        return self.last_tx

    def many(self, actions: list[Action], orderbook: str = "") -> list[Fill]:
        """Several actions at one orderbook in one transaction, in this order."""
        target = orderbook or self.orderbook
        calldata = actions[0].calldata
        if len(actions) > 1:
            calldata = self.book.call("multicall", [action.calldata for action in actions])
        return self._send_actions(target, calldata, [(target, action) for action in actions])

    def across(self, steps: list[tuple[str, Action]]) -> list[Fill]:
        """Actions at several orderbooks in one transaction, through the router."""
        targets, actions = [target for target, _ in steps], [action for _, action in steps]
        calls = [action.calldata for action in actions]
        calldata = self._router.call("execute", targets, calls)
        return self._send_actions(self.router, calldata, steps)

    def mine(self, blocks: int = 1) -> int:
        """Mines by hand and completes the Fills that were waiting. Returns the head."""
        head = self.anvil.mine(blocks)
        self._settle()
        return head

    def refresh(self, fills: list[Fill]) -> None:
        """Reads again where fills stand, after a reorg; block_number is None when they are gone."""
        for fill in fills:
            receipt = self.rpc.call("eth_getTransactionReceipt", fill.tx_hash)
            if receipt:
                _locate(fill, receipt)
            else:
                fill.block_number = fill.block_hash = fill.log_index = None

    # Looking

    def vault(self, owner: str, symbol: str, orderbook: str = "") -> int:
        """Raw units in a vault."""
        token = self.tokens[symbol]
        data = self.book.call("vaultBalance", owner, token.address, token.vault_id)
        return int(self.rpc.call("eth_call", {"to": orderbook or self.orderbook, "data": data}, "latest"), 16)

    def logs(self, tx_hash: str) -> list[dict]:
        """The logs of a transaction, as soon as it is mined."""
        return self.receipt(tx_hash)["logs"]

    def receipt(self, tx_hash: str) -> dict:
        """Waits until a transaction is mined; raises Reverted when it failed."""
        receipt = wait_until(
            lambda: self.rpc.call("eth_getTransactionReceipt", tx_hash),
            timeout=10 + 3 * self.anvil.block_time,
            what=f"the receipt of {tx_hash}",
        )
        if receipt["status"] != "0x1":
            raise Reverted(f"{tx_hash}: {self._reason(tx_hash)}")
        return receipt

    # Inside

    def _order(self, owner: str, name: str, inputs: list[Token], outputs: list[Token]) -> dict:
        terms = encode(TERMS, [10**18, 10**18])
        return {
            "owner": owner,
            "evaluable": {"interpreter": INTERPRETER, "store": STORE, "bytecode": terms},
            "validInputs": [token.io for token in inputs],
            "validOutputs": [token.io for token in outputs],
            "nonce": number_of(owner + name).to_bytes(32, "big"),
        }

    def _funding(self) -> list[tuple]:
        """Wallets full, orderbooks allowed to draw on them."""
        people = [self.owner, self.stranger, self.other, self.taker]
        books, tokens = (self.orderbook, self.decoy), list(self.tokens.values())
        approvals = [
            (token.address, self._token.call("approve", book, 2**256 - 1))
            for book in books
            for token in tokens
        ]
        by_anyone = [
            (token.address, self._token.call("mint", person, BALANCE * 4))
            for token in tokens
            for person in (*people, self.router)
        ] + approvals  # these are the router's own
        execute = self._router.call("execute", *map(list, zip(*by_anyone)))
        return [(self.deployer, self.router, execute)] + [
            (person, to, data) for person in people for to, data in approvals
        ]

    def _openings(self) -> list[tuple]:
        """Vaults filled and orders added, a transaction for each owner and orderbook."""
        transactions = []
        for owner in (self.owner, self.stranger, self.other):
            calls = [
                self.book.call("deposit", token.address, token.vault_id, BALANCE)
                for token in self.tokens.values()
            ]
            orders = [self.order(owner, symbol) for symbol in self.tokens if symbol != "USDC"]
            calls += [self.book.call("addOrder", one) for one in [*orders, self.wide_order(owner)]]
            data = self.book.call("multicall", calls)
            transactions += [(owner, book, data) for book in (self.orderbook, self.decoy)]
        return transactions

    def _legs(self, symbol: str, side: str, shares, usdc) -> tuple:
        """What the order gives and what it receives: token, amount, token, amount."""
        equity, dollars = (self.tokens[symbol], shares), (self.tokens["USDC"], usdc)
        return {"SELL": equity + dollars, "BUY": dollars + equity}[side]

    def _take_action(self, order, sold, sold_raw, bought, bought_raw, fills, contexts=()) -> Action:
        places = (_place(order["validInputs"], bought), _place(order["validOutputs"], sold))
        config = (order, *places, list(contexts))
        calldata = self.book.call("take", config, sold_raw, bought_raw)
        return Action(calldata, TAKE_ORDER_V2, self._watched(fills))

    def _take_floats_action(self, order, sold, sold_amount, bought, bought_amount, fills) -> Action:
        order = _as_second_generation(order)
        places = (_place(order["validInputs"], bought), _place(order["validOutputs"], sold))
        amounts = float_word(sold_amount), float_word(bought_amount)
        calldata = self.book.call("takeFloats", (order, *places, []), *amounts)
        return Action(calldata, TAKE_ORDER_V3, self._watched(fills))

    def _fill(self, owner: str, symbol: str, side: str, shares, usdc) -> Fill:
        """Of wrapped shares: at what they are worth at the head; the block that is to come may change it."""
        moved, dollars = booked(shares), usdc if usdc is None else booked(usdc)
        if symbol not in self.vaults:
            return Fill(owner, symbol, side, moved, dollars)
        return Fill(owner, symbol, side, self._worth(self.tokens[symbol], shares), dollars, moved)

    def _worth_change(self, symbol: str, worth) -> tuple[str, str, str]:
        data = self._vault.call("setAssetsPerShare", raw_units(worth, 18))
        return self.deployer, self.tokens[symbol].address, data

    def _worth(self, vault: Token, shares) -> str | None:
        """What a vault's shares are worth at the head; its asset has as many decimals as itself. None: it refuses."""
        data = self._vault.call("convertToAssets", float_units(shares, vault.decimals))
        try:
            return text(int(self.rpc.call("eth_call", {"to": vault.address, "data": data}, "latest"), 16), vault.decimals)
        except RpcError:
            return None

    def _watched(self, fills: list[Fill]) -> list[Fill]:
        return [fill for fill in fills if fill.owner in self.watched]

    def _transaction(self, sender: str, to: str | None, data: str, gas: int = 0) -> dict:
        transaction = {"from": sender, "data": data, "gas": hex(gas or 30_000_000)}
        return transaction | ({"to": to} if to else {})

    def _send_all(self, transactions: list[tuple]) -> list[dict]:
        """Sends (sender, to, data) in one block where possible and returns the receipts."""
        with self.anvil.one_block():
            hashes = self.rpc.batch(
                [("eth_sendTransaction", self._transaction(*one)) for one in transactions]
            )
        return [self.receipt(tx_hash) for tx_hash in hashes]

    def _send_actions(self, to: str, calldata: str, steps: list[tuple[str, Action]]) -> list[Fill]:
        transaction = self._transaction(self.taker, to, calldata, GAS_LIMIT * len(steps))
        self.last_tx = self.rpc.call("eth_sendTransaction", transaction)
        # Copies: an action may be sent again. What happens elsewhere than at our orderbook is nobody's fill.
        events = [
            (target, action.topic, self._fills_of(action) if target == self.orderbook else [])
            for target, action in steps
        ]
        self._unsettled.append((self.last_tx, events))
        if self.anvil.mining != "manual":
            self._settle()
        return [fill for _, _, fills in events for fill in fills]

    def _fills_of(self, action: Action) -> list[Fill]:
        return [replace(fill, tx_hash=self.last_tx) for fill in action.fills]

    def _reason(self, tx_hash: str) -> str:
        sent = self.rpc.call("eth_getTransactionByHash", tx_hash)
        call = {"from": sent["from"], "to": sent["to"], "data": sent["input"], "gas": sent["gas"]}
        try:
            self.rpc.call("eth_call", call, sent["blockNumber"])
        except RpcError as error:
            return f"{error.message} {error.data}"
        return "no reason found by calling it again"

    def _settle(self) -> None:
        """Writes into the Fills of what was sent where they stand on chain."""
        while self._unsettled:
            tx_hash, events = self._unsettled.pop(0)
            receipt = self.receipt(tx_hash)
            places = enumerate(receipt["logs"])
            for target, topic, fills in events:
                if topic:
                    place = next(place for place, log in places if _emitted(log, target, topic))
                for fill in fills:
                    fill.event_type, fill.place_in_tx = EVENT_TYPES[topic], place
                    _locate(fill, receipt)


def _locate(fill: Fill, receipt: dict) -> None:
    fill.block_number = int(receipt["blockNumber"], 16)
    fill.block_hash = receipt["blockHash"]
    fill.log_index = int(receipt["logs"][fill.place_in_tx]["logIndex"], 16)


def _emitted(log: dict, target: str, topic: str) -> bool:
    return log["address"] == target and log["topics"][0] == topic


def _as_second_generation(order: dict) -> dict:
    """The order as its contract knows it: IOs have no decimals, and a vault's id is bytes."""
    lists = {
        name: [{"token": io["token"], "vaultId": io["vaultId"].to_bytes(32, "big")} for io in order[name]]
        for name in ("validInputs", "validOutputs")
    }
    return order | lists


def _place(ios: list[dict], token: Token) -> int:
    """The index of a token in an order's list."""
    return next(index for index, io in enumerate(ios) if io["token"] == token.address)
