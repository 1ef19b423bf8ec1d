"""What a measurement found, as rows of a table: value, what it is compared with, the ratio of the two."""

from dataclasses import dataclass, field


@dataclass
class Report:
    name: str
    what: str
    rows: list[tuple] = field(default_factory=list)

    def row(self, name: str, value, unit: str = "", other=None, other_name: str = "", goal: str = "") -> None:
        """other: measured in the same run; the ratio is value to other."""
        ratio = f"{value / other:.2f} x {other_name} ({number(other)})" if other else ""
        self.rows.append((name, f"{number(value)} {unit}".rstrip(), ratio, goal))

    def print(self) -> None:
        widths = [max((len(row[column]) for row in self.rows), default=0) for column in range(3)]
        print(f"\n{self.name}: {self.what}", flush=True)
        for name, value, ratio, goal in self.rows:
            line = f"  {name:{widths[0]}}  {value:>{widths[1]}}  {ratio:{widths[2]}}"
            print((line + (f"  goal {goal}" if goal else "")).rstrip(), flush=True)


def number(value) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) or value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"
