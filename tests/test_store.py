import os
import random
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from notion_manager.allowance import Allowance, Meter
from notion_manager.database import MIGRATIONS, StoreProblem
from notion_manager.keys import match
from notion_manager.models import Model
from notion_manager.secret import Secret
from notion_manager.standing import Standing, Terms
from notion_manager.store import Store, Taken
from notion_manager.upstreams.notion_web.account import Account

ADA = Account(
    alias="ada",
    token_v2=Secret("v03%3Aada-token"),
    user_id="u1",
    user_name="Ada Example",
    email="ada@example.test",
    space_id="s1",
    space_name="Ada's Space",
    space_view_id="w1",
    plan="team",
    timezone="Europe/Paris",
)
BOB = replace(ADA, alias="bob", user_id="u2", email="bob@example.test", token_v2=Secret("bob-t"))
SONNET = Model("sonnet-4.6", "almond", "Sonnet 4.6", "anthropic", ("low", "high"), context=200_000)


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "state.db"


@pytest.fixture(name="store")
def _store(path: Path) -> Iterator[Store]:
    with Store(path) as store:
        yield store


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# Accounts


def test_an_account_comes_back_whole(store: Store) -> None:
    store.put_account(BOB)
    store.put_account(ADA)
    assert store.accounts() == (ADA, BOB)


def test_adding_an_account_again_renews_it_and_clears_its_standing(store: Store) -> None:
    store.put_account(ADA)
    store.save_standings(Standing("ada", retired=True, reason="account_unauthorized"))
    renewed = replace(ADA, token_v2=Secret("fresh"), plan="enterprise")
    store.put_account(renewed)
    assert store.accounts() == (renewed,)
    assert store.standings() == ()


def test_a_renamed_account_keeps_its_catalogue(store: Store) -> None:
    store.put_account(ADA)
    store.save_catalogue("ada", [SONNET], 5.0)
    store.put_account(replace(ADA, alias="work"))
    assert list(store.catalogues()) == ["work"]


def test_an_alias_has_one_account(store: Store) -> None:
    store.put_account(ADA)
    with pytest.raises(Taken, match="another account is named ada") as caught:
        store.put_account(replace(BOB, alias="ada"))
    assert "--alias" in caught.value.remedy
    assert store.accounts() == (ADA,)


def test_one_user_may_have_two_workspaces(store: Store) -> None:
    store.put_account(ADA)
    store.put_account(replace(ADA, alias="ada-2", space_id="s2"))
    assert [a.alias for a in store.accounts()] == ["ada", "ada-2"]


def test_a_removed_account_takes_what_is_known_of_it_along(store: Store) -> None:
    store.put_account(ADA)
    store.save_standings(Standing("ada", strikes=1))
    store.save_catalogue("ada", [SONNET], 5.0)
    with closing(store.conversations(100.0)) as places:
        for account in (ADA, BOB):
            places.put("k", account.alias, identity=account.identity, terms="t")
    assert store.remove_account("ada")
    assert not store.remove_account("ada")
    store.put_account(ADA)
    assert store.standings() == ()
    assert store.catalogues() == {}
    with closing(store.conversations(100.0)) as places:
        found = [places.take("k"), places.take("k")]
    assert [binding and binding.bookmark for binding in found] == ["bob", None]


# Keys


def test_a_key_is_kept_as_its_digest_alone(store: Store, path: Path) -> None:
    made = store.add_key("laptop", now=7)
    (kept,) = store.keys()
    assert (kept.name, kept.created_at) == ("laptop", 7)
    assert match(store.keys(), made.reveal()) == "laptop"
    assert made.reveal().startswith("nm-")
    assert len(made.reveal()) == 46
    files = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert made.reveal().encode() not in files
    assert kept.hash.encode() in files  # so the search above could have found something


def test_two_keys_have_two_names_and_two_texts(store: Store) -> None:
    first = store.add_key("a", now=1)
    with pytest.raises(Taken, match="there is a key named a"):
        store.add_key("a", now=2)
    assert store.add_key("b", now=2) != first
    assert [key.name for key in store.keys()] == ["a", "b"]  # noqa: SIM118 - a method of ours, no dict
    assert match(store.keys(), first.reveal()) == "a"


def test_a_removed_key_is_gone(store: Store) -> None:
    made = store.add_key("a", now=1)
    assert store.remove_key("a")
    assert not store.remove_key("a")
    assert match(store.keys(), made.reveal()) is None


# Standings and catalogues


def test_a_standing_comes_back_with_nobody_in_its_seats(store: Store) -> None:
    store.put_account(ADA)
    standing = Standing("ada", busy=3, strikes=2, ready_at=99.5, reason="insufficient_quota")
    store.save_standings(standing)
    store.save_standings(structs.replace(standing, strikes=3))
    assert store.standings() == (structs.replace(standing, busy=0, strikes=3),)


def test_terms_come_back_and_go_with_their_account(store: Store) -> None:
    assert not store.save_terms("ghost", Terms())
    store.put_account(ADA)
    assert store.terms() == {}
    assert store.save_terms("ada", Terms(enabled=False, weight=2.5, seats=4))
    assert store.save_terms("ada", Terms(weight=3.0))
    assert store.terms() == {"ada": Terms(weight=3.0)}
    store.remove_account("ada")
    assert store.terms() == {}


def test_an_allowance_comes_back_as_it_was_read(store: Store) -> None:
    left = Allowance(5.0, paid=True, meters=(Meter("window", 1, 100, 9.0, pace=0.5),), until=3.0)
    store.save_allowance("ghost", left)
    assert store.allowances() == {}
    store.put_account(ADA)
    store.save_allowance("ada", left)
    assert store.allowances() == {"ada": left}


def test_a_catalogue_comes_back_with_its_age(store: Store) -> None:
    store.put_account(ADA)
    store.save_catalogue("ada", [SONNET], 5.0)
    store.save_catalogue("ada", [SONNET, SONNET], 6.0)
    shelved = store.catalogues()["ada"]
    assert (shelved.models, shelved.fetched_at) == ((SONNET, SONNET), 6.0)


def test_what_concerns_an_account_that_is_gone_is_dropped(store: Store) -> None:
    store.save_standings(Standing("ghost"))
    store.save_catalogue("ghost", [SONNET], 5.0)
    assert store.standings() == ()
    assert store.catalogues() == {}


def test_what_another_version_wrote_in_another_shape_is_forgotten(store: Store, path: Path) -> None:
    store.put_account(ADA)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT INTO standings VALUES ('ada', '{\"colour\": 1}')")
        db.execute("INSERT INTO catalogues VALUES ('ada', '[1]', 5.0)")
    assert store.standings() == ()
    assert store.catalogues() == {}


# The file


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277])
def test_file_and_directory_are_for_their_owner_alone_whatever_the_umask(
    path: Path, umask: int
) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o777)
    old = os.umask(umask)
    try:
        with Store(path) as store:
            store.put_account(ADA)
            made = list(path.parent.iterdir())
            assert len(made) == 3  # with -wal and -shm
            assert not any(mode(file) & 0o077 for file in made)
    finally:
        os.umask(old)
    assert mode(path.parent) == 0o700


def test_a_directory_that_is_made_is_its_owners_alone(store: Store, path: Path) -> None:
    assert mode(path.parent) == 0o700
    assert mode(path) == 0o600


def test_looser_permissions_are_tightened(path: Path) -> None:
    with Store(path) as store:
        store.put_account(ADA)
    path.chmod(0o644)
    path.parent.chmod(0o755)
    with Store(path) as store:
        assert store.accounts() == (ADA,)
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)


def test_a_directory_that_everybody_shares_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    with pytest.raises(StoreProblem, match="shared with everybody"):
        Store(tmp_path / "state.db")
    assert mode(tmp_path) == 0o1777


def test_a_directory_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreProblem, match="cannot be made safe: ") as caught:
        Store(tmp_path / "file" / "state.db")
    assert "NOTION_MANAGER_STATE_DIR" in caught.value.remedy


def test_a_file_that_is_no_database_is_a_clear_error(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database, but long enough to be read as one" * 100)
    with pytest.raises(StoreProblem, match=r"state\.db is damaged: file is not a database"):
        Store(path)
    assert path.read_bytes().startswith(b"not a database")


def test_a_file_damaged_inside_is_a_clear_error(path: Path) -> None:
    with Store(path) as store:
        for n in range(200):
            store.put_account(replace(ADA, alias=f"a{n}", space_id=f"s{n}"))
    raw = bytearray(path.read_bytes())
    raw[4096 * 2 :] = b"\xff" * (len(raw) - 4096 * 2)
    path.write_bytes(raw)
    with Store(path) as store, pytest.raises(StoreProblem, match="is damaged"):
        store.accounts()


def test_a_file_of_a_newer_version_is_left_alone(path: Path) -> None:
    with Store(path):
        pass
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    db.close()
    with pytest.raises(StoreProblem, match="newer notion-manager"):
        Store(path)


def test_an_empty_file_is_brought_to_the_newest_version(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    with Store(path):
        pass
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    db.close()


def test_a_failed_write_leaves_nothing_behind(store: Store, path: Path) -> None:
    store.put_account(ADA)
    db = sqlite3.connect(path)
    db.execute("CREATE TRIGGER no BEFORE DELETE ON accounts BEGIN SELECT RAISE(ABORT, 'no'); END")
    db.close()
    with pytest.raises(StoreProblem):
        store.remove_account("ada")
    assert store.accounts() == (ADA,)
    store.put_account(BOB)  # and the store still works
    assert len(store.accounts()) == 2


def test_threads_share_one_store(store: Store) -> None:
    def add(n: int) -> None:
        for i in range(10):
            store.add_key(f"{n}-{i}", now=i)

    threads = [threading.Thread(target=add, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.keys()) == 40


# Other processes

WRITER = """
import sys
from pathlib import Path
from notion_manager.store import Store
with Store(Path(sys.argv[1])) as store:
    print("ready", flush=True)
    for n in range(int(sys.argv[3])):
        store.add_key(f"{sys.argv[2]}-{n}", now=n)
        print(f"{sys.argv[2]}-{n}", flush=True)
"""


def writer(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603


def test_two_processes_write_at_once_from_an_empty_directory(path: Path) -> None:
    both = [writer(path, name, 25) for name in "ab"]
    outputs = [process.communicate(timeout=30)[0].split() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    with Store(path) as store:
        names = {key.name for key in store.keys()}  # noqa: SIM118 - a method of ours, no dict
    assert names == {line for lines in outputs for line in lines if line != "ready"}
    assert len(names) == 50


def test_many_open_an_empty_directory_at_once(path: Path) -> None:
    """SQLite does not wait for its lock while it switches to its log of writes."""
    for round_ in range(30):
        together = threading.Barrier(6)

        def opened(
            fresh: Path = path.parent / str(round_) / path.name,
            together: threading.Barrier = together,
        ) -> None:
            together.wait()
            Store(fresh).__exit__(None, None, None)

        with ThreadPoolExecutor(6) as crowd:
            for done in [crowd.submit(opened) for _ in range(6)]:
                done.result()


@pytest.mark.parametrize("round_", range(4))
def test_a_kill_at_any_moment_loses_nothing_that_was_acknowledged(path: Path, round_: int) -> None:
    moment = random.Random(round_).randrange(1, 40)  # noqa: S311 - which write, not a secret
    process = writer(path, "k", 100_000)
    assert process.stdout
    seen = [process.stdout.readline().strip() for _ in range(moment + 1)]
    process.kill()
    seen += process.stdout.read().split()
    process.wait()
    process.stdout.close()
    acknowledged = [f"k-{n}" for n in range(len(seen) - 1)]
    assert seen == ["ready", *acknowledged]
    with Store(path) as store:
        kept = {key.name for key in store.keys()}  # noqa: SIM118 - a method of ours, no dict
    assert kept >= set(acknowledged)
    assert len(kept) <= len(acknowledged) + 1


def test_reading_need_not_wait_for_whoever_writes(tmp_path: Path) -> None:
    with Store(tmp_path / "state.db") as store:
        store.add_key("one", 0)
        with closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as other, other:
            other.execute("BEGIN IMMEDIATE")
            known = store.keys()
            assert [key.name for key in known] == ["one"]
            other.execute("ROLLBACK")


def test_the_salt_is_made_once_and_is_another_elsewhere(tmp_path: Path) -> None:
    with Store(tmp_path / "a" / "s.sqlite3") as store:
        salt = store.salt()
        assert len(salt) == 16
        assert store.salt() == salt
    with Store(tmp_path / "a" / "s.sqlite3") as store:
        assert store.salt() == salt
    with Store(tmp_path / "b" / "s.sqlite3") as store:
        assert store.salt() != salt
