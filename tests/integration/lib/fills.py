"""What happens at an orderbook, as the tests speak of it."""

import hashlib
from dataclasses import dataclass, field

from .amounts import price, raw_units

TAKE_ORDER_V2 = "0x10de99b9032184587540c04e1850dff94a7683ae1fcc9eb06098621c739c0275"
CLEAR_V2 = "0x692ee69af2843c70772be93470669f3c73e583316a047b6bfefdae5629de37ce"
AFTER_CLEAR = "0x3f20e55919cca701abb2a40ab72542b25ea7eed63a50f979dd2cd3231e5f488d"
TAKE_ORDER_V3 = "0x194f1feb3b4d7076a2c272e774e792e0c48bb8c7aa1a9a3671c1cd6da9e6b4c1"
CLEAR_V3 = "0x6fa7f4c28634b0a9d6831401c45ae468195fb63aed07308935c35374ff5d9e39"
AFTER_CLEAR_V2 = "0xd9fa84dd790c969daa5c33d8050dc06b4a9b59d5b42e2be5f5e8ae20447f618d"
EVENT_TYPES = {
    TAKE_ORDER_V2: "TakeOrderV2",
    CLEAR_V2: "ClearV2",
    TAKE_ORDER_V3: "TakeOrderV3",
    CLEAR_V3: "ClearV3",
}


def number_of(name: str) -> int:
    """A large number that is always the same for a name: vault ids, nonces."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest(), "big")


@dataclass(frozen=True)
class Token:
    symbol: str
    address: str
    decimals: int

    @property
    def vault_id(self) -> int:
        return number_of(self.symbol)

    @property
    def io(self) -> dict:
        """The token as an order names it."""
        return {"token": self.address, "decimals": self.decimals, "vaultId": self.vault_id}

    def raw(self, amount) -> int:
        return raw_units(amount, self.decimals)


@dataclass
class Fill:
    """What Ballast is to book. Where it stands on chain is known once it is mined, and None before.

    token_amount: of wrapped shares, what moved; amount is what that is worth, None when the vault refuses to say.
    """

    owner: str
    symbol: str
    direction: str
    amount: str | None
    usdc: str | None
    token_amount: str | None = None
    event_type: str = ""
    tx_hash: str = ""
    block_number: int | None = None
    block_hash: str | None = None
    log_index: int | None = None
    place_in_tx: int = 0  # which log of its transaction it is

    @property
    def price_usdc(self) -> str | None:
        return self.usdc and self.amount and price(self.usdc, self.amount)


@dataclass
class Action:
    """One call to an orderbook; topic: that of the event it emits, if it is one of Ballast's."""

    calldata: str
    topic: str = ""
    fills: list[Fill] = field(default_factory=list)
