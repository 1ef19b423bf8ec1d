"""Over TLS: the right certificate works for every program that speaks to the node, any other is refused."""

import pytest

from lib.tlsproxy import Authority, TlsProxy

NODE_PROGRAMS = ("listener", "backfiller", "processor")


@pytest.fixture
def authority(workdir):
    return Authority(workdir)


def over_tls(stack, port, host, ca):
    stack.config["WS_RPC_URL"] = f"wss://{host}:{port}"
    stack.config["HTTP_RPC_URL"] = f"https://{host}:{port}"
    stack.config["TLS_CA_FILE"] = str(ca.file)


def test_the_whole_way_over_tls(market, stack, authority):
    with TlsProxy(market.anvil.port, authority.certificate("localhost")) as proxy:
        over_tls(stack, proxy.port, "localhost", authority)
        history = market.take("AAPL0x", "SELL", "0.5", usdc="115")
        stack.start_all()
        stack.wait_until(lambda: stack.database.sessions(), 15, "a session")
        live = market.take("AAPL0x", "SELL", "0.5", usdc="115")
        stack.wait_until(lambda: stack.database.count("executions", "status = 'FILLED'") == 1, 15, "the hedge")
        assert len(stack.database.trades()) == len(history + live)
        stack.stop()


@pytest.mark.parametrize("name", NODE_PROGRAMS)
def test_a_certificate_for_another_host_is_refused(market, stack, authority, name):
    with TlsProxy(market.anvil.port, authority.certificate("elsewhere.test")) as proxy:
        over_tls(stack, proxy.port, "localhost", authority)
        assert "certificate" in stack.run(name, "--check", expect=69).text().lower()


@pytest.mark.parametrize("name", NODE_PROGRAMS)
def test_a_certificate_of_an_unknown_authority_is_refused(market, stack, authority, workdir, name):
    stranger = Authority(workdir, "stranger")
    with TlsProxy(market.anvil.port, stranger.certificate("localhost")) as proxy:
        over_tls(stack, proxy.port, "localhost", authority)
        assert "certificate" in stack.run(name, "--check", expect=69).text().lower()
