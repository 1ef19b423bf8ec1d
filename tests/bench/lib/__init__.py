"""What the measurements share. The helpers of the integration tests belong to the same package."""

from pathlib import Path

_INTEGRATION = str(Path(__file__).resolve().parents[2] / "integration/lib")
if _INTEGRATION not in __path__:
    __path__.append(_INTEGRATION)
