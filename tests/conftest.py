"""What every test may ask for."""

import pytest
from hypothesis import HealthCheck, settings

WHOLE = ("clients", "server", "simulator", "cli")


settings.register_profile(
    "default", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("fuzz", parent=settings.get_profile("default"), max_examples=400)
settings.register_profile("ci", parent=settings.get_profile("default"), max_examples=100)
settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-golden", action="store_true", help="rewrite the golden files")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The pure files are covered by their own tests: whole programs are spared the tracer."""
    for item in items:
        if item.path.parent.name in WHOLE:
            item.add_marker(pytest.mark.no_cover)


@pytest.fixture(name="rewrite", scope="session")
def _rewrite(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--rewrite-golden"))
