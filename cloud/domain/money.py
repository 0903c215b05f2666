"""An amount of one currency in integer cents: never a float, never two currencies in one sum."""

from dataclasses import dataclass

AMOUNT_CENTS_MAX = 10**12
"""Ten thousand million shillings in one payment is a mistake or an attack, and still far from a bigint's end."""


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """Cents of a currency."""

    cents: int
    currency: str = "KES"

    def __post_init__(self) -> None:
        if isinstance(self.cents, bool) or not isinstance(self.cents, int):
            raise TypeError("money is counted in whole cents")
        if len(self.currency) != 3 or not self.currency.isupper():
            raise ValueError("a currency is three capital letters, such as KES")

    def __add__(self, other: "Money") -> "Money":
        return Money(self.cents + self._same(other).cents, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.cents - self._same(other).cents, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.cents, self.currency)

    def __str__(self) -> str:
        sign = "-" if self.cents < 0 else ""
        whole, rest = divmod(abs(self.cents), 100)
        return f"{self.currency} {sign}{whole:,}.{rest:02d}" if rest else f"{self.currency} {sign}{whole:,}"

    def _same(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return other
