"""What every test may ask for."""

import pytest
import xdist
from hypothesis import HealthCheck, is_hypothesis_test, settings

WHOLE = ("clients", "server", "simulator", "cli")


settings.register_profile(
    "default", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("fuzz", parent=settings.get_profile("default"), max_examples=400)
settings.register_profile("ci", parent=settings.get_profile("default"), max_examples=100)
settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-golden", action="store_true", help="rewrite the golden files")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Of several processes only the workers measure, each from here on.

    pytest-cov has begun by then in each of them as if it were the first. That would go on behind
    the worker's own measuring, and the tracer with it where a test is spared it.
    """
    measuring = getattr(session.config.pluginmanager.getplugin("_cov"), "cov_controller", None)
    if measuring and (xdist.is_xdist_worker(session) or xdist.is_xdist_controller(session)):
        measuring.cov.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Examples cover the pure files: whole programs and drawn values are spared the tracer.

    It makes them three times as slow, and what is drawn covers one line today and another tomorrow.
    """
    for item in items:
        drawn = isinstance(item, pytest.Function) and is_hypothesis_test(item.obj)
        if drawn or item.path.parent.name in WHOLE:
            item.add_marker(pytest.mark.no_cover)


@pytest.fixture(name="rewrite", scope="session")
def _rewrite(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--rewrite-golden"))
