"""The pipeline under the monitor's load, in short: everything is answered, every fill hedged, and the log of writes begun
anew. How much slower it gets is measured by tests/bench/monitor_load, not here."""

from lib.monitor_load import compare
from test_pipeline import wait_session

# A checkpoint begins at a thousand pages of 4 KiB, and frames have heads; a reader that kept it from ending lets it grow on.
LARGEST_WAL = 2 * 1024 * 4096


def test_readers_do_not_hold_up_the_pipeline(market, stack, workdir):
    stack.start_all()
    wait_session(stack)
    alone, loaded = compare(market, stack, workdir, seconds=3, watchers=4)
    assert loaded.wrong == []
    assert len(loaded.answers) > 200 and loaded.events > 4 * 3
    assert len(alone.to_trade) == len(loaded.to_trade) == 30
    assert len(loaded.to_order) > 10
    assert 0 < loaded.largest_wal < LARGEST_WAL
