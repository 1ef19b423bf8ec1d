"""Exact amounts: raw token units and canonical decimal text, without a float in between."""

from decimal import Decimal, localcontext
from fractions import Fraction


def raw_units(amount: str | int | Decimal, decimals: int) -> int:
    """1.5 of a token with 6 decimals is 1500000. Refuses what is finer than the token, and floats."""
    if isinstance(amount, float):
        raise TypeError("a float is not exact")
    with localcontext() as context:
        context.prec = 200
        units = Decimal(amount).scaleb(decimals)
        if units != units.to_integral_value():
            raise ValueError(f"{amount} has more than {decimals} decimals")
        return int(units)


def text(units: int, decimals: int) -> str:
    """The amount as Ballast writes it: "0.3", "12", "0"; never an exponent, never a trailing zero."""
    sign, digits = ("-" if units < 0 else ""), str(abs(units)).rjust(decimals + 1, "0")
    whole, fraction = digits[: len(digits) - decimals], digits[len(digits) - decimals :]
    fraction = fraction.rstrip("0")
    return sign + whole + ("." + fraction if fraction else "")


def canonical(amount: str | int | Decimal) -> str:
    """Any decimal text in the canonical form: "1.50" is "1.5"."""
    with localcontext() as context:
        context.prec = 200
        exponent = Decimal(amount).normalize().as_tuple().exponent
        decimals = max(0, -exponent)
    return text(raw_units(amount, decimals), decimals)


def price(usdc: str, shares: str) -> str | None:
    """USDC a share, rounded towards zero at the 18th digit; None when either is zero."""
    if not Fraction(usdc) or not Fraction(shares):
        return None
    return text(int(Fraction(usdc) / Fraction(shares) * 10**18), 18)


def float_word(amount: str | int | Decimal | tuple[int, int]) -> bytes:
    """The word of a decimal float: an amount, or coefficient and exponent as they shall stand."""
    if not isinstance(amount, tuple):
        sign, digits, exponent = Decimal(amount).as_tuple()
        amount = ((-1) ** sign * int("".join(map(str, digits))), exponent)
    coefficient, exponent = amount
    return exponent.to_bytes(4, "big", signed=True) + coefficient.to_bytes(28, "big", signed=True)


def booked(amount: str | int | Decimal | tuple[int, int]) -> str:
    """What Ballast makes of a float's amount: rounded towards zero at the 18th digit."""
    return text(float_units(amount, 18), 18)


def float_units(amount: str | int | Decimal | tuple[int, int], decimals: int) -> int:
    """Raw units of a float's amount, rounded towards zero."""
    if not isinstance(amount, tuple):
        return int(Fraction(str(amount)) * 10**decimals)
    coefficient, exponent = amount
    if not coefficient or exponent < -400:
        return 0
    return int(coefficient * Fraction(10) ** (exponent + decimals))
